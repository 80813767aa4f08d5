/*
 * Where requests are counted: once each, when their line goes to the access log.
 * So the access log, Prometheus and CloudWatch count the same.
 */
#ifndef HTTP_METRICS_COUNT_H
#define HTTP_METRICS_COUNT_H

#include <httpd.h>

/* httpd's hook log_transaction, before the access log is written. */
int metrics_count_request(request_rec *r);

#endif
