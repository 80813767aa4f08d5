/*
 * Whether the client of a waiting chat is still there. I/O thread.
 *
 * A FIN can mean that the client has left, or that it only has nothing more to
 * say (a half-close): only an answer tells, and who has left meets it with a
 * reset. So, where it may, a FIN is answered with "100 Continue", which every
 * client of HTTP/1.1 has to skip (RFC 9110, 15.2): a reset follows, or the
 * client is there. Elsewhere (TLS, HTTP/1.0) a FIN counts as gone. Once a part
 * of the answer is written, more of it is the probe.
 */
#ifndef HTTP_PRESENCE_H
#define HTTP_PRESENCE_H

#include "loop/watch.h"

#include <httpd.h>

/* Embedded by its owner. */
typedef struct {
    loop_t *loop;
    int descriptor;
    int may_probe;
    int has_shut; /* the client sent its FIN: only an error is waited for */
    void (*on_half_closed)(void *baton);
    watch_t *watch;
    void (*on_gone)(void *baton);
    void *baton;
} presence_t;

/* Prepares it for a request's connection; the worker that handles the request. */
void presence_prepare(presence_t *presence, request_rec *r);

/* A part of the answer is written: when a FIN comes, `on_half_closed` is called instead of probing
 * here, once. I/O thread, while it does not look. */
void presence_expect(presence_t *presence, void (*on_half_closed)(void *baton));

/* Begins to look; `on_gone` is called at most once. I/O thread. */
void presence_start(presence_t *presence, loop_t *loop, void (*on_gone)(void *baton), void *baton);

/* Ends looking; fine at any time. I/O thread. */
void presence_stop(presence_t *presence);

#endif
