#include "aws/call_head.h"

#include "base/log.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A security token may take a few kilobytes; its length is not fixed. */
#define HEAD_MAX          32768
#define AUTHORIZATION_MAX 4096
#define ATTEMPT_MAX       64

static void add(call_head_t *head, const char *name, const char *value)
{
    head->offsets[head->count++] = head->text.length;
    (void)buffer_puts(&head->text, name);
    (void)buffer_puts(&head->text, ": ");
    (void)buffer_puts(&head->text, value);
    (void)buffer_append(&head->text, "", 1);
}

/* Lines are found by offset until the text has stopped moving. */
static int settle(call_head_t *head)
{
    size_t i;

    for (i = 0; i < head->count; i++) {
        head->lines[i] = head->text.data + head->offsets[i];
    }
    head->lines[head->count] = NULL;
    return !head->text.failed;
}

static int is_signed(const call_header_t *header)
{
    return strncasecmp(header->name, "x-amz-", 6) == 0;
}

/* What one attempt is signed with. */
typedef struct {
    char date[SIGV4_DATE_LENGTH + 1];
    char payload_hash[SIGV4_HEX_LENGTH + 1];
    int s3; /* S3's rules, and its header for the hash */
} stamp_t;

/* The headers that are signed; returns their number. */
static size_t list_signed(sigv4_header_t *headers, const call_head_facts_t *facts,
                          const stamp_t *stamp)
{
    const call_request_t *request = facts->request;
    const char *token = facts->credentials->session_token;
    size_t count = 0;
    size_t i;

    headers[count++] = (sigv4_header_t){"host", facts->endpoint->host};
    headers[count++] = (sigv4_header_t){"content-type", request->content_type};
    headers[count++] = (sigv4_header_t){"x-amz-date", stamp->date};
    if (stamp->s3) {
        headers[count++] = (sigv4_header_t){"x-amz-content-sha256", stamp->payload_hash};
    }
    if (token != NULL) {
        headers[count++] = (sigv4_header_t){"x-amz-security-token", token};
    }
    for (i = 0; i < request->header_count; i++) {
        if (is_signed(&request->headers[i])) {
            headers[count++] =
                (sigv4_header_t){request->headers[i].name, request->headers[i].value};
        }
    }
    return count;
}

static int authorize(buffer_t *authorization, const call_head_facts_t *facts, const stamp_t *stamp)
{
    const char *query = strchr(facts->path, '?');
    char *bare = query != NULL ? strndup(facts->path, (size_t)(query - facts->path)) : NULL;
    sigv4_header_t headers[CALL_HEAD_LINES];
    const sigv4_identity_t identity = {
        facts->credentials->access_key_id, facts->credentials->secret_access_key,
        facts->endpoint->region, facts->endpoint->signing_name, facts->when};
    const sigv4_request_t request = {.method = facts->request->method,
                                     .path = query != NULL ? bare : facts->path,
                                     .query = query != NULL ? query + 1 : NULL,
                                     .headers = headers,
                                     .header_count = list_signed(headers, facts, stamp),
                                     .payload_hash = stamp->payload_hash,
                                     .s3 = stamp->s3};
    int fine =
        request.path != NULL && sigv4_authorize(authorization, &request, &identity, facts->keys);

    free(bare);
    return fine;
}

int call_head_sign(call_head_t *head, const call_head_facts_t *facts)
{
    stamp_t stamp = {.s3 = strcmp(facts->endpoint->signing_name, "s3") == 0};
    char attempt[ATTEMPT_MAX];
    buffer_t authorization;
    size_t i;
    int fine;

    memset(head, 0, sizeof(*head));
    buffer_init(&head->text, HEAD_MAX);
    buffer_init(&authorization, AUTHORIZATION_MAX);
    sigv4_date(stamp.date, facts->when);
    (void)apr_snprintf(attempt, sizeof(attempt), "attempt=%d; max=%d", facts->attempt,
                       facts->attempts);
    fine = sigv4_hash(stamp.payload_hash, facts->request->body, facts->request->body_length) &&
           authorize(&authorization, facts, &stamp);
    add(head, "Host", facts->endpoint->host);
    add(head, "Content-Type", facts->request->content_type);
    add(head, "Accept", facts->request->accept);
    add(head, "X-Amz-Date", stamp.date);
    if (stamp.s3) {
        add(head, "X-Amz-Content-Sha256", stamp.payload_hash);
    }
    if (facts->credentials->session_token != NULL) {
        add(head, "X-Amz-Security-Token", facts->credentials->session_token);
    }
    for (i = 0; i < facts->request->header_count; i++) {
        add(head, facts->request->headers[i].name, facts->request->headers[i].value);
    }
    add(head, "amz-sdk-invocation-id", facts->invocation_id);
    add(head, "amz-sdk-request", attempt);
    add(head, "Authorization", buffer_text(&authorization));
    buffer_free(&authorization);
    if (!settle(head) || !fine) {
        log_error("CHAT0102: signing a request: out of memory, or the crypto library failed");
        return 0;
    }
    return 1;
}

void call_head_wipe(call_head_t *head)
{
    buffer_wipe(&head->text);
    buffer_free(&head->text);
}
