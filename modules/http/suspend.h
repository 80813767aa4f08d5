/*
 * Suspended requests on stock httpd 2.4.
 *
 * The event MPM lets a request be suspended, but 2.4 cannot take its
 * connection back. So a connection that was suspended once is adopted: from
 * then on this file looks after it, with public calls only, until it closes.
 *
 *     worker                        I/O thread
 *     handler: suspend_request()
 *     MPM: suspend_connection  -->  work.begin, watching for the client
 *     work.finish              <--  suspend_ready()
 *       client reads slowly    -->  until it is writable, then work.finish again
 *       more will come         -->  work.back, watching for the client
 *     work.finish              <--  suspend_ready()
 *     settle: more to write    -->  until it is writable
 *             next request     <--
 *             idle             -->  until it is readable, or KeepAliveTimeout
 *             close            -->  lingering, until EOF
 *     destroy                  <--
 *
 * The arrows are the mailbox and the hops of http/workers: one thread owns the
 * connection at a time.
 */
#ifndef HTTP_SUSPEND_H
#define HTTP_SUSPEND_H

#include "loop/loop.h"

#include <httpd.h>

/* What `finish` returns when all that was ready is written, and more will come. */
#define SUSPEND_AWAIT (-101)

/* The part of whoever answers the request. */
typedef struct {
    void (*begin)(void *baton); /* I/O thread: start the work */
    void (*gone)(void *baton);  /* I/O thread: the client has left; call
                                   suspend_ready() soon */
    /* Worker: write the answer, as much as the client takes. SUSPENDED: call again when the client
     * has read some; SUSPEND_AWAIT: call `back`; else OK, or a status for ap_die(), and the request
     * ends with it. */
    int (*finish)(void *baton, request_rec *r);
    /* I/O thread: `finish` said SUSPEND_AWAIT; suspend_ready() may come at once, or later. The
     * client may have left: c->aborted. */
    void (*back)(void *baton);
    /* I/O thread: the client sent its FIN after a part of the answer was written. Only writing
     * tells whether it still reads: call suspend_ready() soon. */
    void (*half_closed)(void *baton);
    void *baton;
} suspend_work_t;

/* Whether this request can be suspended here: event MPM, a connection of its own, no filter that
 * needs the thread. Worker. */
int suspend_is_possible(const request_rec *r);

/* Marks the request; its handler returns SUSPENDED next. Worker. */
void suspend_request(request_rec *r, loop_t *loop, const suspend_work_t *work);

/* There is something to write: a worker will call `finish`, which `may_block` when it has more to
 * do than to write. I/O thread; once after `begin`, and after each `back` and `gone`. */
void suspend_ready(conn_rec *c, int may_block);

/* httpd's hook process_connection, first of all: the worker is done with what it did before. */
int suspend_on_process(conn_rec *c);

/* httpd's hook suspend_connection: where the connection is handed over. Worker. */
void suspend_on_suspend(conn_rec *c, request_rec *r);

#endif
