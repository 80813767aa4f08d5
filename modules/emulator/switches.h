/*
 * How the stand-in's services behave, changed while they run: a test turns the
 * clock, shortens a credential's life, takes the role off the instance.
 * docs/emulator.md says what each does. One thread.
 */
#ifndef EMULATOR_SWITCHES_H
#define EMULATOR_SWITCHES_H

#include "base/buffer.h"
#include "base/json.h"

#include <stddef.h>
#include <stdint.h>

/* Each number once: its name in the enum and in JSON, its default, and its bounds. */
#define SWITCHES_NUMBERS(X)                                                                        \
    X(CLOCK_OFFSET, "clock_offset", 0, -400000000, 400000000)                                      \
    X(SESSION_IDLE_MS, "session_idle_ms", 0, 0, 86400000)                                          \
    X(CREDENTIALS_GRACE_MS, "credentials_grace_ms", 1000, 0, 600000)                               \
    X(CONTAINER_LIFETIME, "container_lifetime", 21600, -86400, 86400)                              \
    X(IMDS_LIFETIME, "imds_lifetime", 21600, -86400, 86400)                                        \
    X(IMDS_TOKEN_TTL, "imds_token_ttl", 21600, 0, 21600)                                           \
    X(STS_LIFETIME, "sts_lifetime", 0, -86400, 86400)

#define SWITCHES_BOOLEANS(X)                                                                       \
    X(CONFLICTS, "conflicts", 0)                                                                   \
    X(IMDS_DISABLED, "imds_disabled", 0)                                                           \
    X(IMDS_HANG, "imds_hang", 0)                                                                   \
    X(IMDS_V1, "imds_v1", 0)                                                                       \
    X(TTL_SWEEP, "ttl_sweep", 0)

#define SWITCHES_TEXTS(X)                                                                          \
    X(CONTAINER_TOKEN, "container_token", "")                                                      \
    X(IMDS_ROLE, "imds_role", "emulator-role")                                                     \
    X(IMDS_CODE, "imds_code", "Success")                                                           \
    X(IMDS_ZONE, "imds_zone", "us-east-1a")                                                        \
    X(STS_EXTERNAL_ID, "sts_external_id", "")

typedef enum {
#define SWITCHES_ENUM(id, ...) SWITCHES_##id,
    SWITCHES_NUMBERS(SWITCHES_ENUM) SWITCHES_BOOLEANS(SWITCHES_ENUM) SWITCHES_NUMBER_COUNT
} switches_number_e;

typedef enum { SWITCHES_TEXTS(SWITCHES_ENUM) SWITCHES_TEXT_COUNT } switches_text_e;
#undef SWITCHES_ENUM

#define SWITCHES_TEXT_MAX 2048 /* with its NUL */

typedef struct {
    int64_t numbers[SWITCHES_NUMBER_COUNT]; /* a boolean is 0 or 1 */
    char texts[SWITCHES_TEXT_COUNT][SWITCHES_TEXT_MAX];
} switches_t;

/* All at their defaults. */
void switches_init(switches_t *switches);

/* Sets those that a JSON object names; else 0, nothing is changed, and `problem` has the reason. */
int switches_change(switches_t *switches, const char *json, size_t length, buffer_t *problem);

void switches_write(const switches_t *switches, json_writer_t *writer);

#endif
