#include "loop/transfer_private.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A waiting transfer holds one read buffer. */
#define READ_BUFFER 2048L

/* Seconds a connection may have been idle to be used again: AWS closes after 60. */
#define IDLE_MAX 50L

/* What every exchange has in common. */
static void set_constants(CURL *easy, const transfers_t *transfers)
{
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SHARE, transfers->share);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "mod_chatbot");
    (void)curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    (void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, READ_BUFFER);
    (void)curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
    (void)curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_MAX);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 15L);
    /* Else ending a transfer waits for the resolver's thread. */
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    /* With a folder set, libcurl parses all certificates anew for every connection. */
    if (transfers->ca_file != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
}

CURL *easy_create(const transfers_t *transfers)
{
    CURL *easy = curl_easy_init();

    if (easy != NULL) {
        set_constants(easy, transfers);
    }
    return easy;
}

static int is_named(const char *line, const char *name)
{
    size_t length = strlen(name);

    return strncasecmp(line, name, length) == 0 && line[length] == ':';
}

/* The caller's headers, and what keeps libcurl from adding its own. One block of memory, so that
 * it can be wiped: an Authorization may be in it. */
static int set_headers(transfer_t *transfer, const char *const *lines)
{
    static const char *const none[] = {NULL};
    const char *ours[] = {"Expect:", "Content-Type:", NULL};
    const char *const *lists[2];
    size_t count = 0;
    size_t size = 0;
    size_t list, i;
    struct curl_slist *node;
    char *text;

    lists[0] = lines != NULL ? lines : none;
    lists[1] = ours;
    for (i = 0; lists[0][i] != NULL; i++) {
        if (is_named(lists[0][i], "Content-Type")) {
            ours[1] = NULL;
        }
    }
    for (list = 0; list < 2; list++) {
        for (i = 0; lists[list][i] != NULL; i++) {
            count++;
            size += sizeof(*node) + strlen(lists[list][i]) + 1;
        }
    }
    node = malloc(size);
    if (node == NULL) {
        return 0;
    }
    transfer->headers = node;
    transfer->headers_size = size;
    text = (char *)(node + count);
    for (list = 0; list < 2; list++) {
        for (i = 0; lists[list][i] != NULL; i++) {
            size_t length = strlen(lists[list][i]) + 1;

            memcpy(text, lists[list][i], length);
            node->data = text;
            node->next = --count > 0 ? node + 1 : NULL;
            node++;
            text += length;
        }
    }
    return 1;
}

/* Every option that a method or a body touches, since the handle was used before. */
static CURLcode set_method(CURL *easy, const transfer_request_t *request)
{
    int has_body = request->body != NULL;
    int is_get = strcmp(request->method, "GET") == 0;
    int is_head = strcmp(request->method, "HEAD") == 0;
    int is_delete = strcmp(request->method, "DELETE") == 0;

    (void)curl_easy_setopt(easy, CURLOPT_NOBODY, is_head ? 1L : 0L);
    if (has_body || !(is_get || is_head || is_delete)) {
        (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, has_body ? request->body : "");
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                               (curl_off_t)(has_body ? request->body_length : 0));
    } else if (!is_head) {
        (void)curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
    return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, is_head ? NULL : request->method);
}

/* libcurl takes 0 for five minutes. */
static long connect_milliseconds(apr_interval_time_t timeout)
{
    apr_interval_time_t milliseconds = (timeout + 999) / 1000;

    return timeout > 0 && milliseconds < INT_MAX ? (long)milliseconds : (long)INT_MAX;
}

int easy_prepare(transfer_t *transfer, const transfer_request_t *request)
{
    CURL *easy = transfer->easy;
    const char *ca_file = request->ca_file != NULL ? request->ca_file : transfer->home->ca_file;

    transfer->body_length = request->body != NULL ? request->body_length : 0;
    if (curl_easy_setopt(easy, CURLOPT_URL, request->url) != CURLE_OK ||
        set_method(easy, request) != CURLE_OK ||
        (ca_file != NULL && curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file) != CURLE_OK) ||
        curl_easy_setopt(easy, CURLOPT_NOPROXY, request->no_proxy ? "*" : NULL) != CURLE_OK ||
        !set_headers(transfer, request->headers)) {
        return 0;
    }
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                           connect_milliseconds(request->connect_timeout));
    return 1;
}

/* Lets go of what the caller owns and of secrets. */
void easy_clear(transfer_t *transfer)
{
    (void)curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, NULL);
    (void)curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, NULL);
    if (transfer->headers != NULL) {
        explicit_bzero(transfer->headers, transfer->headers_size);
        free(transfer->headers);
        transfer->headers = NULL;
    }
}
