/*
 * Trace context of a visitor, before it is passed on: untrusted, so only what
 * has the exact form of its header goes further. Pure; any thread.
 */
#ifndef CHAT_TRACE_H
#define CHAT_TRACE_H

/* Longest value passed on. */
#define TRACE_MAX 256

/* Whether it is a traceparent of version 00 (W3C Trace Context, 3.2): lower-case hexadecimal, ids
 * that are not all zero. */
int trace_is_parent(const char *value);

/* Whether it is an X-Amzn-Trace-Id (X-Ray developer guide, "Tracing header"): fields Name=value,
 * among them a Root of the form 1-{8 hex}-{24 hex}; other fields are kept. */
int trace_is_amazon(const char *value);

#endif
