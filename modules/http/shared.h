/*
 * The shared memory of all children, as httpd makes it: sized by the
 * configuration, kept over a graceful restart, cleaned up after the dead.
 *
 * The parts lock or count by themselves; any thread of a process that was
 * started after shared_prepare() may use them.
 */
#ifndef HTTP_SHARED_H
#define HTTP_SHARED_H

#include "shm/busy.h"
#include "shm/circuit.h"
#include "shm/gauge.h"
#include "shm/metrics.h"
#include "shm/ratelimit.h"

#include <httpd.h>

#include <mpm_common.h>

/* Parent, once the configuration was read: makes the segment, or keeps it over a graceful restart.
 * OK or HTTP_INTERNAL_SERVER_ERROR with the reason in the log. */
int shared_prepare(server_rec *main_server);

/* Parent, for each child that has ended: gives back what it still held. */
void shared_child_ended(server_rec *main_server, pid_t pid, ap_generation_t generation, int slot,
                        mpm_child_status status);

/* The parts. */
gauge_t *shared_gauge(unsigned *slots);
busy_t *shared_busy(void);
ratelimit_t *shared_ratelimit(void);
ratelimit_t *shared_fleet(void); /* of ChatbotRateLimitShared */
metrics_t *shared_metrics(void);

/* The circuit breaker of that name; NULL when there are too many for one more. */
circuit_t *shared_circuit(const char *name);

/* What is going on now, over all children. */
unsigned shared_chats_in_flight(void);
unsigned shared_open_circuits(void);

#endif
