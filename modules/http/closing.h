/*
 * The end of an adopted connection: lingering close, then its memory.
 */
#ifndef HTTP_CLOSING_H
#define HTTP_CLOSING_H

#include "http/adopted.h"

/* Closes it: says so to the client, waits a little for its EOF, frees everything. Takes the
 * connection over. Worker. */
void closing_start(adopted_t *adopted);

/* The same as a job. */
void closing_on_job(workers_job_t *job);

#endif
