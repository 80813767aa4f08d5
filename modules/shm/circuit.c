#include "shm/circuit.h"

#include <stdatomic.h>

#define TALLIES 10u

/* Calls of one tenth of the window. `turn` is the number of that tenth since the clock's start. */
typedef struct {
    atomic_llong turn;
    atomic_uint calls;
    atomic_uint failures;
} tally_t;

struct circuit_t {
    _Alignas(64) atomic_ullong key;
    atomic_llong open_until;  /* 0: closed; in the past: half-open */
    atomic_llong probe_until; /* half-open: nobody else may try before */
    tally_t tallies[TALLIES];
};

struct circuits_t {
    circuit_t first; /* the first of them; the others follow */
};

size_t circuit_size(unsigned circuits)
{
    return circuits * sizeof(circuit_t);
}

/* FNV-1a, 64 bits; never 0, which says that a place is free. */
static uint64_t hash(const char *name)
{
    uint64_t key = 0xcbf29ce484222325ULL;

    for (; *name != '\0'; name++) {
        key = (key ^ (unsigned char)*name) * 0x100000001b3ULL;
    }
    return key != 0 ? key : 1;
}

circuit_t *circuit_find(circuits_t *circuits, unsigned count, const char *name)
{
    circuit_t *all = &circuits->first;
    unsigned long long key = hash(name);
    unsigned i;

    for (i = 0; i < count; i++) {
        unsigned long long found = 0;
        if (atomic_compare_exchange_strong(&all[i].key, &found, key) || found == key) {
            return &all[i];
        }
    }
    return NULL;
}

int circuit_allows(circuit_t *circuit, const circuit_settings_t *settings, apr_time_t now,
                   apr_interval_time_t *wait)
{
    long long open_until = atomic_load(&circuit->open_until);
    long long probe_until;

    if (settings->percent == 0 || open_until == 0) {
        return 1;
    }
    if (now < open_until) {
        *wait = open_until - now;
        return 0;
    }
    probe_until = atomic_load(&circuit->probe_until);
    if (now >= probe_until &&
        atomic_compare_exchange_strong(&circuit->probe_until, &probe_until, now + settings->open)) {
        return 1;
    }
    *wait = probe_until > now ? probe_until - now : 1;
    return 0;
}

/* The tally of now, emptied when it was another turn's. */
static tally_t *current_tally(circuit_t *circuit, long long turn)
{
    tally_t *tally = &circuit->tallies[turn % TALLIES];
    long long found = atomic_load(&tally->turn);

    if (found != turn && atomic_compare_exchange_strong(&tally->turn, &found, turn)) {
        atomic_store(&tally->calls, 0);
        atomic_store(&tally->failures, 0);
    }
    return tally;
}

static void forget(circuit_t *circuit)
{
    unsigned i;

    for (i = 0; i < TALLIES; i++) {
        atomic_store(&circuit->tallies[i].turn, 0);
        atomic_store(&circuit->tallies[i].calls, 0);
        atomic_store(&circuit->tallies[i].failures, 0);
    }
}

static int is_over_limit(const circuit_t *circuit, const circuit_settings_t *settings,
                         long long turn)
{
    unsigned calls = 0;
    unsigned failures = 0;
    unsigned i;

    for (i = 0; i < TALLIES; i++) {
        const tally_t *tally = &circuit->tallies[i];
        if (atomic_load(&tally->turn) > turn - (long long)TALLIES) {
            calls += atomic_load(&tally->calls);
            failures += atomic_load(&tally->failures);
        }
    }
    return calls >= settings->min &&
           (uint64_t)failures * 100 >= (uint64_t)calls * settings->percent;
}

static int report_probe(circuit_t *circuit, const circuit_settings_t *settings, apr_time_t now,
                        long long open_until, int failed)
{
    if (now < open_until) {
        return 0; /* began before it opened: says nothing new */
    }
    if (failed) {
        int opened =
            atomic_compare_exchange_strong(&circuit->open_until, &open_until, now + settings->open);
        atomic_store(&circuit->probe_until, 0);
        return opened;
    }
    forget(circuit);
    atomic_store(&circuit->open_until, 0);
    atomic_store(&circuit->probe_until, 0);
    return 0;
}

int circuit_report(circuit_t *circuit, const circuit_settings_t *settings, apr_time_t now,
                   int failed)
{
    apr_interval_time_t tenth = settings->window / TALLIES > 0 ? settings->window / TALLIES : 1;
    long long turn = now / tenth;
    long long closed = 0;
    long long open_until = atomic_load(&circuit->open_until);
    tally_t *tally;

    if (settings->percent == 0) {
        return 0;
    }
    if (open_until != 0) {
        return report_probe(circuit, settings, now, open_until, failed);
    }
    tally = current_tally(circuit, turn);
    atomic_fetch_add(&tally->calls, 1);
    if (!failed) {
        return 0;
    }
    atomic_fetch_add(&tally->failures, 1);
    return is_over_limit(circuit, settings, turn) &&
           atomic_compare_exchange_strong(&circuit->open_until, &closed, now + settings->open);
}

int circuit_is_closed(const circuit_t *circuit)
{
    return atomic_load(&circuit->open_until) == 0;
}

int circuit_is_open(const circuit_t *circuit, apr_time_t now)
{
    return now < atomic_load(&circuit->open_until);
}

unsigned circuit_count_open(const circuits_t *circuits, unsigned count, apr_time_t now)
{
    const circuit_t *all = &circuits->first;
    unsigned open = 0;
    unsigned i;

    for (i = 0; i < count && atomic_load(&all[i].key) != 0; i++) {
        open += circuit_is_open(&all[i], now) ? 1 : 0;
    }
    return open;
}
