/*
 * Signs requests read from stdin, one JSON object a line, and answers with one
 * JSON object a line: {"canonical_request", "string_to_sign", "authorization"}.
 *
 *     {"method": "GET", "path": "/", "query": "", "headers": [["Host", "a"]],
 *      "body": "", "unsigned": false, "s3": false, "time": 1440938160,
 *      "access_key_id": "…", "secret_access_key": "…", "region": "…", "service": "…"}
 *
 * One key cache serves all of them, as in the server; a signature that differs
 * from the one made without a cache is an error.
 */
#include "aws/sigv4.h"
#include "base/json.h"

#include <apr_general.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX 64
#define ANSWER_MAX  (64U << 20)

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_member_text(object, name, NULL);

    return text != NULL ? text : "";
}

static int truth_of(const json_t *object, const char *name)
{
    int truth = 0;

    return json_boolean(json_member(object, name), &truth) && truth;
}

static size_t read_headers(sigv4_header_t *headers, const json_t *list)
{
    size_t count = json_length(list);
    size_t i;

    if (count > HEADERS_MAX) {
        count = HEADERS_MAX;
    }
    for (i = 0; i < count; i++) {
        const json_t *pair = json_item(list, i);
        headers[i].name = json_text(json_item(pair, 0), NULL);
        headers[i].value = json_text(json_item(pair, 1), NULL);
        if (headers[i].name == NULL || headers[i].value == NULL) {
            return i;
        }
    }
    return count;
}

static void read_identity(sigv4_identity_t *identity, const json_t *input)
{
    int64_t seconds = 0;

    (void)json_integer(json_member(input, "time"), &seconds);
    identity->access_key_id = text_of(input, "access_key_id");
    identity->secret_access_key = text_of(input, "secret_access_key");
    identity->region = text_of(input, "region");
    identity->service = text_of(input, "service");
    identity->when = apr_time_from_sec(seconds);
}

static int put_answer(buffer_t *out, const buffer_t *canonical, const buffer_t *to_sign,
                      const buffer_t *authorization)
{
    json_writer_t writer;

    json_write_to(&writer, out);
    json_open(&writer, '{');
    json_put_member(&writer, "canonical_request", buffer_text(canonical));
    json_put_member(&writer, "string_to_sign", buffer_text(to_sign));
    json_put_member(&writer, "authorization", buffer_text(authorization));
    json_close(&writer, '}');
    return !out->failed;
}

static int answer(buffer_t *out, const sigv4_request_t *request, const sigv4_identity_t *identity,
                  sigv4_keys_t *keys)
{
    buffer_t texts[4];
    size_t i;
    int done;

    for (i = 0; i < 4; i++) {
        buffer_init(&texts[i], ANSWER_MAX);
    }
    done = sigv4_canonical_request(&texts[0], request) &&
           sigv4_string_to_sign(&texts[1], request, identity) &&
           sigv4_authorize(&texts[2], request, identity, keys) &&
           sigv4_authorize(&texts[3], request, identity, NULL) &&
           strcmp(texts[2].data, texts[3].data) == 0 &&
           put_answer(out, &texts[0], &texts[1], &texts[2]);
    for (i = 0; i < 4; i++) {
        buffer_free(&texts[i]);
    }
    return done;
}

static int answer_line(buffer_t *out, const char *line, size_t length, sigv4_keys_t *keys)
{
    json_error_t error;
    json_t *input = json_parse(line, length, 8, &error);
    sigv4_header_t headers[HEADERS_MAX];
    char hash[SIGV4_HEX_LENGTH + 1];
    sigv4_request_t request = {0};
    sigv4_identity_t identity;
    const char *body = text_of(input, "body");
    int done;

    request.method = text_of(input, "method");
    request.path = text_of(input, "path");
    request.query = text_of(input, "query");
    request.headers = headers;
    request.header_count = read_headers(headers, json_member(input, "headers"));
    request.payload_hash = truth_of(input, "unsigned") ? SIGV4_UNSIGNED_PAYLOAD : hash;
    request.s3 = truth_of(input, "s3");
    read_identity(&identity, input);
    done = error.reason == NULL && sigv4_hash(hash, body, strlen(body)) &&
           answer(out, &request, &identity, keys);
    json_release(input);
    return done;
}

int main(void)
{
    apr_pool_t *pool;
    sigv4_keys_t *keys;
    buffer_t out;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    int done = 1;

    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* an answer for each question, also to a pipe */
    (void)apr_initialize();
    (void)apr_pool_create(&pool, NULL);
    keys = sigv4_keys_create(pool);
    buffer_init(&out, ANSWER_MAX);
    while (done && (length = getline(&line, &capacity, stdin)) > 0) {
        buffer_clear(&out);
        done = answer_line(&out, line, (size_t)length, keys);
        (void)puts(done ? out.data : "{\"error\": \"the line cannot be signed\"}");
    }
    free(line);
    buffer_free(&out);
    apr_pool_destroy(pool);
    apr_terminate();
    return !done;
}
