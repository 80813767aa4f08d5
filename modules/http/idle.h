/*
 * Adopted connections between two requests: kept alive, or closed when the
 * child is stopping.
 */
#ifndef HTTP_IDLE_H
#define HTTP_IDLE_H

#include "http/adopted.h"

/* Waits for the next request, at most the server's KeepAliveTimeout: then `on_request` runs on a
 * worker, or the connection is closed. Takes the connection over. Worker. */
void idle_start(adopted_t *adopted, void (*on_request)(workers_job_t *));

/* Closes all that are idle, now and from now on. Any thread. */
void idle_close_all(loop_t *loop);

#endif
