#include "loop/transfer_private.h"

#include <stdio.h>
#include <string.h>

static const char *phase_name(const transfer_t *transfer, int sent)
{
    switch (transfer->phase) {
    case PHASE_CONNECTING: return "connecting";
    case PHASE_SENDING: return sent ? "waiting for the answer" : "sending the request";
    default: return "reading the answer";
    }
}

/* Whether the request left whole. When libcurl began anew on another connection, it no longer
 * knows how much of the first copy left: then any byte counts as all. */
static int was_sent(const transfer_t *transfer)
{
    curl_off_t body = 0;
    long bytes = 0;

    (void)curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &body);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &bytes);
    return transfer->phase >= PHASE_SENDING && bytes > 0 &&
           (transfer->resent || body >= (curl_off_t)transfer->body_length);
}

static transfer_end_e connecting_failed(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT: return TRANSFER_CONNECT_FAILED;
    case CURLE_OPERATION_TIMEDOUT: return TRANSFER_CONNECT_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER: return TRANSFER_TLS_FAILED;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS: return TRANSFER_CERTIFICATE_REFUSED;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING: return TRANSFER_CONNECT_FAILED; /* by the proxy */
    default: return TRANSFER_INTERNAL;
    }
}

static transfer_end_e exchange_failed(CURLcode code, int sent)
{
    switch (code) {
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9 or a version nobody knows */
    case CURLE_BAD_CONTENT_ENCODING: return TRANSFER_PROTOCOL_FAILED;
    case CURLE_OUT_OF_MEMORY: return TRANSFER_INTERNAL;
    case CURLE_SEND_ERROR: return TRANSFER_SEND_FAILED;
    default: return sent ? TRANSFER_RECEIVE_FAILED : TRANSFER_SEND_FAILED;
    }
}

static transfer_end_e end_of(const transfer_t *transfer, CURLcode code, int sent)
{
    if (transfer->verdict != TRANSFER_OK) {
        return transfer->verdict;
    }
    if (code == CURLE_OK) {
        /* libcurl is content with a connection that closes within the head. */
        return transfer->phase == PHASE_BODY ? TRANSFER_OK : TRANSFER_RECEIVE_FAILED;
    }
    return transfer->phase == PHASE_CONNECTING ? connecting_failed(code)
                                               : exchange_failed(code, sent);
}

/* libcurl's own words, where it is libcurl that ended it. */
static const char *reason_of(const transfer_t *transfer, CURLcode code)
{
    switch (transfer->verdict) {
    case TRANSFER_OK: break;
    case TRANSFER_FIRST_TIMEOUT: return "no answer began within the time allowed";
    case TRANSFER_IDLE_TIMEOUT: return "the answer stopped for longer than allowed";
    case TRANSFER_TOTAL_TIMEOUT: return "not done within the time allowed";
    case TRANSFER_REFUSED_BY_OWNER: return "refused by its reader";
    case TRANSFER_PROTOCOL_FAILED: return "the head of the answer is too large";
    default: return "not possible";
    }
    if (code == CURLE_OK) {
        return transfer->phase == PHASE_BODY ? "done" : "closed before its head was whole";
    }
    if (transfer->resent && transfer->single_send) {
        return "the pooled connection died without an answer, and the request may not be repeated";
    }
    return transfer->said[0] != '\0' ? transfer->said : curl_easy_strerror(code);
}

void ending_describe(const transfer_t *transfer, CURLcode code, transfer_result_t *result,
                     char *error, size_t size)
{
    long status = 0;

    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    result->status = transfer->phase == PHASE_BODY ? (int)status : 0;
    result->request_sent = was_sent(transfer);
    result->end = end_of(transfer, code, result->request_sent);
    (void)snprintf(error, size, "%s: %s", phase_name(transfer, result->request_sent),
                   reason_of(transfer, code));
    result->error = error;
}
