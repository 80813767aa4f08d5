/*
 * The embedded metric format: numbers as JSON lines in a log, which CloudWatch
 * Logs turns into metrics (Amazon CloudWatch User Guide, "Embedded metric format
 * specification"). Each document is one line of at most 8 KB: log drivers cut
 * longer ones. Any thread.
 */
#ifndef CHAT_EMF_H
#define CHAT_EMF_H

#include "aws/cloudwatch.h"
#include "chat/report.h"

#define EMF_LINE_MAX   8192 /* the line's end included */
#define EMF_VALUES_MAX 100  /* of a metric in one document */

/* Where the numbers belong. */
typedef struct {
    const char *namespace;
    const cloudwatch_dimension_t *dimensions; /* beside ours */
    size_t dimension_count;
} emf_place_t;

/* Takes one document with its line's end; 0 when it could not be written. */
typedef int (*emf_line_fn)(void *baton, const char *line, size_t length);

/* Writes a datum as one or more documents; `wall` is the time of day. 0 when one of them could not
 * be written. */
int emf_write(const emf_place_t *place, const report_datum_t *datum, apr_time_t wall,
              emf_line_fn write, void *baton);

#endif
