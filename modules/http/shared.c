#include "http/shared.h"

#include "base/clock.h"
#include "http/config.h"
#include "http/limit.h"
#include "shm/segment.h"

#include <ap_mpm.h>

APLOG_USE_MODULE(chatbot);

/* Children of the old generation finish their chats while the new ones have started. */
#define GENERATIONS 4u

/* Agents that can have a circuit breaker: more than one httpd is ever given. */
#define CIRCUITS 256u

static const char retained_key[] = "mod_chatbot-shared-memory";

static struct {
    segment_t *segment;
    unsigned gauge_slots;
} shared;

static segment_plan_t make_plan(const server_rec *main_server)
{
    segment_plan_t plan;
    int daemons = 0;

    (void)ap_mpm_query(AP_MPMQ_HARD_LIMIT_DAEMONS, &daemons);
    shared.gauge_slots = GENERATIONS * (unsigned)(daemons > 0 ? daemons : 1);
    plan.sizes[SEGMENT_GAUGE] = gauge_size(shared.gauge_slots);
    plan.sizes[SEGMENT_CIRCUITS] = circuit_size(CIRCUITS);
    plan.sizes[SEGMENT_BUSY] = busy_size(config_max_in_flight(main_server));
    plan.sizes[SEGMENT_RATELIMIT] = ratelimit_size(config_rate_limit_clients(main_server));
    plan.sizes[SEGMENT_FLEET] = ratelimit_size(limit_fleet_clients(main_server));
    plan.sizes[SEGMENT_METRICS] = metrics_size();
    return plan;
}

/* 0 when the system has no robust locks or no randomness. */
static int init_parts(const segment_t *segment, const server_rec *main_server)
{
    return busy_init(segment_part(segment, SEGMENT_BUSY), config_max_in_flight(main_server)) &&
           ratelimit_init(segment_part(segment, SEGMENT_RATELIMIT),
                          config_rate_limit_clients(main_server)) &&
           ratelimit_init(segment_part(segment, SEGMENT_FLEET), limit_fleet_clients(main_server));
}

static segment_t *make(server_rec *main_server, const segment_plan_t *plan)
{
    segment_t *segment;
    apr_status_t status = segment_create(&segment, plan, main_server->process->pool);

    if (status != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, status, main_server,
                     "CHAT0411: starting: no shared memory for %u children, %u chats in flight and "
                     "%u clients; is there room in memory and in /dev/shm? See ChatbotMaxInFlight "
                     "and ChatbotRateLimitClients",
                     shared.gauge_slots, config_max_in_flight(main_server),
                     config_rate_limit_clients(main_server));
        return NULL;
    }
    if (!init_parts(segment, main_server)) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, main_server,
                     "CHAT0416: starting: the system has no robust locks for shared memory, or no "
                     "random numbers");
        return NULL;
    }
    ap_log_error(APLOG_MARK, APLOG_INFO, 0, main_server,
                 "CHAT0417: shared memory of %" APR_SIZE_T_FMT
                 " bytes, room for %u clients' limits",
                 segment_bytes(segment), config_rate_limit_clients(main_server));
    return segment;
}

/* Children of before a graceful restart still count in the old segment: it is kept when it fits. */
int shared_prepare(server_rec *main_server)
{
    segment_plan_t plan = make_plan(main_server);
    segment_t **kept = ap_retained_data_get(retained_key);

    if (kept == NULL) {
        kept = ap_retained_data_create(retained_key, sizeof(segment_t *));
    }
    if (*kept == NULL || !segment_fits(*kept, &plan)) {
        *kept = make(main_server, &plan);
    }
    shared.segment = *kept;
    return shared.segment != NULL ? OK : HTTP_INTERNAL_SERVER_ERROR;
}

void shared_child_ended(server_rec *main_server, pid_t pid, ap_generation_t generation, int slot,
                        mpm_child_status status)
{
    (void)main_server;
    (void)generation;
    (void)slot;
    if (status == MPM_CHILD_EXITED && shared.segment != NULL) {
        gauge_reap(segment_part(shared.segment, SEGMENT_GAUGE), shared.gauge_slots, pid);
        busy_reap(shared_busy(), pid);
        metrics_reap(shared_metrics(), pid);
    }
}

gauge_t *shared_gauge(unsigned *slots)
{
    *slots = shared.gauge_slots;
    return segment_part(shared.segment, SEGMENT_GAUGE);
}

busy_t *shared_busy(void)
{
    return segment_part(shared.segment, SEGMENT_BUSY);
}

ratelimit_t *shared_ratelimit(void)
{
    return segment_part(shared.segment, SEGMENT_RATELIMIT);
}

ratelimit_t *shared_fleet(void)
{
    return segment_part(shared.segment, SEGMENT_FLEET);
}

metrics_t *shared_metrics(void)
{
    return segment_part(shared.segment, SEGMENT_METRICS);
}

circuit_t *shared_circuit(const char *name)
{
    return circuit_find(segment_part(shared.segment, SEGMENT_CIRCUITS), CIRCUITS, name);
}

unsigned shared_chats_in_flight(void)
{
    return gauge_total(segment_part(shared.segment, SEGMENT_GAUGE));
}

unsigned shared_open_circuits(void)
{
    return circuit_count_open(segment_part(shared.segment, SEGMENT_CIRCUITS), CIRCUITS,
                              clock_monotonic());
}
