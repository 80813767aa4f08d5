/*
 * The one shared-memory segment of all children, drawn here:
 *
 *     +--------+-------+----------+------+------------+-------+---------+
 *     | header | gauge | circuits | busy | rate limit | fleet | metrics |
 *     +--------+-------+----------+------+------------+-------+---------+
 *     0        offsets in the header, each part aligned to 64 bytes
 *
 * Made by the parent while it starts, inherited by every child; it survives a
 * graceful restart when its sizes are unchanged. Parts are found by offset.
 */
#ifndef SHM_SEGMENT_H
#define SHM_SEGMENT_H

#include <apr_pools.h>
#include <stddef.h>

/* Whose memory a part is, and who draws it. */
typedef enum {
    SEGMENT_GAUGE,     /* shm/gauge: one slot a child */
    SEGMENT_CIRCUITS,  /* shm/circuit: one for each agent */
    SEGMENT_BUSY,      /* shm/busy: sessions with a turn in flight */
    SEGMENT_RATELIMIT, /* shm/ratelimit: what each client asked for lately */
    SEGMENT_FLEET,     /* shm/ratelimit: what is known of counts kept in DynamoDB */
    SEGMENT_METRICS,   /* shm/metrics: what is counted */
    SEGMENT_PARTS
} segment_part_e;

typedef struct segment_t segment_t;

/* What the segment is made for: the bytes of each part, none of them 0; equal plans can share one
 * segment. */
typedef struct {
    size_t sizes[SEGMENT_PARTS];
} segment_plan_t;

/* Makes the segment, all zero, for as long as `pool` lives. APR_EINVAL when a size is 0 or their
 * sum is more than there can be. Parent, before any child. */
apr_status_t segment_create(segment_t **segment, const segment_plan_t *plan, apr_pool_t *pool);

/* Whether the segment was made for such a plan. */
int segment_fits(const segment_t *segment, const segment_plan_t *plan);

/* A part. Any process that inherited the segment, any thread. */
void *segment_part(const segment_t *segment, segment_part_e part);

/* Bytes of the whole. */
size_t segment_bytes(const segment_t *segment);

#endif
