/* aws/s3: where objects are, how they are put, and what S3's answers mean. */
#include "aws/call_error.h"
#include "aws/s3.h"
#include "base/clock.h"

#include "loop_server.h"

#include <apr_strings.h>

/* ---- where ---- */

static void address(const char *origin, const char *host, int own, const char *bucket,
                    const char *key, const char *expected)
{
    const endpoint_t service = {.origin = origin,
                                .host = host,
                                .prefix = "",
                                .region = "eu-west-1",
                                .signing_name = "s3",
                                .own = own};
    s3_address_t made;
    char got[1024];

    OK(s3_address_make(&made, &service, bucket, key), "an address is made");
    (void)snprintf(got, sizeof(got), "%s %s%s", made.endpoint.host, made.endpoint.origin,
                   buffer_text(&made.path));
    IS(got, expected, bucket);
    s3_address_free(&made);
}

static void addresses(void)
{
    address("https://s3.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com", 0, "files",
            "a/b.txt",
            "files.s3.eu-west-1.amazonaws.com https://files.s3.eu-west-1.amazonaws.com/a/b.txt");
    address("https://s3.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com", 0, "my.files", "a",
            "s3.eu-west-1.amazonaws.com https://s3.eu-west-1.amazonaws.com/my.files/a");
    address("http://127.0.0.1:9000", "127.0.0.1:9000", 1, "files", "a b/../\303\274%+~//x",
            "127.0.0.1:9000 http://127.0.0.1:9000/files/a%20b/../%C3%BC%25%2B~//x");
}

static void bucket_names(void)
{
    OK(s3_is_bucket("abc") && s3_is_bucket("a-b.c9") && s3_is_bucket("123"), "names of buckets");
    OK(!s3_is_bucket("ab") && !s3_is_bucket("") && !s3_is_bucket("Abc") && !s3_is_bucket("a_b") &&
           !s3_is_bucket("-ab") && !s3_is_bucket("ab.") && !s3_is_bucket("a..b") &&
           !s3_is_bucket("a/b"),
       "and of none");
    OK(s3_is_bucket("a23456789012345678901234567890123456789012345678901234567890123"), "63");
    OK(!s3_is_bucket("a234567890123456789012345678901234567890123456789012345678901234"), "64");
}

static void error_bodies(void)
{
    static const char body[] =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchBucket</Code>"
        "<Message>It &lt;is&gt; not there</Message><Detail><Code>x</Code></Detail></Error>";
    char code[CALL_ERROR_CODE_MAX] = "";
    char message[256] = "old";

    call_error_read(code, message, sizeof(message), body, sizeof(body) - 1);
    IS(code, "NoSuchBucket", "the code of an XML error");
    IS(message, "It <is> not there", "its message");
    call_error_read(code, message, sizeof(message), body, sizeof(body) - 9);
    IS(message, "", "a cut one says nothing");
    IS(code, "NoSuchBucket", "and leaves the code");
    code[0] = '\0';
    call_error_read(code, message, sizeof(message), "<html><Error></html>", 20);
    IS(code, "", "a proxy's page has none");
}

/* ---- putting ---- */

static const char *answers[3];
static int answered;

static void serve(server_t *server)
{
    int fd;

    while ((fd = server_accept(server)) >= 0) {
        if (server_read(server, fd) && answered < 3 && answers[answered] != NULL) {
            server_write(fd, answers[answered++]);
        } else {
            server_await_end(fd);
        }
        server_close(server, fd);
    }
}

#define ANSWER(status, body)                                                                       \
    "HTTP/1.1 " status "\r\nConnection: close\r\nx-amz-request-id: REQ1\r\n"                       \
    "Content-Length: " body
#define STORED ANSWER("200 OK", "0\r\n\r\n")
#define SLOW   ANSWER("503 Slow Down", "41\r\n\r\n<Error><Code>SlowDown</Code></Error>     ")
#define TAKEN  ANSWER("412 Taken", "47\r\n\r\n<Error><Code>PreconditionFailed</Code></Error>\n")
#define FORBIDS                                                                                    \
    ANSWER("403 No", "64\r\n\r\n<Error><Code>AccessDenied</Code><Message>No.</Message>"            \
                     "</Error>\n")

static server_t *server;
static endpoint_t endpoint;
static call_client_t client;
static credentials_settings_t settings;
static s3_put_t *put;
static s3_object_t object;
static s3_result_t result;
static char code[64];
static char reason[512];
static char request_id[64];
static sem_t done;

static void on_end(void *baton, const s3_result_t *told)
{
    (void)baton;
    result = *told;
    (void)snprintf(code, sizeof(code), "%s", told->code);
    (void)snprintf(reason, sizeof(reason), "%s", told->reason);
    (void)snprintf(request_id, sizeof(request_id), "%s", told->aws_request_id);
    (void)sem_post(&done);
}

static void start_put(void *baton)
{
    const s3_owner_t owner = {on_end, NULL};

    object.deadline = clock_monotonic() + MS(60000);
    *(int *)baton = s3_put_start(&put, &client, &object, &owner);
}

static const char *variable(void *baton, const char *name)
{
    (void)baton;
    if (strcmp(name, "AWS_ACCESS_KEY_ID") == 0) {
        return "AKIDEXAMPLE";
    }
    return strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0 ? "secret" : NULL;
}

static void begin(const char *first, const char *second)
{
    static const endpoint_options_t none;
    endpoint_options_t own = none;

    answers[0] = first;
    answers[1] = second;
    answered = 0;
    (void)sem_init(&done, 0, 0);
    server = server_start(serve);
    start_loop();
    memset(&settings, 0, sizeof(settings));
    memset(&client, 0, sizeof(client));
    credentials_settings_read(&settings, fixture_pool, variable, NULL);
    own.url = apr_psprintf(fixture_pool, "http://127.0.0.1:%d", server->port);
    (void)endpoint_resolve(&endpoint, fixture_pool, endpoint_service("s3"), "eu-west-1", &own);
    client.loop = loop;
    client.service = "s3";
    client.endpoint = &endpoint;
    client.credentials = credentials_create(loop, &settings, fixture_pool);
    client.keys = sigv4_keys_create(fixture_pool);
    retry_bucket_fill(&client.bucket, RETRY_BUCKET_TOKENS);
    object = (s3_object_t){.bucket = "files",
                           .key = "up/load one.txt",
                           .content_type = "text/plain",
                           .body = "123456789",
                           .body_length = 9};
}

static int run(void)
{
    int started = 0;

    on_loop(start_put, &started);
    if (started) {
        wait_for(&done);
    }
    return started;
}

static void end(void)
{
    stop_loop();
    server_stop(server);
}

static void one_put(void)
{
    const char *request;

    begin(STORED, NULL);
    OK(run() && result.stored && result.end == CALL_OK, "an object is stored");
    IS(request_id, "REQ1", "S3's id of the request");
    request = server_request(server);
    OK(strstr(request, "PUT /files/up/load%20one.txt HTTP/1.1\r\n") == request, "where it goes");
    OK(strstr(request, "\r\nContent-Type: text/plain\r\n") != NULL, "its type");
    OK(strstr(request, "\r\nContent-Length: 9\r\n") != NULL, "its length");
    OK(strstr(request, "\r\nIf-None-Match: *\r\n") != NULL, "only if it is new");
    OK(strstr(request, "\r\nx-amz-checksum-crc32: y/Q5Jg==\r\n") != NULL, "its CRC-32");
    OK(strstr(request,
              "\r\nX-Amz-Content-Sha256: "
              "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225\r\n") != NULL,
       "its hash");
    OK(strstr(request, "SignedHeaders=content-type;host;x-amz-checksum-crc32;x-amz-content-sha256;"
                       "x-amz-date,") != NULL,
       "which are signed");
    end();
}

static void answers_of_s3(void)
{
    begin(SLOW, STORED);
    OK(run() && result.stored, "slowed down, and put again");
    end();
    begin(SLOW, TAKEN);
    OK(run() && result.stored && result.end == CALL_OK,
       "what a repeated put finds is its own object");
    end();
    begin(TAKEN, NULL);
    OK(run() && !result.stored && result.end == CALL_REFUSED, "a key that was taken before is not");
    IS(code, "PreconditionFailed", "by its name");
    end();
    begin(FORBIDS, NULL);
    OK(run() && !result.stored, "a put that is refused");
    IS(code, "AccessDenied", "by its name");
    OK(strstr(reason, "No.") != NULL, "in S3's words");
    end();
}

static void cancel_put(void *baton)
{
    (void)baton;
    s3_put_cancel(put);
}

static void never_started(void)
{
    int started = 0;

    begin(NULL, NULL);
    object.content_type = "text/plain\r\nX-Evil: 1";
    OK(!run(), "a type that would be two headers");
    object.content_type = "text/plain";
    on_loop(start_put, &started);
    on_loop(cancel_put, NULL);
    end();
    OK(started && sem_trywait(&done) != 0, "a put that is cancelled says nothing");
}

int main(void)
{
    fixture_begin();
    addresses();
    bucket_names();
    error_bodies();
    one_put();
    answers_of_s3();
    never_started();
    return tap_done();
}
