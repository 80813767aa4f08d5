#include "aws/credentials_sts_answer.h"

#include "aws/credentials_xml.h"

#include <apr_strings.h>
#include <string.h>

#define VALUE_MAX 20000 /* of an element of an answer */
#define SAID_MAX  400   /* of what STS says, in the log */

typedef struct {
    apr_pool_t *pool;
    buffer_t *secrets; /* the values, one after the other */
    size_t offsets[3];
    apr_time_t expires;
    const char *code; /* of an error */
    const char *message;
} answer_t;

static void keep_secret(answer_t *answer, size_t which, const char *value)
{
    answer->offsets[which] = answer->secrets->length;
    (void)buffer_append(answer->secrets, value, strlen(value) + 1);
}

static void on_element(void *baton, const char *around, const char *name, const char *value)
{
    static const char *const secrets[] = {"AccessKeyId", "SecretAccessKey", "SessionToken"};
    answer_t *answer = baton;
    size_t i;

    if (strcmp(around, "Credentials") == 0) {
        for (i = 0; i < 3; i++) {
            if (strcmp(name, secrets[i]) == 0) {
                keep_secret(answer, i, value);
            }
        }
        if (strcmp(name, "Expiration") == 0) {
            answer->expires = credentials_set_expiry(value);
        }
    } else if (strcmp(around, "Error") == 0 && strcmp(name, "Code") == 0) {
        answer->code = apr_pstrndup(answer->pool, value, SAID_MAX);
    } else if (strcmp(around, "Error") == 0 && strcmp(name, "Message") == 0) {
        answer->message = apr_pstrndup(answer->pool, value, SAID_MAX);
    }
}

/* `secrets` starts with a NUL: the offset 0 is an empty text. */
static const char *read_answer(answer_t *answer, apr_pool_t *pool, buffer_t *scratch,
                               buffer_t *secrets, const char *text, size_t length)
{
    memset(answer, 0, sizeof(*answer));
    answer->pool = pool;
    answer->secrets = secrets;
    (void)buffer_append(secrets, "", 1);
    return credentials_xml_each(text, length, scratch, on_element, answer);
}

static const credentials_t *set_of(const answer_t *answer, const char *source, const char **reason)
{
    const char *secrets = buffer_text(answer->secrets);
    const credentials_t fields = {.access_key_id = secrets + answer->offsets[0],
                                  .secret_access_key = secrets + answer->offsets[1],
                                  .session_token = secrets + answer->offsets[2],
                                  .expires = answer->expires,
                                  .source = source};

    if (answer->secrets->failed) {
        *reason = "the credentials in the answer are too long";
        return NULL;
    }
    if (answer->expires == 0) {
        *reason = "the answer has no credentials, or none with an expiry";
        return NULL;
    }
    return credentials_set_make(answer->pool, &fields, reason);
}

static const credentials_t *read_with(apr_pool_t *pool, buffer_t *scratch, buffer_t *secrets,
                                      const char *text, size_t length, const char *source,
                                      const char **reason)
{
    answer_t answer;
    const char *problem = read_answer(&answer, pool, scratch, secrets, text, length);

    if (problem != NULL) {
        *reason = apr_pstrcat(pool, "the answer is not the XML of STS: ", problem, NULL);
        return NULL;
    }
    if (answer.code != NULL) {
        *reason = apr_pstrcat(pool, "STS says ", answer.code, ": ",
                              answer.message != NULL ? answer.message : "no more", NULL);
        return NULL;
    }
    return set_of(&answer, source, reason);
}

/* Neither buffer moves while it is filled, so that no copy stays behind. */
const credentials_t *credentials_sts_answer_read(apr_pool_t *pool, const char *text, size_t length,
                                                 const char *source, const char **reason)
{
    const credentials_t *set;
    buffer_t buffers[2];
    size_t i;

    for (i = 0; i < 2; i++) {
        buffer_init(&buffers[i], (i + 1) * VALUE_MAX);
        (void)buffer_reserve(&buffers[i], buffers[i].maximum);
    }
    set = read_with(pool, &buffers[0], &buffers[1], text, length, source, reason);
    for (i = 0; i < 2; i++) {
        buffer_wipe(&buffers[i]);
        buffer_free(&buffers[i]);
    }
    return set;
}
