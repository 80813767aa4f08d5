#include "aws/credentials_container.h"

#include "aws/credentials_file.h"
#include "aws/credentials_http.h"
#include "aws/credentials_json.h"

#include <apr_strings.h>
#include <arpa/inet.h>
#include <string.h>

#define TRIES     3
#define GAP       apr_time_from_sec(1)
#define TIMEOUT   apr_time_from_sec(2)
#define TOKEN_MAX 16384

typedef struct {
    const credentials_fetch_t *fetch;
    credentials_done_t done;
    const char *url;    /* its path may be as good as a password: never logged */
    const char *origin; /* of it */
    credentials_file_t token;
} asking_t;

int credentials_container_is_set(const credentials_settings_t *settings)
{
    return settings->container_relative_uri != NULL || settings->container_full_uri != NULL;
}

/* ---- which URLs may be asked ---- */

/* What every HTTP client reads alike; no user, no fragment, no backslash. */
static int is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~' || strchr("@\\#<>\"^`{|}", *text) != NULL) {
            return 0;
        }
    }
    return 1;
}

static int is_allowed_ipv4(const char *host)
{
    struct in_addr address;
    unsigned number;

    if (inet_pton(AF_INET, host, &address) != 1) {
        return 0;
    }
    number = ntohl(address.s_addr);
    return number >> 24 == 127 || number == 0xa9feaa02 /* 169.254.170.2: ECS */ ||
           number == 0xa9feaa17 /* 169.254.170.23: EKS */;
}

static int is_allowed_ipv6(const char *host)
{
    static const char *const allowed[] = {"::1", "fd00:ec2::23"};
    struct in6_addr address, other;
    size_t i;

    if (inet_pton(AF_INET6, host, &address) != 1) {
        return 0;
    }
    for (i = 0; i < 2; i++) {
        (void)inet_pton(AF_INET6, allowed[i], &other);
        if (memcmp(&address, &other, sizeof(address)) == 0) {
            return 1;
        }
    }
    return 0;
}

static const char *origin_of(apr_pool_t *pool, const char *url)
{
    const char *host = strstr(url, "://") + strlen("://");

    return apr_pstrndup(pool, url, (size_t)(host - url) + strcspn(host, "/?"));
}

static int is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return text[digits] == '\0' && (digits > 0 || *text == '\0') && digits <= 5;
}

/* Splits "host:port" or "[host]:port" in place; 0 when it is neither. */
static int split_authority(char *authority, char **host, int *is_ipv6)
{
    char *rest;

    *is_ipv6 = *authority == '[';
    *host = authority + *is_ipv6;
    rest = *host + strcspn(*host, *is_ipv6 ? "]" : ":");
    if (*is_ipv6) {
        if (*rest != ']') {
            return 0;
        }
        *rest++ = '\0';
    }
    if (**host == '\0' || (*rest != ':' && *rest != '\0')) {
        return 0;
    }
    if (*rest == ':') {
        *rest++ = '\0';
    }
    return is_port(rest);
}

static const char *check_full(apr_pool_t *pool, const char *url)
{
    int is_http = strncasecmp(url, "http://", 7) == 0;
    int is_ipv6;
    char *authority;
    char *host;

    if (!is_http && strncasecmp(url, "https://", 8) != 0) {
        return "it does not start with http://host or https://host";
    }
    url += is_http ? 7 : 8;
    authority = apr_pstrndup(pool, url, strcspn(url, "/?"));
    if (!is_plain(url) || !split_authority(authority, &host, &is_ipv6)) {
        return "it is no URL of a host, a port, a path and a query";
    }
    if (is_http && !(is_ipv6 ? is_allowed_ipv6(host)
                             : strcasecmp(host, "localhost") == 0 || is_allowed_ipv4(host))) {
        return "http is allowed for localhost, 127.0.0.0/8, [::1], 169.254.170.2, 169.254.170.23 "
               "and [fd00:ec2::23] only; use https for any other host";
    }
    return NULL;
}

const char *credentials_container_url(const credentials_settings_t *settings, apr_pool_t *pool,
                                      const char **problem)
{
    const char *relative = settings->container_relative_uri;

    if (relative != NULL) {
        *problem = relative[0] == '/' && is_plain(relative)
                       ? NULL
                       : "it is no path and query that start with a slash";
        return *problem == NULL ? apr_pstrcat(pool, settings->container_base, relative, NULL)
                                : NULL;
    }
    if (settings->container_full_uri == NULL) {
        *problem = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_CONTAINER_CREDENTIALS_FULL_URI "
                   "are not set";
        return NULL;
    }
    *problem = check_full(pool, settings->container_full_uri);
    return *problem == NULL ? settings->container_full_uri : NULL;
}

/* ---- asking ---- */

static void fail_answer(const asking_t *asking, const credentials_answer_t *answer,
                        const char *problem)
{
    credentials_source_failed(asking->fetch, &asking->done,
                              "asking the container's credentials service %s: HTTP %d: %s; does "
                              "the task or pod have a role, and is its agent running?",
                              asking->origin, answer->status, problem);
}

static void on_answer(void *baton, const credentials_answer_t *answer)
{
    static const credentials_t kind = {.source = "the container's role"};
    const asking_t *asking = baton;
    apr_pool_t *pool = asking->fetch->pool;
    const credentials_t *set;
    const char *problem;

    if (answer->error != NULL) {
        fail_answer(asking, answer, answer->error);
        return;
    }
    if (answer->status != 200) {
        fail_answer(asking, answer, credentials_json_error(pool, answer->body, answer->length));
        return;
    }
    set = credentials_json_read(pool, answer->body, answer->length, &kind, &problem);
    if (set == NULL) {
        fail_answer(asking, answer, problem);
        return;
    }
    credentials_source_found(&asking->done, set);
}

/* `token` is NULL or the whole value of Authorization. */
static void ask(asking_t *asking, const char *token)
{
    const credentials_fetch_t *fetch = asking->fetch;
    const char **headers = apr_pcalloc(fetch->pool, 3 * sizeof(*headers));
    credentials_http_t request = {.tries = TRIES, .gap = GAP};
    buffer_t *line = credentials_source_buffer(fetch, TOKEN_MAX + 32);

    asking->origin = origin_of(fetch->pool, asking->url);
    headers[0] = "Accept: application/json";
    if (token != NULL) {
        (void)buffer_printf(line, "Authorization: %s", token);
        headers[1] = line->data;
    }
    if (line->failed) {
        credentials_source_failed(fetch, &asking->done,
                                  "preparing the request to the container's credentials service: "
                                  "the authorization token is too long, or memory is out");
        return;
    }
    request.exchange.method = "GET";
    request.exchange.url = asking->url;
    request.exchange.headers = headers;
    request.exchange.connect_timeout = TIMEOUT;
    request.exchange.total_timeout = TIMEOUT;
    request.exchange.ca_file = fetch->settings->ca_file;
    request.exchange.no_proxy = 1;
    request.is_transient = credentials_http_is_transient;
    request.done = on_answer;
    request.baton = asking;
    credentials_http_start(fetch, &request);
}

/* A line break would start a header of its own. */
static void ask_with(asking_t *asking, const char *token, const char *where)
{
    if (token[0] == '\0' || strpbrk(token, "\r\n") != NULL) {
        credentials_source_failed(asking->fetch, &asking->done,
                                  "reading the container's authorization token from %s: it is "
                                  "empty or has a line break in it",
                                  where);
        return;
    }
    ask(asking, token);
}

/* The line end at the end of a file is the editor's. */
static void cut_line_end(buffer_t *content)
{
    if (content->length > 0 && content->data[content->length - 1] == '\n') {
        content->data[--content->length] = '\0';
    }
    if (content->length > 0 && content->data[content->length - 1] == '\r') {
        content->data[--content->length] = '\0';
    }
}

static void on_token(void *baton)
{
    asking_t *asking = baton;
    const credentials_file_t *file = &asking->token;

    if (file->status != APR_SUCCESS) {
        credentials_source_failed(asking->fetch, &asking->done,
                                  "reading the container's authorization token from %s: %s; may "
                                  "httpd's user read it?",
                                  file->path, credentials_file_problem(asking->fetch, file));
        return;
    }
    cut_line_end(file->content);
    ask_with(asking, file->content->data, file->path);
}

void credentials_container_start(const credentials_fetch_t *fetch, const credentials_done_t *done)
{
    const credentials_settings_t *settings = fetch->settings;
    asking_t *asking = apr_pcalloc(fetch->pool, sizeof(*asking));
    const char *problem;

    asking->fetch = fetch;
    asking->done = *done;
    asking->url = credentials_container_url(settings, fetch->pool, &problem);
    if (!credentials_container_is_set(settings)) {
        credentials_source_absent(done, problem);
    } else if (problem != NULL) {
        credentials_source_failed(fetch, done, "reading AWS_CONTAINER_CREDENTIALS_%s_URI: %s",
                                  settings->container_relative_uri != NULL ? "RELATIVE" : "FULL",
                                  problem);
    } else if (settings->container_token_file != NULL) {
        asking->token.path = settings->container_token_file;
        asking->token.maximum = TOKEN_MAX;
        credentials_file_read(fetch, &asking->token, 1, on_token, asking);
    } else if (settings->container_token != NULL) {
        ask_with(asking, settings->container_token, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    } else {
        ask(asking, NULL);
    }
}
