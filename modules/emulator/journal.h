/*
 * The books of the stand-in: counters of each operation, and the last calls
 * with what became of them. Tests compare them with what the product says
 * happened. One thread.
 */
#ifndef EMULATOR_JOURNAL_H
#define EMULATOR_JOURNAL_H

#include "base/buffer.h"
#include "base/json.h"
#include "emulator/http_parse.h"

#include <apr_time.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_ENTRIES 20000 /* the oldest are forgotten */

/* How a call ended: for a call that has not, JOURNAL_PENDING. */
typedef enum {
    JOURNAL_PENDING,
    JOURNAL_ANSWERED,  /* all of the answer was handed to the network */
    JOURNAL_CANCELLED, /* the client left before that */
    JOURNAL_CLOSED,    /* ended by command with FIN */
    JOURNAL_RESET,     /* ended by command with RST */
    JOURNAL_OUTCOMES
} journal_outcome_e;

typedef struct journal_t journal_t;

/* Connections, kept by the server. */
typedef struct {
    uint64_t accepted;
    uint64_t last;         /* number of the newest, from 1 */
    uint64_t used;         /* with an AWS call: counted when its first one comes */
    uint64_t bad_requests; /* what was no HTTP */
    size_t open;
    size_t open_most;
} journal_connections_t;

/* NULL when memory is out. */
journal_t *journal_create(void);
void journal_destroy(journal_t *journal);

journal_connections_t *journal_connections(journal_t *journal);

/* Begins a call of `operation` (a constant text); its ticket, never 0. */
uint64_t journal_open(journal_t *journal, const char *operation, const http_request_t *request);

/* Notes about the call, each at most once; a forgotten or foreign ticket is fine. */
void journal_signature(journal_t *journal, uint64_t ticket, const char *key_id,
                       const char *refusal); /* NULL: right */
void journal_subject(journal_t *journal, uint64_t ticket, const char *session, const char *message,
                     size_t message_length, const char *faults);
void journal_status(journal_t *journal, uint64_t ticket, int status);

/* Whether the call of that ticket has not ended; 0 when it is forgotten. */
int journal_is_open(const journal_t *journal, uint64_t ticket);

/* Ends the call: exactly once a ticket; 0 is fine. */
void journal_close(journal_t *journal, uint64_t ticket, journal_outcome_e outcome);

/* Forgets all but the calls under way and the open connections. */
void journal_reset(journal_t *journal);

/* Writes the counters as members of an object; and, oldest first, the last `limit` entries or (with
 * `after` not 0) the first `limit` behind that sequence number, as an array. */
void journal_write_state(const journal_t *journal, json_writer_t *writer);
void journal_write_requests(const journal_t *journal, json_writer_t *writer, uint64_t after,
                            size_t limit);

#endif
