#include "aws/credentials_imds.h"

#include "aws/credentials_http.h"
#include "aws/credentials_json.h"
#include "base/text.h"

#include <apr_strings.h>
#include <string.h>

#define CONNECT_TIMEOUT apr_time_from_sec(1)
#define TOTAL_TIMEOUT   apr_time_from_sec(2)
#define TRIES           2 /* of an exchange that was answered, with an error of the service's */
#define GAP             (APR_USEC_PER_SEC / 5)
#define ROLE_MAX        64 /* of IAM */
#define TOKEN_MAX       1024

#define ROLES "/latest/meta-data/iam/security-credentials/"

/* PUT token -> GET what is wanted: TOKEN -> ROLE -> KEYS, or TOKEN -> REGION (-> ZONE). */
typedef struct walk_t walk_t;
typedef void step_fn(walk_t *walk, const credentials_answer_t *answer);

struct walk_t {
    const credentials_fetch_t *fetch;
    const char *endpoint;
    const char *path;  /* of what is asked for now */
    step_fn *on_value; /* takes a 200, or a 404 */
    step_fn *begin;    /* after the token came */
    const char **token_header;
    int renewed; /* the token was refused once */
    credentials_done_t done;
    void (*region_done)(void *baton, const char *region, const char *reason);
    void *region_baton;
};

/* ---- where it is ---- */

static const char *property(const credentials_fetch_t *fetch, const char *key)
{
    const char *profile = fetch->settings->profile;
    const char *value = NULL;

    if (fetch->profiles != NULL) {
        value = profile_property(fetch->profiles, profile != NULL ? profile : "default", key);
    }
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static const char *check_endpoint(apr_pool_t *pool, const char *url, const char **problem)
{
    const char *host = strstr(url, "://");
    size_t length = strlen(url);

    if ((strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0) ||
        host == NULL || !text_only(host + 3, strlen(host + 3), ".-_:[]/%~") || host[3] == '\0' ||
        host[3] == '/') {
        *problem = "the endpoint is no URL like http://169.254.169.254";
        return NULL;
    }
    while (url[length - 1] == '/') {
        length--;
    }
    return apr_pstrndup(pool, url, length);
}

const char *credentials_imds_endpoint(const credentials_fetch_t *fetch, const char **problem)
{
    const char *url = fetch->settings->imds_endpoint;
    const char *mode = fetch->settings->imds_endpoint_mode;

    *problem = NULL;
    if (url == NULL) {
        url = property(fetch, "ec2_metadata_service_endpoint");
    }
    if (url != NULL) {
        return check_endpoint(fetch->pool, url, problem);
    }
    if (mode == NULL) {
        mode = property(fetch, "ec2_metadata_service_endpoint_mode");
    }
    if (mode == NULL || strcasecmp(mode, "IPv4") == 0) {
        return "http://169.254.169.254";
    }
    if (strcasecmp(mode, "IPv6") == 0) {
        return "http://[fd00:ec2::254]";
    }
    *problem = "the endpoint mode is neither IPv4 nor IPv6";
    return NULL;
}

/* ---- the walk ---- */

static void fail(walk_t *walk, const char *reason)
{
    if (walk->region_done != NULL) {
        walk->region_done(walk->region_baton, NULL, reason);
    } else {
        credentials_source_failed(walk->fetch, &walk->done, "%s", reason);
    }
}

static void fail_answer(walk_t *walk, const char *what, const credentials_answer_t *answer,
                        const char *problem)
{
    fail(walk, apr_psprintf(walk->fetch->pool,
                            "asking the instance metadata service %s for %s: HTTP %d: %s",
                            walk->endpoint, what, answer->status, problem));
}

/* A service that is not there answers nothing, and asking again only takes time. */
static int is_worth_repeating(const credentials_answer_t *answer)
{
    return answer->error == NULL && credentials_http_is_transient(answer);
}

static void send_request(walk_t *walk, const char *method, const char *path,
                         const char *const *headers,
                         void (*done)(void *baton, const credentials_answer_t *answer))
{
    credentials_http_t request = {.tries = TRIES, .gap = GAP};

    request.exchange.method = method;
    request.exchange.url = apr_pstrcat(walk->fetch->pool, walk->endpoint, path, NULL);
    request.exchange.headers = headers;
    request.exchange.connect_timeout = CONNECT_TIMEOUT;
    request.exchange.total_timeout = TOTAL_TIMEOUT;
    request.exchange.no_proxy = 1;
    request.is_transient = is_worth_repeating;
    request.done = done;
    request.baton = walk;
    credentials_http_start(walk->fetch, &request);
}

static void ask_token(walk_t *walk);

static void on_answer(void *baton, const credentials_answer_t *answer)
{
    walk_t *walk = baton;

    if (answer->error == NULL && answer->status == 401 && !walk->renewed) {
        walk->renewed = 1;
        ask_token(walk);
        return;
    }
    if (answer->error != NULL || (answer->status != 200 && answer->status != 404)) {
        fail_answer(walk, walk->path, answer,
                    answer->error != NULL ? answer->error : "not a success");
        return;
    }
    walk->on_value(walk, answer);
}

static void ask(walk_t *walk, const char *path, step_fn *on_value)
{
    walk->path = path;
    walk->on_value = on_value;
    send_request(walk, "GET", path, walk->token_header, on_answer);
}

static const char *advice(const credentials_answer_t *answer)
{
    if (answer->end == TRANSFER_CONNECT_FAILED || answer->end == TRANSFER_CONNECT_TIMEOUT) {
        return "is this an EC2 instance? If not, set up another source of credentials";
    }
    if (answer->status == 0) {
        return "in a container the instance's metadata hop limit must be 2: "
               "aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2";
    }
    return "are the instance's metadata options enabled, version 2 (IMDSv2) included?";
}

/* The token becomes a header: no more than what one may hold. */
static void on_token(void *baton, const credentials_answer_t *answer)
{
    walk_t *walk = baton;
    apr_pool_t *pool = walk->fetch->pool;
    buffer_t *line;

    if (answer->error != NULL || answer->status != 200) {
        const char *problem = answer->error != NULL ? answer->error : "refused";

        fail_answer(walk, "a session token", answer,
                    apr_psprintf(pool, "%s; %s", problem, advice(answer)));
        return;
    }
    if (answer->length == 0 || answer->length > TOKEN_MAX ||
        !text_only(answer->body, answer->length, "+/=_-.~")) {
        fail_answer(walk, "a session token", answer,
                    "what came is none; does the endpoint belong to AWS?");
        return;
    }
    line = credentials_source_buffer(walk->fetch, TOKEN_MAX + 64);
    (void)buffer_puts(line, "X-aws-ec2-metadata-token: ");
    (void)buffer_append(line, answer->body, answer->length);
    walk->token_header = apr_pcalloc(pool, 2 * sizeof(*walk->token_header));
    walk->token_header[0] = line->failed ? NULL : line->data;
    walk->begin(walk, answer);
}

static void ask_token(walk_t *walk)
{
    static const char *const headers[] = {"X-aws-ec2-metadata-token-ttl-seconds: 21600", NULL};

    send_request(walk, "PUT", "/latest/api/token", headers, on_token);
}

/* What is wrong with asking at all, or NULL; `*absent` when that is no fault. */
static const char *find_obstacle(walk_t *walk, int *absent)
{
    const char *off = walk->fetch->settings->imds_disabled;
    const char *problem;

    *absent = off != NULL && strcasecmp(off, "true") == 0;
    if (*absent) {
        return "AWS_EC2_METADATA_DISABLED is true";
    }
    walk->endpoint = credentials_imds_endpoint(walk->fetch, &problem);
    return problem != NULL ? apr_pstrcat(walk->fetch->pool,
                                         "finding the instance metadata service: ", problem, NULL)
                           : NULL;
}

/* ---- the role's credentials ---- */

static void on_keys(walk_t *walk, const credentials_answer_t *answer)
{
    static const credentials_t kind = {.source = "the instance's role", .static_stability = 1};
    const credentials_t *set = NULL;
    const char *problem = "the instance's role has just been taken away";

    if (answer->status == 200) {
        set =
            credentials_json_read(walk->fetch->pool, answer->body, answer->length, &kind, &problem);
    }
    if (set == NULL) {
        fail_answer(walk, "the role's credentials", answer, problem);
        return;
    }
    credentials_source_found(&walk->done, set);
}

static void on_role(walk_t *walk, const credentials_answer_t *answer)
{
    const char *name = answer->body + strspn(answer->body, " \t\r\n");
    size_t length = strcspn(name, " \t\r\n");

    if (answer->status == 404) {
        fail_answer(walk, "the role", answer,
                    "the instance has no role: attach an instance profile to it");
        return;
    }
    if (length == 0 || length > ROLE_MAX || !text_only(name, length, "+=,.@_-")) {
        fail_answer(walk, "the role", answer, "what came is no role's name");
        return;
    }
    ask(walk,
        apr_pstrcat(walk->fetch->pool, ROLES, apr_pstrndup(walk->fetch->pool, name, length), NULL),
        on_keys);
}

static void begin_role(walk_t *walk, const credentials_answer_t *answer)
{
    (void)answer;
    ask(walk, ROLES, on_role);
}

void credentials_imds_start(const credentials_fetch_t *fetch, const credentials_done_t *done)
{
    walk_t *walk = apr_pcalloc(fetch->pool, sizeof(*walk));
    const char *obstacle;
    int absent;

    walk->fetch = fetch;
    walk->done = *done;
    walk->begin = begin_role;
    obstacle = find_obstacle(walk, &absent);
    if (absent) {
        credentials_source_absent(done, obstacle);
    } else if (obstacle != NULL) {
        fail(walk, obstacle);
    } else {
        ask_token(walk);
    }
}

/* ---- the region ---- */

static void end_region(walk_t *walk, const credentials_answer_t *answer, size_t length)
{
    const char *region = apr_pstrndup(walk->fetch->pool, answer->body, length);

    if (answer->status != 200 || !endpoint_is_region(region)) {
        fail_answer(walk, "the region", answer, "what came is no region's name");
        return;
    }
    walk->region_done(walk->region_baton, region, NULL);
}

/* "eu-central-1b": the region and a letter. */
static void on_zone(walk_t *walk, const credentials_answer_t *answer)
{
    size_t length = strcspn(answer->body, " \t\r\n");

    end_region(walk, answer, length > 0 ? length - 1 : 0);
}

/* A service that is not EC2's own may know the zone only. */
static void on_region(walk_t *walk, const credentials_answer_t *answer)
{
    if (answer->status == 404) {
        ask(walk, "/latest/meta-data/placement/availability-zone/", on_zone);
        return;
    }
    end_region(walk, answer, strcspn(answer->body, " \t\r\n"));
}

static void begin_region(walk_t *walk, const credentials_answer_t *answer)
{
    (void)answer;
    ask(walk, "/latest/meta-data/placement/region", on_region);
}

void credentials_imds_region(const credentials_fetch_t *fetch,
                             void (*done)(void *baton, const char *region, const char *reason),
                             void *baton)
{
    walk_t *walk = apr_pcalloc(fetch->pool, sizeof(*walk));
    const char *obstacle;
    int absent;

    walk->fetch = fetch;
    walk->region_done = done;
    walk->region_baton = baton;
    walk->begin = begin_region;
    obstacle = find_obstacle(walk, &absent);
    if (obstacle != NULL) {
        fail(walk, obstacle);
    } else {
        ask_token(walk);
    }
}
