/* aws/sigv4: every rule of Signature Version 4, and botocore's signatures. */
#include "aws/sigv4.h"

#include "data/sigv4-cases.h"
#include "tap.h"

#include <apr_general.h>
#include <stdlib.h>

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define MANY       200

static const sigv4_identity_t example = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                         "us-east-1", "bedrock", 1440938160 * APR_USEC_PER_SEC};

static const sigv4_header_t usual[] = {{"X-Amz-Date", "20150830T123600Z"},
                                       {"Host", "example.amazonaws.com"}};

static const sigv4_request_t plain = {"GET", "/", "", usual, 2, EMPTY_HASH, 0};

/* The Authorization of a request; the caller frees it. */
static char *authorize(const sigv4_request_t *request, const sigv4_identity_t *identity,
                       sigv4_keys_t *keys)
{
    buffer_t out;

    buffer_init(&out, 4096);
    if (!sigv4_authorize(&out, request, identity, keys)) {
        buffer_free(&out);
    }
    return out.data;
}

static void one_signature_is_botocores(const sigv4_case_t *one, sigv4_keys_t *keys)
{
    char hash[SIGV4_HEX_LENGTH + 1] = "";
    sigv4_request_t request = {one->method,  one->path,         one->query,
                               one->headers, one->header_count, SIGV4_UNSIGNED_PAYLOAD,
                               one->s3};
    char *cached;
    char *alone;

    if (one->body != NULL) {
        OK(sigv4_hash(hash, one->body, strlen(one->body)), "a body is hashed");
        request.payload_hash = hash;
    }
    cached = authorize(&request, &one->identity, keys);
    alone = authorize(&request, &one->identity, NULL);
    IS(cached, one->authorization, one->name);
    IS(alone, cached, "the same without a key cache");
    free(cached);
    free(alone);
}

static void signatures_are_botocores(apr_pool_t *pool)
{
    sigv4_keys_t *keys = sigv4_keys_create(pool);
    size_t i;

    for (i = 0; i < sizeof(sigv4_cases) / sizeof(sigv4_cases[0]); i++) {
        one_signature_is_botocores(&sigv4_cases[i], keys);
    }
}

static void the_texts_read_as_aws_writes_them(void)
{
    static const sigv4_header_t headers[] = {
        {"Host", "bedrock-agent-runtime.us-east-1.amazonaws.com"},
        {"Content-Type", "application/json"},
        {"X-Amz-Date", "20150830T123600Z"},
        {"X-Amz-Security-Token", "token"},
    };
    sigv4_request_t request = {
        "POST", "/agents/A/agentAliases/B/sessions/user%3A42/text", NULL, headers, 4, EMPTY_HASH,
        0};
    buffer_t out;

    buffer_init(&out, 4096);
    OK(sigv4_canonical_request(&out, &request), "a canonical request");
    IS(buffer_text(&out),
       "POST\n"
       "/agents/A/agentAliases/B/sessions/user%253A42/text\n"
       "\n"
       "content-type:application/json\n"
       "host:bedrock-agent-runtime.us-east-1.amazonaws.com\n"
       "x-amz-date:20150830T123600Z\n"
       "x-amz-security-token:token\n"
       "\n"
       "content-type;host;x-amz-date;x-amz-security-token\n" EMPTY_HASH,
       "method, path, query, headers, their names, payload hash");
    buffer_clear(&out);
    OK(sigv4_string_to_sign(&out, &plain, &example), "a string to sign");
    IS(buffer_text(&out),
       "AWS4-HMAC-SHA256\n"
       "20150830T123600Z\n"
       "20150830/us-east-1/bedrock/aws4_request\n"
       "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63",
       "algorithm, date, scope, hash of the canonical request");
    buffer_free(&out);
}

/* The n-th line of the canonical request (from 0); it stays until the next call. */
static const char *line_of(const sigv4_request_t *request, int n)
{
    static char line[512];
    buffer_t out;
    const char *at;

    buffer_init(&out, 65536);
    line[0] = '\0';
    if (sigv4_canonical_request(&out, request)) {
        for (at = out.data; n > 0; n--) {
            at = strchr(at, '\n') + 1;
        }
        (void)snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
    }
    buffer_free(&out);
    return line;
}

static const char *path_of(const char *path, int s3)
{
    sigv4_request_t request = plain;

    request.path = path;
    request.s3 = s3;
    return line_of(&request, 1);
}

static const char *query_of(const char *query)
{
    sigv4_request_t request = plain;

    request.query = query;
    return line_of(&request, 2);
}

static const char *header_of(const char *name, const char *value)
{
    sigv4_header_t header = {name, value};
    sigv4_request_t request = plain;

    request.headers = &header;
    request.header_count = 1;
    return line_of(&request, 3);
}

static void paths(void)
{
    IS(path_of("", 0), "/", "an empty path is a slash");
    IS(path_of("/a%2Fb:c", 0), "/a%252Fb%3Ac", "the path on the wire is encoded once more");
    IS(path_of("/a/./b/../c//d", 0), "/a/c/d", "dot segments and doubled slashes go");
    IS(path_of("/a/..", 0), "/", "down to the root");
    IS(path_of("/../..", 0), "/", "but not below");
    IS(path_of("/a/b/", 0), "/a/b/", "a slash at the end stays");
    IS(path_of("a", 0), "/a", "a path starts with a slash");
    IS(path_of("/a%2Fb/./..//:", 1), "/a%2Fb/./..//:", "S3 takes the path as it stands");
    IS(path_of("", 1), "/", "S3: an empty path is a slash");
}

static void queries(void)
{
    IS(query_of(NULL), "", "no query");
    IS(query_of("b=2&a=1"), "a=1&b=2", "parameters are sorted");
    IS(query_of("a"), "a=", "an equals sign is there even without a value");
    IS(query_of("a=b=c"), "a=b%3Dc", "the first equals sign ends the name");
    IS(query_of("a+b"), "a%2Bb=", "a plus is a plus");
    IS(query_of("a=%7e%2d%C3%a9"), "a=~-%C3%A9", "every spelling becomes one");
    IS(query_of("a=%"), "a=%25", "a percent sign alone");
    IS(query_of("a=%4"), "a=%254", "a percent sign and one digit");
    IS(query_of("a=%4g%g4"), "a=%254g%25g4", "a percent sign and what is no digit");
    IS(query_of("a=%00b"), "a=%00b", "an encoded NUL");
    IS(query_of("&"), "=&=", "empty parts are parameters");
    IS(query_of("a-=1&a=2"), "a=2&a-=1", "the name alone decides, not the equals sign behind it");
}

static void headers(void)
{
    IS(header_of("X-AMZ-A", "V"), "x-amz-a:V", "names are lower case, values stay");
    IS(header_of("a", "  b \t c  "), "a:b c", "blanks go, one space stays between");
    IS(header_of("a", "b\r\n  c"), "a:b c", "a folded line is one line");
    IS(header_of("a", "\"b  c\""), "a:\"b c\"", "inside quotes too");
    IS(header_of("a", "   "), "a:", "only blanks are nothing");
}

static void headers_that_hops_change_are_not_signed(void)
{
    static const char *const names[] = {"Authorization",
                                        "Connection",
                                        "Expect",
                                        "Keep-Alive",
                                        "TE",
                                        "Trailer",
                                        "Upgrade",
                                        "User-Agent",
                                        "Transfer-Encoding",
                                        "X-Amzn-Trace-Id",
                                        "Proxy-Authorization",
                                        "proxy-connection"};
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        IS(header_of(names[i], "x"), "", names[i]);
    }
    IS(header_of("Tea", "x"), "tea:x", "a longer name is another");
    IS(header_of("Prox", "x"), "prox:x", "a shorter one as well");
}

static void any_number_of_headers(void)
{
    static char names[MANY][16];
    static sigv4_header_t many[MANY];
    sigv4_request_t request = plain;
    size_t i;

    for (i = 0; i < MANY; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "x-%03d", (int)(MANY - 1 - i) / 2);
        many[i].name = names[i];
        many[i].value = i % 2 == 0 ? "first" : "second";
    }
    request.headers = many;
    request.header_count = MANY;
    IS(line_of(&request, 3), "x-000:first,second", "many headers: sorted, in the order sent");
    IS(line_of(&request, 3 + MANY / 2 - 1), "x-099:first,second", "many headers: to the last");
    request.header_count = 0;
    IS(line_of(&request, 3), "", "no headers: an empty line");
    IS(line_of(&request, 5), EMPTY_HASH, "no headers: no names");
}

static void dates_are_utc(void)
{
    char date[SIGV4_DATE_LENGTH + 1];

    sigv4_date(date, 0);
    IS(date, "19700101T000000Z", "the first second");
    sigv4_date(date, 1582934400 * APR_USEC_PER_SEC - 1);
    IS(date, "20200228T235959Z", "parts of a second do not count");
    sigv4_date(date, 1582934400 * APR_USEC_PER_SEC);
    IS(date, "20200229T000000Z", "a leap day");
    sigv4_date(date, 1767225599 * APR_USEC_PER_SEC);
    IS(date, "20251231T235959Z", "the end of a year");
}

static void hashes(void)
{
    char hash[SIGV4_HEX_LENGTH + 1];

    OK(sigv4_hash(hash, "", 0), "the hash of nothing");
    IS(hash, EMPTY_HASH, "is the one everybody knows");
    OK(sigv4_hash(hash, "abc", 3), "FIPS 180-2, appendix B.1");
    IS(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "is this");
}

/* Whether the cache gives what is derived afresh. */
static int same_as_fresh(sigv4_keys_t *keys, const sigv4_identity_t *identity)
{
    char *cached = authorize(&plain, identity, keys);
    char *fresh = authorize(&plain, identity, NULL);
    int same = cached != NULL && fresh != NULL && strcmp(cached, fresh) == 0;

    free(cached);
    free(fresh);
    return same;
}

static void keys_are_found_again_only_for_the_same(apr_pool_t *pool)
{
    sigv4_keys_t *keys = sigv4_keys_create(pool);
    sigv4_identity_t other = example;

    OK(same_as_fresh(keys, &example), "the first key");
    OK(same_as_fresh(keys, &example), "the same again");
    other.secret_access_key = "another";
    OK(same_as_fresh(keys, &other), "another secret");
    other = example;
    other.region = "us-east-1bed";
    other.service = "rock";
    OK(same_as_fresh(keys, &other), "region and service that read the same in a row");
    other = example;
    other.service = "dynamodb";
    OK(same_as_fresh(keys, &other), "another service");
    other = example;
    other.access_key_id = "AKIDOTHER";
    OK(same_as_fresh(keys, &other), "another id with the same secret");
    sigv4_keys_forget(keys);
    OK(same_as_fresh(keys, &example), "after the cache was emptied");
}

static void a_new_day_is_a_new_key(apr_pool_t *pool)
{
    sigv4_keys_t *keys = sigv4_keys_create(pool);
    sigv4_identity_t last_second = example;
    sigv4_identity_t next_day = example;

    last_second.when = 1440979199 * APR_USEC_PER_SEC;
    next_day.when = 1440979200 * APR_USEC_PER_SEC;
    OK(same_as_fresh(keys, &last_second), "23:59:59");
    OK(same_as_fresh(keys, &next_day), "00:00:00");
    OK(same_as_fresh(keys, &last_second), "and back again");
}

static void more_identities_than_are_kept(apr_pool_t *pool)
{
    sigv4_keys_t *keys = sigv4_keys_create(pool);
    sigv4_identity_t one = example;
    char region[16];
    int round;
    int same = 1;

    one.region = region;
    for (round = 0; round < 60; round++) {
        (void)snprintf(region, sizeof(region), "region-%d", round % 20);
        same = same && same_as_fresh(keys, &one);
    }
    OK(same, "twenty regions, three times round");
}

static void what_does_not_fit_leaves_the_buffer_as_it_was(void)
{
    buffer_t out;

    buffer_init(&out, 40);
    (void)buffer_puts(&out, "Authorization: ");
    OK(!sigv4_authorize(&out, &plain, &example, NULL), "no room for an Authorization");
    OK(out.failed, "the buffer says so");
    IS(buffer_text(&out), "Authorization: ", "what was there stays");
    buffer_clear(&out);
    OK(!sigv4_canonical_request(&out, &plain), "no room for a canonical request");
    buffer_clear(&out);
    OK(!sigv4_string_to_sign(&out, &plain, &example), "no room for a string to sign");
    buffer_free(&out);
}

static void everything_appends(void)
{
    buffer_t out;

    buffer_init(&out, 4096);
    (void)buffer_puts(&out, "before ");
    OK(sigv4_authorize(&out, &plain, &example, NULL), "an Authorization");
    OK(strncmp(buffer_text(&out), "before AWS4-HMAC-SHA256 Credential=", 35) == 0,
       "stands behind what was there");
    buffer_free(&out);
}

int main(void)
{
    apr_pool_t *pool;

    (void)apr_initialize();
    (void)apr_pool_create(&pool, NULL);
    signatures_are_botocores(pool);
    the_texts_read_as_aws_writes_them();
    paths();
    queries();
    headers();
    headers_that_hops_change_are_not_signed();
    any_number_of_headers();
    dates_are_utc();
    hashes();
    keys_are_found_again_only_for_the_same(pool);
    a_new_day_is_a_new_key(pool);
    more_identities_than_are_kept(pool);
    what_does_not_fit_leaves_the_buffer_as_it_was();
    everything_appends();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
