/*
 * SetHandler chatbot-metrics: the metrics in Prometheus's text format.
 */
#ifndef HTTP_HANDLER_METRICS_H
#define HTTP_HANDLER_METRICS_H

#include <httpd.h>

/* A content handler; its name was matched already. Worker. */
int handler_metrics(request_rec *r);

#endif
