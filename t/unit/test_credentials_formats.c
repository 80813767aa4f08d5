/* What credentials are read from: the metadata services' JSON, the XML of STS, time stamps; and
 * the arithmetic of when to fetch. */
#include "aws/credentials_json.h"
#include "aws/credentials_sts_answer.h"
#include "aws/credentials_timing.h"
#include "aws/credentials_xml.h"

#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>

#define SECONDS(number) apr_time_from_sec(number)
#define MINUTES(number) SECONDS((number)*60)
#define HOURS(number)   MINUTES((number)*60)
#define EXPIRY          1787393472 /* 2026-08-22T10:11:12Z */

static apr_pool_t *pool;

/* ---- the set ---- */

static void time_stamps(void)
{
    static const struct {
        const char *text;
        apr_time_t seconds;
    } cases[] = {
        {"2026-08-22T10:11:12Z", EXPIRY},
        {"2026-08-22T10:11:12.123456789Z", EXPIRY},
        {"2026-08-22T10:11:12.0z", EXPIRY},
        {"2026-08-22T12:11:12+02:00", EXPIRY},
        {"2026-08-22T05:41:12.5-04:30", EXPIRY},
        {"2026-08-22T10:11:12+00:00", EXPIRY},
        {"2000-02-29T00:00:00Z", 951782400},
        {"9999-12-31T23:59:59Z", 253402300799},
        {"", 0},
        {"2026-08-22", 0},
        {"2026-08-22T10:11:12", 0},
        {"2026-08-22 10:11:12Z", 0},
        {"2026-08-22T10:11:12ZZ", 0},
        {"2026-08-22T10:11:12.Z", 0},
        {"2026-08-22T10:11:12+0200", 0},
        {"2026-08-22T10:11:12+02:0", 0},
        {"2026-08-22T10:11:12+24:00", 0},
        {"2026-13-22T10:11:12Z", 0},
        {"2026-00-22T10:11:12Z", 0},
        {"2026-08-32T10:11:12Z", 0},
        {"2026-08-22T24:11:12Z", 0},
        {"2026-08-22T10:60:12Z", 0},
        {"1969-12-31T23:59:59Z", 0},
        {"99999-12-31T23:59:59Z", 0},
        {"+026-08-22T10:11:12Z", 0},
        {"1787393472", 0},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        IS_NUMBER(credentials_set_expiry(cases[i].text), SECONDS(cases[i].seconds),
                  apr_psprintf(pool, "the time \"%s\"", cases[i].text));
    }
}

static void key_ids_in_the_log(void)
{
    static const char *const cases[][2] = {
        {"ASIAIOSFODNN7EXAMPLE", "ASIA...MPLE"}, {"short", "s...t"}, {"abc", "..."}, {"", "..."}};
    char shown[CREDENTIALS_SHORT_LENGTH + 1];
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        credentials_set_shorten(shown, cases[i][0]);
        IS(shown, cases[i][1], "a key id in short");
    }
}

static void is_refused(const char *key, const char *secret, const char *token, const char *why)
{
    const credentials_t fields = {
        .access_key_id = key, .secret_access_key = secret, .session_token = token};
    const char *problem;

    OK(credentials_set_make(pool, &fields, &problem) == NULL, why);
    OK(problem != NULL && strstr(problem, why) != NULL, "  and it says so");
}

static void sets(void)
{
    const credentials_t fields = {.access_key_id = "AKIA",
                                  .secret_access_key = "s",
                                  .session_token = "",
                                  .expires = 5,
                                  .source = "a test"};
    credentials_t otherwise = fields;
    const char *problem;
    apr_pool_t *brief;
    const credentials_t *set, *other;
    char *large = apr_pcalloc(pool, 20001);

    (void)apr_pool_create(&brief, pool);
    set = credentials_set_make(brief, &fields, &problem);
    IS(problem, NULL, "a set");
    IS(set->session_token, NULL, "  an empty token is none");
    OK(set->access_key_id != fields.access_key_id, "  its texts are its own");
    (void)credentials_set_hold(set);
    apr_pool_destroy(brief);
    IS(set->secret_access_key, "s", "  it stays as long as it is held");
    otherwise.expires = 6;
    other = credentials_set_make(pool, &otherwise, &problem);
    OK(!credentials_set_equal(set, other), "  another expiry is another set");
    OK(credentials_set_equal(set, set) && !credentials_set_equal(set, NULL) &&
           credentials_set_equal(NULL, NULL),
       "  equality");
    credentials_set_release(set);
    credentials_set_release(NULL);
    memset(large, 'x', 20000);
    is_refused(NULL, "s", NULL, "the access key id is missing");
    is_refused("", "s", NULL, "the access key id is missing");
    is_refused("A", NULL, NULL, "the secret access key is missing");
    is_refused("A\r\nX: y", "s", NULL, "the access key id has characters");
    is_refused(large, "s", NULL, "the access key id has characters");
    is_refused("A", "s\n", NULL, "the secret access key has characters");
    is_refused("A", "s", "t\r\nHost: evil", "the session token has characters");
    is_refused("A", "s", "\xc3\xa4", "the session token has characters");
    is_refused("A", "s", large, "the session token has characters");
}

/* ---- JSON ---- */

static void json(void)
{
    static const struct {
        const char *text;
        const char *key; /* NULL: refused */
        const char *reason;
    } cases[] = {
        {"{\"AccessKeyId\":\"A1\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
         "\"Expiration\":\"2026-08-22T10:11:12Z\"}",
         "A1", NULL},
        {"{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"A2\","
         "\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"2026-08-22T10:11:12Z\","
         "\"LastUpdated\":\"x\",\"AccountId\":\"1\",\"RoleArn\":\"r\"}",
         "A2", NULL},
        {"{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"no trust\"}", NULL,
         "the service says AssumeRoleUnauthorizedAccess: no trust"},
        {"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Expiration\":\"soon\"}", NULL,
         "Expiration is not a time"},
        {"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Expiration\":17}", NULL,
         "Expiration is not a time"},
        {"{\"AccessKeyId\":\"A\"}", NULL, "the secret access key is missing"},
        {"{\"AccessKeyId\":1,\"SecretAccessKey\":\"s\"}", NULL, "the access key id is missing"},
        {"{}", NULL, "the access key id is missing"},
        {"[]", NULL, "no object"},
        {"null", NULL, "no object"},
        {"", NULL, "not JSON"},
        {"<html>502</html>", NULL, "not JSON"},
        {"{\"AccessKeyId\":\"A\",", NULL, "not JSON"},
        {"[[[[[[[[[[[[]]]]]]]]]]]]", NULL, "not JSON"},
    };
    const credentials_t kind = {.source = "a test", .static_stability = 1};
    const char *reason;
    const credentials_t *set;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        set = credentials_json_read(pool, cases[i].text, strlen(cases[i].text), &kind, &reason);
        IS(set != NULL ? set->access_key_id : NULL, cases[i].key, cases[i].text);
        if (set == NULL) {
            OK(strstr(reason, cases[i].reason) != NULL, reason);
        } else {
            IS_NUMBER(set->expires, SECONDS(EXPIRY), "  its expiry");
            IS(set->source, "a test", "  its source");
            IS_NUMBER(set->static_stability, 1, "  its kind");
        }
    }
    IS(credentials_json_error(pool, "{\"code\":\"C\",\"message\":\"M\"}", 26), "C: M",
       "an error in JSON");
    IS(credentials_json_error(pool, "{\"Message\":\"M\"}", 15), "M", "  without a code");
    IS(credentials_json_error(pool, "<p>", 3), "", "  or none");
}

/* ---- XML ---- */

static void on_element(void *baton, const char *around, const char *name, const char *value)
{
    char **out = baton;

    *out = apr_pstrcat(pool, *out, around, "/", name, "=", value, ";", NULL);
}

static const char *read_xml(const char *text, size_t length, const char **problem)
{
    char *out = apr_pstrdup(pool, "");
    buffer_t scratch;

    buffer_init(&scratch, 40);
    *problem = credentials_xml_each(text, length, &scratch, on_element, &out);
    buffer_free(&scratch);
    return *problem == NULL ? out : NULL;
}

static void xml(void)
{
    static const char *const cases[][2] = {
        {"<a>1</a>", "/a=1;"},
        {" <?xml version=\"1.0\"?>\t<!-- <b> --><a><b>x</b> <c/>\t</a> <!-- - --> ", "a/b=x;a/c=;"},
        {"<a x='>' y=\"</a>\" ><b z='\"'>1</b ></a>", "a/b=1;"},
        {"<n:a xmlns:n='u'><n:b>1</n:b></n:a>", "a/b=1;"},
        {"<a><b>&amp;&lt;&gt;&quot;&apos;&#65;&#x42;&#xe4;&#x20ac;&#x1F600;</b></a>",
         "a/b=&<>\"'AB\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80;"},
        {"<a><b>1<![CDATA[<&]]>2</b></a>", "a/b=1<&2;"},
        {"<a>text<b>1</b>more</a>", "a/b=1;"},
        {"<a><b></b><b>2</b></a>", "a/b=;a/b=2;"},
        {"<a><b>1<!-- c -->2</b></a>", "a/b=12;"},
        {"<a/>", "/a=;"},
        {"", NULL},
        {"text", NULL},
        {"<a>", NULL},
        {"<a></b>", NULL},
        {"<a></a></a>", NULL},
        {"<a/><b/>", NULL},
        {"<a/>x", NULL},
        {"</a>", NULL},
        {"<a", NULL},
        {"<", NULL},
        {"<>", NULL},
        {"<a><</a>", NULL},
        {"<a <b/>", NULL},
        {"<a b='</a>", NULL},
        {"<a>&nbsp;</a>", NULL},
        {"<a>&amp</a>", NULL},
        {"<a>&#;</a>", NULL},
        {"<a>&#x;</a>", NULL},
        {"<a>&#0;</a>", NULL},
        {"<a>&#xd800;</a>", NULL},
        {"<a>&#x110000;</a>", NULL},
        {"<a>&#99999999999999999999;</a>", NULL},
        {"<a>&#6a;</a>", NULL},
        {"<a>&;</a>", NULL},
        {"<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", NULL},
        {"<a><!-- </a>", NULL},
        {"<a><![CDATA[ </a>", NULL},
        {"<![CDATA[x]]><a/>", NULL},
        {"<a><?pi </a>", NULL},
        {"<1><2><3><4><5><6><7><8>x</8></7></6></5></4></3></2></1>", "7/8=x;"},
        {"<1><2><3><4><5><6><7><8><9>x</9></8></7></6></5></4></3></2></1>", NULL},
        {"<a>12345678901234567890123456789012345678901</a>", NULL},
        {"<a234567890123456789012345678901234567890123456789012345678901234567890/>", NULL},
    };
    const char *problem;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        IS(read_xml(cases[i][0], strlen(cases[i][0]), &problem), cases[i][1],
           apr_psprintf(pool, "XML \"%s\"", cases[i][0]));
    }
    IS(read_xml("<a>\0</a>", 8, &problem), NULL, "XML with a NUL");
}

#define CREDENTIALS_ELEMENT                                                                        \
    "<Credentials><AccessKeyId>A1</AccessKeyId><SecretAccessKey>s+/=</SecretAccessKey>"            \
    "<SessionToken>t</SessionToken><Expiration>2026-08-22T10:11:12Z</Expiration></Credentials>"

static void sts(void)
{
    static const char *const good =
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
        "  <AssumeRoleResult>\n    <AssumedRoleUser><Arn>arn</Arn></AssumedRoleUser>\n"
        "    " CREDENTIALS_ELEMENT "\n  </AssumeRoleResult>\n"
        "  <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\n</AssumeRoleResponse>";
    static const struct {
        const char *text;
        const char *reason;
    } bad[] = {
        {"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
         "<Message>not authorized</Message></Error></ErrorResponse>",
         "STS says AccessDenied: not authorized"},
        {"<R><Credentials><AccessKeyId>A</AccessKeyId></Credentials></R>", "no credentials"},
        {"<R><Credentials><Expiration>2026-08-22T10:11:12Z</Expiration></Credentials></R>",
         "the access key id is missing"},
        {"<html><body>504</body></html>", "no credentials"},
        {"<html><br></html>", "not the XML of STS: its tags do not match"},
        {"", "not the XML of STS: it is cut"},
    };
    const char *reason;
    const credentials_t *set = credentials_sts_answer_read(pool, good, strlen(good), "x", &reason);
    size_t i;

    OK(set != NULL, "an answer of STS");
    IS(set->access_key_id, "A1", "  the key");
    IS(set->secret_access_key, "s+/=", "  the secret");
    IS(set->session_token, "t", "  the token");
    IS_NUMBER(set->expires, SECONDS(EXPIRY), "  the expiry");
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        set = credentials_sts_answer_read(pool, bad[i].text, strlen(bad[i].text), "x", &reason);
        OK(set == NULL && strstr(reason, bad[i].reason) != NULL, bad[i].reason);
    }
    for (i = 0; i < strlen(good); i++) {
        if (credentials_sts_answer_read(pool, good, i, "x", &reason) != NULL) {
            break;
        }
    }
    IS_NUMBER(i, strlen(good), "a cut answer is none, wherever it is cut");
}

/* ---- when ---- */

static void timing(void)
{
    IS_NUMBER(credentials_timing_refresh(HOURS(6), 0), HOURS(6) - MINUTES(10),
              "6 h: at the latest");
    IS_NUMBER(credentials_timing_refresh(HOURS(6), 1), HOURS(6) - MINUTES(15),
              "  and at the earliest");
    IS_NUMBER(credentials_timing_refresh(SECONDS(6), 0), SECONDS(4), "6 s: at the latest");
    IS_NUMBER(credentials_timing_refresh(SECONDS(6), 1), SECONDS(3), "  and at the earliest");
    IS_NUMBER(credentials_timing_refresh(1000, 0.5), APR_USEC_PER_SEC / 4, "1 ms: not at once");
    IS_NUMBER(credentials_timing_refresh(CREDENTIALS_TIMING_FOREVER, 0), MINUTES(15),
              "for ever: at the earliest");
    IS_NUMBER(credentials_timing_refresh(CREDENTIALS_TIMING_FOREVER, 1), MINUTES(20),
              "  and at the latest");
    IS_NUMBER(credentials_timing_margin(HOURS(6)), SECONDS(10), "margin of 6 h");
    IS_NUMBER(credentials_timing_margin(SECONDS(3)), 300000, "  of 3 s");
    IS_NUMBER(credentials_timing_retry(1, 0, 0), SECONDS(1), "nothing held: the first retry");
    IS_NUMBER(credentials_timing_retry(2, 0, 0), SECONDS(2), "  the second");
    IS_NUMBER(credentials_timing_retry(3, 0, 1), SECONDS(5), "  the third, at the latest");
    IS_NUMBER(credentials_timing_retry(1000000, -HOURS(1), 0), SECONDS(5), "  any later one");
    IS_NUMBER(credentials_timing_retry(1000000, HOURS(1), 0), SECONDS(60), "an hour left");
    IS_NUMBER(credentials_timing_retry(9, CREDENTIALS_TIMING_FOREVER, 0), SECONDS(60), "for ever");
    IS_NUMBER(credentials_timing_retry(9, SECONDS(40), 0), SECONDS(20), "40 s left");
    IS_NUMBER(credentials_timing_retry_stable(HOURS(6), 0), MINUTES(5), "stable: at the earliest");
    IS_NUMBER(credentials_timing_retry_stable(HOURS(6), 1), MINUTES(10), "  and at the latest");
    IS_NUMBER(credentials_timing_retry_stable(SECONDS(6), 0), SECONDS(3), "  scaled down");
    IS_NUMBER(credentials_timing_retry_stable(1, 0), SECONDS(1), "  to a second");
}

int main(void)
{
    (void)apr_initialize();
    (void)apr_pool_create(&pool, NULL);
    time_stamps();
    key_ids_in_the_log();
    sets();
    json();
    xml();
    sts();
    timing();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
