/*
 * The messages of an AWS event stream as events of a turn. I/O thread only.
 *
 * Each kind of event has a function; kinds that nobody named are skipped, for
 * AWS adds new ones. Exceptions and errors fail the turn by their names
 * (Smithy specification, "Amazon Event Stream").
 */
#ifndef BACKEND_EVENTS_H
#define BACKEND_EVENTS_H

#include "aws/eventstream.h"
#include "backend/turn.h"
#include "base/json.h"

/* A list of these ends with one without `type`. */
typedef struct {
    const char *type;
    /* 0 after turn_fail(). */
    int (*take)(backend_turn_t *turn, const json_t *event);
    /* Its payload is parsed only when one of these texts is in it; NULL: always. */
    const char *const *only_with;
} events_kind_t;

/* Zeroed: nothing was read. */
typedef struct {
    eventstream_t stream;
    backend_turn_t *turn;
    const events_kind_t *kinds;
} events_t;

/* A success of that Content-Type begins: 0 (failed) when it is no event stream. */
int events_start(events_t *events, backend_turn_t *turn, const events_kind_t *kinds,
                 const char *type);

/* The next bytes, cut anywhere; 0 when the turn has failed. */
int events_feed(events_t *events, const char *bytes, size_t length);

/* The body has ended; 0 (failed) when that was within a message. */
int events_finish(events_t *events);

/* Frees what it holds; twice is fine, and before events_start() too. */
void events_free(events_t *events);

#endif
