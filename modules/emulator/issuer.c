#include "emulator/issuer.h"

#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define SETS          1024
#define SECRET_BYTES  30
#define TOKEN_BYTES   300 /* and up to 255 more: the length is not fixed */
#define TOKEN_PREFIX  "IQoJb3JpZ2luX2Vj"
#define KEY_PREFIX    "ASIA"
#define ROLE_PREFIX   "AROA"
#define SUFFIX_LENGTH 16

static const char *const source_names[ISSUER_SOURCES] = {"container", "imds", "sts"};

struct issuer_t {
    issuer_set_t sets[SETS]; /* a ring: number n at n % SETS */
    uint64_t count;
    issuer_counters_t counters;
};

issuer_t *issuer_create(void)
{
    return calloc(1, sizeof(issuer_t));
}

void issuer_destroy(issuer_t *issuer)
{
    free(issuer);
}

issuer_counters_t *issuer_counters(issuer_t *issuer)
{
    return &issuer->counters;
}

/* ---- making a set ---- */

/* `prefix` and sixteen random characters of base32, as AWS's unique ids are. */
static int make_id(char *out, const char *prefix)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    unsigned char bytes[SUFFIX_LENGTH];
    size_t i;

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        return 0;
    }
    out += snprintf(out, ISSUER_ID_LENGTH + 1, "%s", prefix);
    for (i = 0; i < SUFFIX_LENGTH; i++) {
        out[i] = alphabet[bytes[i] % 32];
    }
    out[SUFFIX_LENGTH] = '\0';
    return 1;
}

int issuer_random_text(char *out, size_t room, size_t count)
{
    unsigned char bytes[TOKEN_BYTES + UINT8_MAX];
    buffer_t encoded;
    int good;

    buffer_init(&encoded, room - 1);
    good =
        getrandom(bytes, count, 0) == (ssize_t)count && text_base64_encode(&encoded, bytes, count);
    if (good) {
        memcpy(out, encoded.data, encoded.length + 1);
    }
    buffer_free(&encoded);
    return good;
}

static int make_token(char *out)
{
    size_t prefix = strlen(TOKEN_PREFIX);
    unsigned char more;

    memcpy(out, TOKEN_PREFIX, prefix + 1);
    return getrandom(&more, 1, 0) == 1 &&
           issuer_random_text(out + prefix, ISSUER_TOKEN_MAX + 1 - prefix,
                              (size_t)TOKEN_BYTES + more);
}

const issuer_set_t *issuer_issue(issuer_t *issuer, issuer_source_e source, const char *role,
                                 const char *session, apr_time_t now, int64_t lifetime)
{
    issuer_set_t *set = &issuer->sets[issuer->count % SETS];

    memset(set, 0, sizeof(*set));
    if (!make_id(set->id, KEY_PREFIX) || !make_id(set->role_id, ROLE_PREFIX) ||
        !issuer_random_text(set->secret, sizeof(set->secret), SECRET_BYTES) ||
        !make_token(set->token)) {
        memset(set, 0, sizeof(*set));
        return NULL;
    }
    (void)snprintf(set->role, sizeof(set->role), "%s", role);
    (void)snprintf(set->session, sizeof(set->session), "%s", session);
    set->expires = apr_time_from_sec(apr_time_sec(now) + lifetime);
    issuer->count++;
    issuer->counters.issued[source]++;
    return set;
}

/* ---- knowing it again ---- */

const issuer_set_t *issuer_find(const issuer_t *issuer, const char *id)
{
    uint64_t kept = issuer->count < SETS ? issuer->count : SETS;
    uint64_t back;

    for (back = 1; back <= kept; back++) {
        const issuer_set_t *set = &issuer->sets[(issuer->count - back) % SETS];
        if (strcmp(set->id, id) == 0) {
            return set;
        }
    }
    return NULL;
}

void issuer_instant(char *out, apr_time_t when)
{
    struct tm parts;
    time_t seconds = (time_t)apr_time_sec(when);

    (void)gmtime_r(&seconds, &parts);
    (void)strftime(out, ISSUER_INSTANT_LENGTH + 1, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

void issuer_write(const issuer_t *issuer, json_writer_t *writer)
{
    size_t i;

    json_open(writer, '{');
    json_name(writer, "issued");
    json_open(writer, '{');
    for (i = 0; i < ISSUER_SOURCES; i++) {
        json_name(writer, source_names[i]);
        json_put_integer(writer, (int64_t)issuer->counters.issued[i]);
    }
    json_close(writer, '}');
    json_name(writer, "refused_expired");
    json_put_integer(writer, (int64_t)issuer->counters.refused_expired);
    json_close(writer, '}');
}
