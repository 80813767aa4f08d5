#include "aws/call_head.h"

#include "base/log.h"

#include <apr_strings.h>
#include <string.h>

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

static int authorize(buffer_t *authorization, const call_head_facts_t *facts, const char *date)
{
    const char *token = facts->credentials->session_token;
    char payload_hash[SIGV4_HEX_LENGTH + 1];
    const sigv4_header_t headers[] = {{"host", facts->endpoint->host},
                                      {"content-type", facts->content_type},
                                      {"x-amz-date", date},
                                      {"x-amz-security-token", token}};
    const sigv4_identity_t identity = {
        facts->credentials->access_key_id, facts->credentials->secret_access_key,
        facts->endpoint->region, facts->endpoint->signing_name, facts->when};
    const sigv4_request_t request = {.method = facts->method,
                                     .path = facts->path,
                                     .headers = headers,
                                     .header_count = token != NULL ? 4 : 3,
                                     .payload_hash = payload_hash};

    return sigv4_hash(payload_hash, facts->body, facts->body_length) &&
           sigv4_authorize(authorization, &request, &identity, facts->keys);
}

int call_head_sign(call_head_t *head, const call_head_facts_t *facts)
{
    char date[SIGV4_DATE_LENGTH + 1];
    char attempt[ATTEMPT_MAX];
    buffer_t authorization;
    int fine;

    memset(head, 0, sizeof(*head));
    buffer_init(&head->text, HEAD_MAX);
    buffer_init(&authorization, AUTHORIZATION_MAX);
    sigv4_date(date, facts->when);
    (void)apr_snprintf(attempt, sizeof(attempt), "attempt=%d; max=%d", facts->attempt,
                       facts->attempts);
    fine = authorize(&authorization, facts, date);
    add(head, "Host", facts->endpoint->host);
    add(head, "Content-Type", facts->content_type);
    add(head, "Accept", facts->accept);
    add(head, "X-Amz-Date", date);
    if (facts->credentials->session_token != NULL) {
        add(head, "X-Amz-Security-Token", facts->credentials->session_token);
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
