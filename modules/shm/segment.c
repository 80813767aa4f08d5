#include "shm/segment.h"

#include <apr_shm.h>
#include <stdint.h>
#include <string.h>

#define PART_ALIGNMENT ((size_t)64)

typedef struct {
    segment_plan_t plan;
    size_t offsets[SEGMENT_PARTS];
    size_t bytes;
} header_t;

struct segment_t {
    apr_shm_t *shm;
    header_t *header;
};

static size_t align(size_t size)
{
    return (size + PART_ALIGNMENT - 1) / PART_ALIGNMENT * PART_ALIGNMENT;
}

static void *align_address(void *address)
{
    uintptr_t over = (uintptr_t)address % PART_ALIGNMENT;

    return (char *)address + (over > 0 ? PART_ALIGNMENT - over : 0);
}

/* Where each part goes; 0 when the plan cannot be. */
static int lay_out(header_t *header, const segment_plan_t *plan)
{
    size_t end = align(sizeof(*header));
    int part;

    header->plan = *plan;
    for (part = 0; part < SEGMENT_PARTS; part++) {
        size_t size = plan->sizes[part];
        if (size == 0 || size > SIZE_MAX / 2 || end > SIZE_MAX / 2) {
            return 0;
        }
        header->offsets[part] = end;
        end += align(size);
    }
    header->bytes = end;
    return 1;
}

apr_status_t segment_create(segment_t **segment, const segment_plan_t *plan, apr_pool_t *pool)
{
    segment_t *made = apr_pcalloc(pool, sizeof(*made));
    header_t header;
    apr_status_t status;

    if (!lay_out(&header, plan)) {
        return APR_EINVAL;
    }
    /* One part more: the system's address is not aligned to one. */
    status = apr_shm_create(&made->shm, header.bytes + PART_ALIGNMENT, NULL, pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    made->header = align_address(apr_shm_baseaddr_get(made->shm));
    /* The system gives it all zero, and most of its pages not before they are used. */
    *made->header = header;
    *segment = made;
    return APR_SUCCESS;
}

int segment_fits(const segment_t *segment, const segment_plan_t *plan)
{
    return memcmp(&segment->header->plan, plan, sizeof(*plan)) == 0;
}

void *segment_part(const segment_t *segment, segment_part_e part)
{
    return (char *)segment->header + segment->header->offsets[part];
}

size_t segment_bytes(const segment_t *segment)
{
    return segment->header->bytes;
}
