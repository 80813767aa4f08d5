/*
 * Circuit breakers: who fails too often is not asked for a while. One circuit
 * for each agent, shared by all children.
 *
 *     closed --(errors over the limit within the window)--> open
 *     open   --(its time has passed)--> half-open: one chat may try
 *     half-open --(it went well)--> closed; --(it failed)--> open
 *
 *     +-----------------------------------------------+----
 *     | key, open until, probe until, ten tallies      | …
 *     +-----------------------------------------------+----
 *
 * All fields are atomics and there is no lock: a child that dies in between
 * harms nobody. Times are of the monotonic clock, which all processes share.
 * Counts are exact but for reports that meet at the edge of two tallies.
 */
#ifndef SHM_CIRCUIT_H
#define SHM_CIRCUIT_H

#include <apr_time.h>
#include <stddef.h>
#include <stdint.h>

typedef struct circuits_t circuits_t;
typedef struct circuit_t circuit_t;

/* When a circuit opens, and for how long. */
typedef struct {
    unsigned percent;           /* of the window's calls failed; 0: the breaker is off */
    unsigned min;               /* calls in the window before it may open */
    apr_interval_time_t window; /* microseconds */
    apr_interval_time_t open;
} circuit_settings_t;

/* Bytes for that many circuits. */
size_t circuit_size(unsigned circuits);

/* The circuit of a name, made at its first use; NULL when all are taken. Any thread. */
circuit_t *circuit_find(circuits_t *circuits, unsigned count, const char *name);

/* Whether a call may be made now; else `*wait` is how long it is refused yet (microseconds, at
 * least 1). Who may call and then reports nothing blocks the half-open circuit for `open`. */
int circuit_allows(circuit_t *circuit, const circuit_settings_t *settings, apr_time_t now,
                   apr_interval_time_t *wait);

/* What became of a call that was allowed; 1 when this report opened the circuit. */
int circuit_report(circuit_t *circuit, const circuit_settings_t *settings, apr_time_t now,
                   int failed);

/* Whether nothing keeps it from being closed: it is neither open nor half-open. */
int circuit_is_closed(const circuit_t *circuit);

/* Whether it is open, for /readyz and the status page. */
int circuit_is_open(const circuit_t *circuit, apr_time_t now);

/* How many are open. */
unsigned circuit_count_open(const circuits_t *circuits, unsigned count, apr_time_t now);

#endif
