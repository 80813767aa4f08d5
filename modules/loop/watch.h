/*
 * One-shot interest in one client socket, with a timeout. I/O thread only.
 *
 * The socket stays its owner's: a watch neither reads, writes nor closes it,
 * and the owner keeps it open until the watch has fired or was stopped.
 */
#ifndef LOOP_WATCH_H
#define LOOP_WATCH_H

#include "loop/loop.h"

typedef struct watch_t watch_t;

/* What is waited for, and what came; a timeout and an error are always told. */
enum {
    WATCH_READABLE = 1, /* bytes or an end of stream can be read */
    WATCH_WRITABLE = 2,
    WATCH_PEER_SHUT = 4, /* the peer sent its FIN (it may still read) */
    WATCH_ERROR = 8,     /* the connection is dead: reset, or both sides shut */
    WATCH_TIMEOUT = 16
};

/* Waits for any of `interest` on the descriptor, at most `timeout` microseconds (negative: for
 * ever). `fn` is called once, and the watch is gone before it is called. `interest` 0 waits for an
 * error alone. One watch a descriptor at a time. NULL when the system refuses (logged). */
watch_t *watch_start(loop_t *loop, int descriptor, unsigned interest, apr_interval_time_t timeout,
                     void (*fn)(void *baton, unsigned came), void *baton);

/* Ends a watch that has not fired; `fn` will not be called. */
void watch_stop(watch_t *watch);

#endif
