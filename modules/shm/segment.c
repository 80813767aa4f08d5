#include "shm/segment.h"

#include "shm/circuit.h"
#include "shm/gauge.h"

#include <apr_shm.h>
#include <stdint.h>
#include <string.h>

#define PART_ALIGNMENT 64u
#define SLOTS_MAX      65536u
#define CIRCUITS_MAX   65536u

typedef struct {
    segment_plan_t plan;
    size_t gauge_offset;
    size_t circuits_offset;
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

apr_status_t segment_create(segment_t **segment, const segment_plan_t *plan, apr_pool_t *pool)
{
    segment_t *made = apr_pcalloc(pool, sizeof(*made));
    size_t gauge_offset = align(sizeof(header_t));
    size_t circuits_offset;
    size_t size;
    apr_status_t status;

    if (plan->child_slots == 0 || plan->child_slots > SLOTS_MAX || plan->circuits == 0 ||
        plan->circuits > CIRCUITS_MAX) {
        return APR_EINVAL;
    }
    circuits_offset = gauge_offset + align(gauge_size(plan->child_slots));
    size = circuits_offset + align(circuit_size(plan->circuits));
    /* One part more: the system's address is not aligned to one. */
    status = apr_shm_create(&made->shm, size + PART_ALIGNMENT, NULL, pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    made->header = align_address(apr_shm_baseaddr_get(made->shm));
    memset(made->header, 0, size);
    made->header->plan = *plan;
    made->header->gauge_offset = gauge_offset;
    made->header->circuits_offset = circuits_offset;
    *segment = made;
    return APR_SUCCESS;
}

int segment_fits(const segment_t *segment, const segment_plan_t *plan)
{
    return segment->header->plan.child_slots == plan->child_slots &&
           segment->header->plan.circuits == plan->circuits;
}

void *segment_gauge(const segment_t *segment, unsigned *child_slots)
{
    *child_slots = segment->header->plan.child_slots;
    return (char *)segment->header + segment->header->gauge_offset;
}

void *segment_circuits(const segment_t *segment, unsigned *count)
{
    *count = segment->header->plan.circuits;
    return (char *)segment->header + segment->header->circuits_offset;
}
