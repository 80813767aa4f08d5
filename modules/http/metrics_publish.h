/*
 * The way of the metrics out of the server: servers with equal settings are one
 * publisher. While httpd runs a child delivers; when httpd ends, the last child
 * delivers what is left, and what could not be delivered the parent writes to the
 * error log.
 */
#ifndef HTTP_METRICS_PUBLISH_H
#define HTTP_METRICS_PUBLISH_H

#include "loop/loop.h"

#include <httpd.h>

/* Once the whole configuration was read: finds the publishers. OK, or HTTP_INTERNAL_SERVER_ERROR
 * with the reason in the log. */
int metrics_publish_check(apr_pool_t *pconf, server_rec *main_server);

/* Parent, once there is shared memory: sees to what is left when httpd ends. */
void metrics_publish_prepare(apr_pool_t *pconf, server_rec *main_server);

/* Child, once its AWS clients are made: begins to deliver. */
void metrics_publish_start(apr_pool_t *pchild, loop_t *loop);

/* Child, before its loop stops. `is_last`: no other child is left; then what was counted is
 * delivered first, for which the thread waits up to two seconds. */
void metrics_publish_stop(int is_last);

/* How the deliveries go, of all publishers; 0 when there is none. Any thread. */
typedef struct {
    apr_time_t delivered; /* time of day of the last that went well; 0: none yet */
    unsigned failures;    /* most in a row */
} metrics_publish_state_t;

int metrics_publish_state(metrics_publish_state_t *state);

#endif
