/*
 * The one shared-memory segment of all children, drawn here:
 *
 *     +--------+-------------------------+-------------------------------+
 *     | header | gauge: one slot a child | circuits: one for each agent  |
 *     +--------+-------------------------+-------------------------------+
 *     0        offsets in the header, each part aligned to 64 bytes
 *
 * Made by the parent while it starts, inherited by every child; it survives a
 * graceful restart when its sizes are unchanged. Parts are found by offset.
 */
#ifndef SHM_SEGMENT_H
#define SHM_SEGMENT_H

#include <apr_pools.h>
#include <stddef.h>

typedef struct segment_t segment_t;

/* What the segment is made for; equal plans can share one segment. */
typedef struct {
    unsigned child_slots; /* most children at a time, the dying ones of a restart included */
    unsigned circuits;
} segment_plan_t;

/* Makes the segment, all zero, for as long as `pool` lives. Parent, before any child. */
apr_status_t segment_create(segment_t **segment, const segment_plan_t *plan, apr_pool_t *pool);

/* Whether the segment was made for such a plan. */
int segment_fits(const segment_t *segment, const segment_plan_t *plan);

/* The gauge's slots and their number. Any process that inherited the segment, any thread. */
void *segment_gauge(const segment_t *segment, unsigned *child_slots);

/* The circuit breakers and their number. As above. */
void *segment_circuits(const segment_t *segment, unsigned *count);

#endif
