/*
 * The stand-in as a whole: what it remembers, and which service a request is
 * for. It knows neither sockets nor httpd; server.c asks it for answers. All of
 * it belongs to the daemon's one thread.
 */
#ifndef EMULATOR_EMULATOR_H
#define EMULATOR_EMULATOR_H

#include "emulator/answer.h"
#include "emulator/effects.h"
#include "emulator/faults.h"
#include "emulator/http_parse.h"
#include "emulator/issuer.h"
#include "emulator/journal.h"
#include "emulator/metrics.h"
#include "emulator/s3_store.h"
#include "emulator/script.h"
#include "emulator/sessions.h"
#include "emulator/settings.h"
#include "emulator/switches.h"
#include "emulator/tables.h"
#include "emulator/verify.h"

typedef struct imds_t imds_t;

typedef struct {
    const settings_t *settings;
    journal_t *journal;
    sessions_t *sessions;
    faults_t *faults;
    issuer_t *issuer;
    imds_t *imds;
    tables_t *tables;
    metrics_t *metrics;
    s3_store_t *s3;
    switches_t switches;
} emulator_t;

/* One call of an operation whose signature was right, or that needs none. */
typedef struct {
    const http_request_t *request;
    const char *operation;
    uint64_t ticket;
    const issuer_set_t *caller; /* NULL: signed by a key of the configuration, or unsigned */
    script_t *script;           /* the commands of the fault rules that hit this call */
    const char *faults;         /* their text, or NULL */
} call_t;

/* A service: one file implements it, the table in emulator.c lists it. */
typedef struct {
    verify_rules_t rules; /* without a service's name: its requests are not signed */
    /* The operation that the request names (a constant text), NULL when it is not for this one. */
    const char *(*operation)(const http_request_t *request);
    /* Its answer, and an error as its protocol writes it; NULL when memory is out. */
    answer_t *(*answer)(emulator_t *emulator, call_t *call);
    effects_error_fn error;
} service_t;

/* 0 when memory is out. */
int emulator_init(emulator_t *emulator, const settings_t *settings);
void emulator_destroy(emulator_t *emulator);

/* The time that the services believe it is. */
apr_time_t emulator_now(const emulator_t *emulator);

/* The session of the call with that ticket; NULL when memory is out or, as a switch may want it,
 * another call has it: `*busy` then. */
session_t *emulator_session(emulator_t *emulator, const char *agent, const char *alias,
                            const char *id, uint64_t ticket, int *busy);

/* The answer to a whole request, not yet rendered; NULL when memory is out. */
answer_t *emulator_answer(emulator_t *emulator, const http_request_t *request);

#endif
