/*
 * The one place that knows whether a request waits suspended or holds its thread.
 */
#ifndef HTTP_DELIVERY_H
#define HTTP_DELIVERY_H

#include "http/answer.h"
#include "loop/loop.h"

#include <httpd.h>

/* A job whose answer is sent piece by piece while it is made. */
typedef struct {
    /* I/O thread, before it starts: `on_news` is to be called whenever there is something to send.
     */
    void (*listen)(void *task, void (*on_news)(void *baton), void *baton);
    /* I/O thread: what is there is a worker's from now on, until the next call. */
    void (*hand_over)(void *task);
    /* I/O thread: the client sent its FIN. Has something written to it, to see whether it is there.
     */
    void (*probe)(void *task);
    /* Worker: prepares what was handed over, but for the last time, when `prepare` does. */
    int (*write)(request_rec *r, void *task, answer_rest_t *rest);
} delivery_stream_t;

/* What is done on the I/O thread while the client waits, and how it is answered. */
typedef struct {
    /* I/O thread. `on_done` is called once, perhaps before the function returns; then the task is
     * the worker's again. */
    void (*start)(void *task, loop_t *loop, void (*on_done)(void *baton), void *baton);
    /* I/O thread: nobody waits any more, for the reason given; calls `on_done` from within, unless
     * it was called before. */
    void (*abandon)(void *task, const char *why);
    /* I/O thread, once it is done: whether `prepare` may block its worker. */
    int (*may_block)(const void *task);
    /* Worker: prepares the answer; returns as answer_error(). */
    int (*prepare)(request_rec *r, void *task, answer_rest_t *rest);
    /* Worker: gives back what the task holds, once it was answered or can never be. */
    void (*destroy)(void *task);
    const delivery_stream_t *stream; /* NULL: it is answered once, at its end */
} delivery_job_t;

/* Starts the task and sees that its answer reaches the client. Takes the task over. Returns what
 * the handler returns: SUSPENDED where the request can be suspended; elsewhere (worker, prefork, an
 * HTTP/2 stream) it returns when all is answered. */
int delivery_start(request_rec *r, const delivery_job_t *job, void *task);

/* Ends every task that is in flight: before the loop stops for good, so that nothing of them is
 * left behind. I/O thread. */
void delivery_abandon_all(void);

#endif
