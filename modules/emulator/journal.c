#include "emulator/journal.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATIONS_MAX  64 /* a ticket is the sequence number times this, plus the operation */
#define MESSAGE_KEPT    512
#define HEADERS_KEPT    13
#define HEADER_KEPT_MAX 256

static const char *const outcome_names[JOURNAL_OUTCOMES] = {"pending", "answered", "cancelled",
                                                            "closed", "reset"};

/* What of a request's head is worth keeping; never Authorization or the token. */
static const char *const kept_headers[HEADERS_KEPT] = {"user-agent",
                                                       "amz-sdk-invocation-id",
                                                       "amz-sdk-request",
                                                       "x-amz-date",
                                                       "x-amz-user-agent",
                                                       "x-amzn-trace-id",
                                                       "traceparent",
                                                       "content-type",
                                                       "accept",
                                                       "tracestate",
                                                       "baggage",
                                                       "x-amz-source-arn",
                                                       "x-amzn-bedrock-agentcore-runtime-user-id"};

typedef struct {
    const char *name;
    uint64_t calls;
    uint64_t refused;
    uint64_t new_connections; /* calls that were the first on theirs */
    uint64_t ended[JOURNAL_OUTCOMES];
    size_t in_progress;
    size_t in_progress_most;
} operation_t;

typedef struct {
    uint64_t ticket;
    int status;
    journal_outcome_e outcome;
    apr_time_t began_wall;
    apr_time_t began;
    apr_time_t ended;
    char *signature; /* NULL before it was looked at */
    char *key_id;
    char *session;
    char *message;
    char *faults;
    size_t message_length;
    uint64_t connection;
    int reused;
    char *headers[HEADERS_KEPT];
} entry_t;

struct journal_t {
    operation_t operations[OPERATIONS_MAX];
    int operation_count;
    journal_connections_t connections;
    uint64_t last;  /* sequence number of the newest entry, from 1 */
    uint64_t first; /* older ones were reset away */
    entry_t entries[JOURNAL_ENTRIES];
};

journal_t *journal_create(void)
{
    journal_t *journal = calloc(1, sizeof(*journal));

    if (journal != NULL) {
        journal->first = 1;
    }
    return journal;
}

static void clear_entry(entry_t *entry)
{
    int i;

    free(entry->signature);
    free(entry->key_id);
    free(entry->session);
    free(entry->message);
    free(entry->faults);
    for (i = 0; i < HEADERS_KEPT; i++) {
        free(entry->headers[i]);
    }
    memset(entry, 0, sizeof(*entry));
}

void journal_destroy(journal_t *journal)
{
    size_t i;

    if (journal != NULL) {
        for (i = 0; i < JOURNAL_ENTRIES; i++) {
            clear_entry(&journal->entries[i]);
        }
        free(journal);
    }
}

journal_connections_t *journal_connections(journal_t *journal)
{
    return &journal->connections;
}

/* The operation's place in the table; the last one gathers what has no room. */
static int find_operation(journal_t *journal, const char *name)
{
    int i;

    for (i = 0; i < journal->operation_count; i++) {
        if (strcmp(journal->operations[i].name, name) == 0) {
            return i;
        }
    }
    if (journal->operation_count == OPERATIONS_MAX) {
        return OPERATIONS_MAX - 1;
    }
    journal->operations[journal->operation_count].name = name;
    return journal->operation_count++;
}

static entry_t *entry_at(journal_t *journal, uint64_t sequence)
{
    return &journal->entries[sequence % JOURNAL_ENTRIES];
}

/* NULL when the ring has forgotten it. */
static entry_t *find_entry(journal_t *journal, uint64_t ticket)
{
    entry_t *entry = entry_at(journal, ticket / OPERATIONS_MAX);

    return ticket != 0 && entry->ticket == ticket ? entry : NULL;
}

static operation_t *operation_of(journal_t *journal, uint64_t ticket)
{
    return &journal->operations[ticket % OPERATIONS_MAX];
}

static void count_call(journal_t *journal, operation_t *counters, int reused)
{
    counters->new_connections += !reused;
    journal->connections.used += !reused;
    counters->calls++;
    counters->in_progress++;
    if (counters->in_progress > counters->in_progress_most) {
        counters->in_progress_most = counters->in_progress;
    }
}

uint64_t journal_open(journal_t *journal, const char *operation, const http_request_t *request)
{
    uint64_t sequence = ++journal->last;
    entry_t *entry = entry_at(journal, sequence);
    int i;

    clear_entry(entry);
    entry->ticket = sequence * OPERATIONS_MAX + (uint64_t)find_operation(journal, operation);
    entry->began_wall = clock_wall();
    entry->began = clock_monotonic();
    for (i = 0; i < HEADERS_KEPT; i++) {
        const char *value = http_header(request, kept_headers[i]);
        entry->headers[i] = value != NULL ? strndup(value, HEADER_KEPT_MAX) : NULL;
    }
    entry->connection = request->connection;
    entry->reused = request->calls_before > 0;
    count_call(journal, operation_of(journal, entry->ticket), entry->reused);
    return entry->ticket;
}

/* Only what may stand in JSON. */
static char *keep(const char *text, size_t length)
{
    return text_utf8_length(text, length) != TEXT_NOT_UTF8 ? strndup(text, length)
                                                           : strdup("(not UTF-8)");
}

void journal_signature(journal_t *journal, uint64_t ticket, const char *key_id, const char *refusal)
{
    entry_t *entry = find_entry(journal, ticket);

    if (entry != NULL) {
        entry->key_id = keep(key_id, strlen(key_id));
        entry->signature = strdup(refusal != NULL ? refusal : "ok");
        operation_of(journal, ticket)->refused += refusal != NULL;
    }
}

void journal_subject(journal_t *journal, uint64_t ticket, const char *session, const char *message,
                     size_t message_length, const char *faults)
{
    entry_t *entry = find_entry(journal, ticket);
    size_t kept = message_length < MESSAGE_KEPT ? message_length : MESSAGE_KEPT;

    if (entry == NULL) {
        return;
    }
    kept -= text_utf8_pending(message, kept);
    entry->session = keep(session, strlen(session));
    entry->message = keep(message, kept);
    entry->message_length = message_length;
    entry->faults = faults != NULL ? strdup(faults) : NULL;
}

void journal_status(journal_t *journal, uint64_t ticket, int status)
{
    entry_t *entry = find_entry(journal, ticket);

    if (entry != NULL) {
        entry->status = status;
    }
}

int journal_is_open(const journal_t *journal, uint64_t ticket)
{
    const entry_t *entry = &journal->entries[ticket / OPERATIONS_MAX % JOURNAL_ENTRIES];

    return ticket != 0 && entry->ticket == ticket && entry->outcome == JOURNAL_PENDING;
}

void journal_close(journal_t *journal, uint64_t ticket, journal_outcome_e outcome)
{
    entry_t *entry = find_entry(journal, ticket);
    operation_t *counters = operation_of(journal, ticket);

    if (ticket == 0) {
        return;
    }
    counters->in_progress--;
    counters->ended[outcome]++;
    if (entry != NULL) {
        entry->outcome = outcome;
        entry->ended = clock_monotonic();
    }
}

void journal_reset(journal_t *journal)
{
    int i;

    for (i = 0; i < journal->operation_count; i++) {
        operation_t *counters = &journal->operations[i];
        counters->calls = counters->in_progress;
        counters->in_progress_most = counters->in_progress;
        counters->refused = 0;
        counters->new_connections = 0;
        memset(counters->ended, 0, sizeof(counters->ended));
    }
    for (i = 0; i < JOURNAL_ENTRIES; i++) {
        if (journal->entries[i].outcome != JOURNAL_PENDING) {
            clear_entry(&journal->entries[i]);
        }
    }
    journal->connections.accepted = journal->connections.open;
    journal->connections.open_most = journal->connections.open;
    journal->connections.used = 0;
    journal->connections.bad_requests = 0;
    journal->first = journal->last + 1;
}

/* ---- for people and tests ---- */

static void put_count(json_writer_t *writer, const char *name, uint64_t count)
{
    json_name(writer, name);
    json_put_integer(writer, (int64_t)count);
}

static void write_operation(const operation_t *counters, json_writer_t *writer)
{
    int i;

    json_name(writer, counters->name);
    json_open(writer, '{');
    put_count(writer, "calls", counters->calls);
    put_count(writer, "in_progress", counters->in_progress);
    put_count(writer, "in_progress_most", counters->in_progress_most);
    put_count(writer, "refused_signatures", counters->refused);
    put_count(writer, "new_connections", counters->new_connections);
    for (i = JOURNAL_ANSWERED; i < JOURNAL_OUTCOMES; i++) {
        put_count(writer, outcome_names[i], counters->ended[i]);
    }
    json_close(writer, '}');
}

void journal_write_state(const journal_t *journal, json_writer_t *writer)
{
    int i;

    json_name(writer, "connections");
    json_open(writer, '{');
    put_count(writer, "accepted", journal->connections.accepted);
    put_count(writer, "used", journal->connections.used);
    put_count(writer, "open", journal->connections.open);
    put_count(writer, "open_most", journal->connections.open_most);
    put_count(writer, "bad_requests", journal->connections.bad_requests);
    json_close(writer, '}');
    put_count(writer, "last_sequence", journal->last);
    json_name(writer, "operations");
    json_open(writer, '{');
    for (i = 0; i < journal->operation_count; i++) {
        write_operation(&journal->operations[i], writer);
    }
    json_close(writer, '}');
}

static void write_entry(const journal_t *journal, const entry_t *entry, json_writer_t *writer)
{
    char when[TEXT_RFC3339_LENGTH + 1];
    int i;

    text_rfc3339(when, entry->began_wall);
    json_open(writer, '{');
    put_count(writer, "sequence", entry->ticket / OPERATIONS_MAX);
    json_put_member(writer, "operation", journal->operations[entry->ticket % OPERATIONS_MAX].name);
    json_put_member(writer, "time", when);
    json_put_member(writer, "session", entry->session);
    json_put_member(writer, "message", entry->message);
    put_count(writer, "message_bytes", entry->message_length);
    json_put_member(writer, "faults", entry->faults);
    json_put_member(writer, "signature", entry->signature);
    json_put_member(writer, "access_key", entry->key_id);
    put_count(writer, "connection", entry->connection);
    json_name(writer, "reused");
    json_put_boolean(writer, entry->reused);
    put_count(writer, "status", (uint64_t)entry->status);
    json_put_member(writer, "outcome", outcome_names[entry->outcome]);
    json_name(writer, "milliseconds");
    if (entry->outcome != JOURNAL_PENDING) {
        json_put_decimal(writer, (double)(entry->ended - entry->began) / 1000.0, 3);
    } else {
        json_put_null(writer);
    }
    json_name(writer, "headers");
    json_open(writer, '{');
    for (i = 0; i < HEADERS_KEPT; i++) {
        if (entry->headers[i] != NULL &&
            text_utf8_length(entry->headers[i], strlen(entry->headers[i])) != TEXT_NOT_UTF8) {
            json_put_member(writer, kept_headers[i], entry->headers[i]);
        }
    }
    json_close(writer, '}');
    json_close(writer, '}');
}

/* Where to begin so that what the ring has forgotten is not looked for. */
static uint64_t first_to_write(const journal_t *journal, uint64_t after, size_t limit)
{
    uint64_t kept = after > 0 || limit > JOURNAL_ENTRIES ? JOURNAL_ENTRIES : limit;
    uint64_t first = journal->last > kept ? journal->last - kept + 1 : 1;

    first = first > journal->first ? first : journal->first;
    return first > after ? first : after + 1;
}

void journal_write_requests(const journal_t *journal, json_writer_t *writer, uint64_t after,
                            size_t limit)
{
    uint64_t sequence = first_to_write(journal, after, limit);

    json_open(writer, '[');
    for (; sequence <= journal->last && limit > 0; sequence++) {
        const entry_t *entry = &journal->entries[sequence % JOURNAL_ENTRIES];
        if (entry->ticket / OPERATIONS_MAX == sequence) {
            write_entry(journal, entry, writer);
            limit--;
        }
    }
    json_close(writer, ']');
}
