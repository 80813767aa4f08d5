/* aws/credentials_*: each source against a service on loopback, working and broken. */
#include "aws/credentials_container.h"
#include "aws/credentials_imds.h"
#include "credentials_fixture.h"

#include <sys/stat.h>

static char folder[] = "/tmp/credentialsXXXXXX";

static const char *file_with(const char *name, const char *text)
{
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    FILE *file;

    (void)snprintf(path, 256, "%s/%s", folder, name);
    file = fopen(path, "w");
    (void)fputs(text, file);
    (void)fclose(file);
    return path;
}

/* ---- environment ---- */

static const char *no_variable(void *baton, const char *name)
{
    (void)baton;
    (void)name;
    return NULL;
}

static const char *some_variables(void *baton, const char *name)
{
    static const char *const variables[][2] = {{"AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT1"},
                                               {"AWS_SECRET_ACCESS_KEY", "envSECRET"},
                                               {"AWS_SESSION_TOKEN", "  \t"},
                                               {"AWS_DEFAULT_REGION", "eu-west-1"},
                                               {"AWS_PROFILE", "web"},
                                               {"HOME", "/nowhere"},
                                               {"AWS_CONFIG_FILE", "~/other"},
                                               {"AWS_EC2_METADATA_DISABLED", "true"}};
    size_t i;

    (void)baton;
    for (i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        if (strcmp(variables[i][0], name) == 0) {
            return variables[i][1];
        }
    }
    return NULL;
}

static void settings_of_the_environment(void)
{
    begin_without_services();
    credentials_settings_read(&settings, fixture_pool, no_variable, NULL);
    OK(settings.access_key_id == NULL && settings.config_file == NULL && settings.region == NULL,
       "an empty environment says nothing");
    IS(settings.container_base, "http://169.254.170.2", "  but where ECS is");
    settings.profile = "named";
    credentials_settings_read(&settings, fixture_pool, some_variables, NULL);
    IS(settings.profile, "named", "a directive comes before the environment");
    IS(settings.region, "eu-west-1", "AWS_DEFAULT_REGION");
    IS(settings.session_token, NULL, "blank counts as unset");
    IS(settings.config_file, "/nowhere/other", "AWS_CONFIG_FILE in $HOME");
    IS(settings.credentials_file, "/nowhere/.aws/credentials", "the default file");
    OK(settings.config_file_named && !settings.credentials_file_named, "which of them was named");
    OK(credentials_settings_choose(&settings, "Web-Identity") &&
           settings.choice == CREDENTIALS_WEB_IDENTITY,
       "a choice by name");
    OK(credentials_settings_choose(&settings, "imds") && settings.choice == CREDENTIALS_IMDS,
       "  another");
    OK(!credentials_settings_choose(&settings, "sso"), "  none");
    end_without_services();
}

static void environment(void)
{
    question_t question;

    begin_without_services();
    settings.access_key_id = "AKIDENVIRONMENT1";
    settings.secret_access_key = "envSECRET";
    question = ask();
    IS(question.key, "AKIDENVIRONMENT1", "the environment: key");
    IS(question.token, "-", "  no token");
    IS(question.source, "the environment", "  source");
    IS_NUMBER(question.expires, 0, "  no expiry");
    IS_NUMBER(logged("access key AKID...ENT1, expiry: never"), 1, "  in the log");
    pass(HOURS(1));
    IS_NUMBER(logged("CHAT0111"), 1, "  once");
    end_without_services();

    begin_without_services();
    settings.access_key_id = "AKIDENVIRONMENT1";
    settings.imds_disabled = NULL;
    IS(ask().reason,
       "reading the environment: AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not",
       "half of the keys is an error");
    end_without_services();

    begin_without_services();
    IS(ask().reason,
       "AWS_EC2_METADATA_DISABLED is true (before it: AWS_ACCESS_KEY_ID is not set in httpd's "
       "environment; there is no profile \"default\" in the shared files; "
       "AWS_WEB_IDENTITY_TOKEN_FILE is not set; AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and "
       "AWS_CONTAINER_CREDENTIALS_FULL_URI are not set)",
       "nothing at all: every source says why");
    end_without_services();

    begin_without_services();
    settings.choice = CREDENTIALS_ENV;
    IS(ask().reason, "AWS_ACCESS_KEY_ID is not set in httpd's environment",
       "the environment alone");
    end_without_services();
}

/* ---- container ---- */

static const char *expected; /* in the request */
static const char *plain_body;
static const char *plain_status;
static atomic_int broken; /* how many answers are still to fail */

static void answer_container(const char *request, char *answer)
{
    if (atomic_load(&broken) > 0) {
        (void)atomic_fetch_sub(&broken, 1);
        answer_with(answer, "500 Oops", "");
    } else if (expected != NULL && !has(request, expected)) {
        answer_with(answer, "401 Unauthorized", "");
    } else if (plain_body != NULL) {
        answer_with(answer, plain_status, plain_body);
    } else {
        answer_keys(answer, 1, HOURS(6));
    }
}

static void begin_container(void)
{
    expected = NULL;
    plain_body = NULL;
    plain_status = "200 OK";
    atomic_store(&broken, 0);
    begin(answer_container);
}

static void fails_with(const char *text, const char *what)
{
    question_t question = ask();

    if (!OK(has(question.reason, text), what)) {
        printf("#   %s\n", question.reason);
    }
}

static void container(void)
{
    char url[128];

    begin_container();
    settings.container_relative_uri = "/v2/credentials/uuid?a=1";
    settings.container_full_uri = "http://192.0.2.1/";
    settings.container_token = "Bearer authSECRET";
    expected = "\r\nAuthorization: Bearer authSECRET\r\n";
    IS(ask().key, "ASIAEXAMPLE00001", "the container by a relative URI, with a token");
    IS(requests_so_far(), "GET /v2/credentials/uuid?a=1\n", "  the request");
    OK(has(server_request(services), "\r\nAccept: application/json\r\n"), "  asks for JSON");
    end();

    begin_container();
    (void)snprintf(url, sizeof(url), "%s/full", base_url);
    settings.container_full_uri = url;
    settings.container_token = "not this";
    settings.container_token_file = file_with("token", "fileSECRET\n");
    expected = "\r\nAuthorization: fileSECRET\r\n";
    IS(ask().token, "tokenSECRET1", "the container by a full URI, with a token in a file");
    (void)file_with("token", "nextSECRET\r\n");
    expected = "\r\nAuthorization: nextSECRET\r\n";
    pass(HOURS(5) + MINUTES(50) + SECONDS(1));
    while (server_requests(services) < 2) {
        on_loop(do_nothing, NULL);
    }
    OK(has(server_request(services), expected), "  which is read again for each request");
    end();
}

static void token_trouble(void)
{
    begin_container();
    settings.container_relative_uri = "/";
    settings.container_token = "a\r\nX-Evil: SECRET";
    fails_with("from AWS_CONTAINER_AUTHORIZATION_TOKEN: it is empty or has a line break in it",
               "a token with a line break");
    end();
    begin_container();
    settings.container_relative_uri = "/";
    settings.container_token_file = file_with("token", "SECRET\nX-Evil: 1\n");
    fails_with("it is empty or has a line break", "a file with two lines");
    end();
    begin_container();
    settings.container_relative_uri = "/";
    settings.container_token_file = file_with("token", "\n");
    fails_with("it is empty or has a line break", "an empty file");
    end();
    begin_container();
    settings.container_relative_uri = "/";
    settings.container_token_file = "/nonexistent/token";
    fails_with("from /nonexistent/token: No such file or directory; may httpd's user read it?",
               "a file that is not there");
    end();
    begin_container();
    settings.container_relative_uri = "/";
    settings.container_token_file = folder;
    fails_with("it is not a regular file", "a folder");
    IS_NUMBER(server_requests(services), 0, "  and nothing was sent");
    end();
}

static void pipes_are_not_read(void)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/pipe", folder);
    (void)mkfifo(path, 0600);
    begin_container();
    settings.container_relative_uri = "/";
    settings.container_token_file = path;
    fails_with("it is not a regular file", "a pipe that nobody writes to");
    end();
    (void)unlink(path);
}

/* Each try after the first waits for the clock to be put forward: when the answer before was read,
 * or it would run into its time limit. */
static void ask_in_steps(question_t *question, int requests)
{
    int i;

    prepare_question(question);
    on_loop(start_asking, question);
    for (i = 1; i < requests; i++) {
        while (atomic_load(&answered) < i) {
            on_loop(do_nothing, NULL);
        }
        on_loop(do_nothing, NULL);
        on_loop(do_nothing, NULL);
        pass(MS(1100));
    }
    wait_for(&question->done);
    on_loop(do_nothing, NULL);
}

static void container_trouble(void)
{
    static const char *const bodies[][2] = {
        {"", "not JSON"},
        {"<html>", "not JSON"},
        {"{}", "the access key id is missing"},
        {"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"x y SECRET\"}",
         "the secret access key has characters"}};
    static char large[70000];
    question_t question;
    size_t i;

    begin_container();
    settings.container_relative_uri = "/";
    atomic_store(&broken, 2);
    ask_in_steps(&question, 3);
    IS(question.key, "ASIAEXAMPLE00001", "two failures, then an answer");
    end();
    begin_container();
    settings.container_relative_uri = "/";
    atomic_store(&broken, 9);
    ask_in_steps(&question, 3);
    OK(has(question.reason, "HTTP 500"), "three failures are one");
    IS_NUMBER(server_requests(services), 3, "  after three tries");
    end();
    for (i = 0; i < 4; i++) {
        begin_container();
        settings.container_relative_uri = "/";
        plain_body = bodies[i][0];
        fails_with(bodies[i][1], "an answer that is none");
        end();
    }
    begin_container();
    settings.container_relative_uri = "/";
    plain_status = "302 Found\r\nLocation: /elsewhere";
    plain_body = "";
    fails_with("HTTP 302", "a redirect is not followed");
    IS_NUMBER(server_requests(services), 1, "  nor repeated");
    end();
    begin_container();
    settings.container_relative_uri = "/";
    memset(large, 'x', sizeof(large) - 1);
    plain_body = large;
    ask_in_steps(&question, 3);
    OK(has(question.reason, "it is larger than any answer of this kind"), "a large answer");
    end();
}

static void container_urls(void)
{
    static const struct {
        const char *url;
        int allowed;
    } cases[] = {
        {"https://anything.example:8080/credentials?a=b", 1},
        {"https://192.0.2.1/", 1},
        {"HTTP://LOCALHOST:8080/credentials", 1},
        {"http://localhost", 1},
        {"http://127.0.0.1:1/x", 1},
        {"http://127.255.255.254/", 1},
        {"http://[::1]:80/", 1},
        {"http://169.254.170.2/x", 1},
        {"http://169.254.170.23/v1/credentials", 1},
        {"http://[fd00:ec2::23]/v1/credentials", 1},
        {"http://[FD00:0EC2:0:0:0:0:0:23]/v1", 1},
        {"http://127.0.0.1?x", 1},
        {"http://169.254.170.3/", 0},
        {"http://169.254.169.254/", 0},
        {"http://192.0.2.1/", 0},
        {"http://128.0.0.1/", 0},
        {"http://example.com/", 0},
        {"http://localhost.example.com/", 0},
        {"http://localhost@example.com/", 0},
        {"http://127.0.0.1@example.com/", 0},
        {"http://127.0.0.1:80@example.com/", 0},
        {"http://127.0.0.1\\@example.com/", 0},
        {"http://127.0.0.1#@example.com/", 0},
        {"http://127.0.0.1.example.com/", 0},
        {"http://127.1/", 0},
        {"http://2130706433/", 0},
        {"http://0177.0.0.1/", 0},
        {"http://0x7f.0.0.1/", 0},
        {"http://[::ffff:169.254.170.2]/", 0},
        {"http://[::2]/", 0},
        {"http://[fe80::1%25eth0]/", 0},
        {"http://[::1/", 0},
        {"http://::1/", 0},
        {"http://[::1]x/", 0},
        {"http://127.0.0.1:x/", 0},
        {"http://127.0.0.1:123456/", 0},
        {"http:///x", 0},
        {"http://", 0},
        {"http://127.0.0.1/a b", 0},
        {"http://127.0.0.1/\r\nHost: x", 0},
        {"https://a@b/", 0},
        {"https:///", 0},
        {"ftp://127.0.0.1/", 0},
        {"/credentials", 0},
        {"file:///etc/passwd", 0},
        {"", 0},
    };
    static const char *const relative[] = {"x",     "@example.com/", ":80/", ".example.com/",
                                           "/\r\n", "/a b",          "",     "/a#b"};
    const char *problem;
    size_t i;

    begin_without_services();
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *url;

        settings.container_full_uri = cases[i].url;
        url = credentials_container_url(&settings, fixture_pool, &problem);
        OK((url != NULL) == cases[i].allowed && (problem == NULL) == cases[i].allowed,
           apr_psprintf(fixture_pool, "the URI %s is %s", cases[i].allowed ? cases[i].url : "no.",
                        cases[i].allowed ? "allowed" : "not"));
        if ((url != NULL) != cases[i].allowed) {
            printf("#   %s\n", cases[i].url);
        }
    }
    for (i = 0; i < sizeof(relative) / sizeof(relative[0]); i++) {
        settings.container_relative_uri = relative[i];
        OK(credentials_container_url(&settings, fixture_pool, &problem) == NULL,
           "a relative URI that is none");
    }
    settings.container_relative_uri = NULL;
    settings.container_full_uri = "http://192.0.2.1/";
    fails_with("reading AWS_CONTAINER_CREDENTIALS_FULL_URI: http is allowed for localhost",
               "and nothing is sent there");
    end_without_services();
}

/* ---- the instance ---- */

static atomic_int refusals; /* of a token: how many more */
static const char *role_answer;
static const char *token_answer;
static int has_region;

static void answer_imds(const char *request, char *answer)
{
    if (has(request, "PUT /latest/api/token ")) {
        if (!has(request, "\r\nX-aws-ec2-metadata-token-ttl-seconds: 21600\r\n")) {
            answer_with(answer, "400 Bad Request", "");
        } else if (token_answer[0] == '!') {
            answer_with(answer, token_answer + 1, "");
        } else {
            answer_with(answer, "200 OK", token_answer);
        }
    } else if (!has(request, "\r\nX-aws-ec2-metadata-token: imdsSECRET==\r\n") ||
               atomic_fetch_sub(&refusals, 1) > 0) {
        answer_with(answer, "401 Unauthorized", "");
    } else if (has(request, "/security-credentials/ ")) {
        if (role_answer[0] == '!') {
            answer_with(answer, role_answer + 1, "");
        } else {
            answer_with(answer, "200 OK", role_answer);
        }
    } else if (has(request, "/security-credentials/chat ")) {
        answer_container(request, answer);
    } else if (has(request, "/placement/region ") && has_region) {
        answer_with(answer, "200 OK", "eu-central-1");
    } else if (has(request, "/placement/availability-zone/ ")) {
        answer_with(answer, "200 OK", "eu-central-1b");
    } else {
        answer_with(answer, "404 Not Found", "<html>");
    }
}

static void begin_imds(void)
{
    begin_container();
    answering = answer_imds;
    atomic_store(&refusals, 0);
    role_answer = "chat\n";
    token_answer = "imdsSECRET==";
    has_region = 1;
    settings.imds_disabled = NULL;
    settings.imds_endpoint = base_url;
    settings.choice = CREDENTIALS_IMDS;
}

static void instance(void)
{
    question_t question;

    begin_imds();
    question = ask();
    IS(question.key, "ASIAEXAMPLE00001", "the instance's role");
    IS(question.source, "the instance's role", "  and that is its name");
    IS(requests_so_far(),
       "PUT /latest/api/token\nGET /latest/meta-data/iam/security-credentials/\n"
       "GET /latest/meta-data/iam/security-credentials/chat\n",
       "  the requests");
    end();
    begin_imds();
    settings.choice = CREDENTIALS_AUTO;
    IS(ask().key, "ASIAEXAMPLE00001", "  as the last of all sources");
    end();
    begin_imds();
    atomic_store(&refusals, 1);
    IS(ask().key, "ASIAEXAMPLE00001", "a token that has expired");
    IS_NUMBER(server_requests(services), 5, "  is renewed");
    end();
    begin_imds();
    atomic_store(&refusals, 9);
    fails_with("HTTP 401", "  once");
    IS_NUMBER(server_requests(services), 4, "  not for ever");
    end();
}

static void instance_trouble(void)
{
    int port;
    int listener = listen_somewhere(1, &port);
    char url[64];
    question_t question;

    begin_imds();
    role_answer = "!404 Not Found";
    fails_with("the instance has no role: attach an instance profile", "no role");
    end();
    begin_imds();
    role_answer = "../../user-data";
    fails_with("what came is no role's name", "a name that is none");
    end();
    begin_imds();
    token_answer = "!403 Forbidden";
    fails_with("for a session token: HTTP 403: refused; are the instance's metadata options",
               "metadata that is switched off");
    end();
    begin_imds();
    token_answer = "x\r\nEvil: SECRET";
    fails_with("what came is none", "a token that is none");
    end();
    begin_imds();
    plain_body = "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"m\"}";
    fails_with("HTTP 200: the service says AssumeRoleUnauthorizedAccess: m",
               "a success that is not");
    end();
    begin_imds();
    settings.imds_disabled = "TRUE";
    fails_with("AWS_EC2_METADATA_DISABLED is true", "switched off by the environment");
    IS_NUMBER(server_requests(services), 0, "  nothing is sent");
    end();

    /* It takes the connection and says nothing, as with a hop limit of 1. */
    begin_imds();
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
    settings.imds_endpoint = url;
    prepare_question(&question);
    on_loop(start_asking, &question);
    while (sem_trywait(&question.done) != 0) {
        pass(MS(100));
    }
    OK(has(question.reason, "the instance's metadata hop limit must be 2"), "no answer in time");
    end();
    (void)close(listener);
    begin_imds();
    settings.imds_endpoint = url;
    fails_with("is this an EC2 instance?", "no service there");
    end();
}

static void on_region(void *baton, const char *region, const char *reason)
{
    question_t *question = baton;

    (void)snprintf(question->key, sizeof(question->key), "%s", region != NULL ? region : "-");
    (void)snprintf(question->reason, sizeof(question->reason), "%s", reason != NULL ? reason : "-");
    (void)sem_post(&question->done);
}

static credentials_fetch_t fetch;

static void start_region(void *baton)
{
    credentials_imds_region(&fetch, on_region, baton);
}

static question_t ask_region(void)
{
    question_t question;

    memset(&fetch, 0, sizeof(fetch));
    fetch.loop = loop;
    fetch.settings = &settings;
    (void)apr_pool_create(&fetch.pool, NULL);
    prepare_question(&question);
    on_loop(start_region, &question);
    wait_for(&question.done);
    on_loop(do_nothing, NULL);
    apr_pool_destroy(fetch.pool);
    return question;
}

static void region(void)
{
    begin_imds();
    IS(ask_region().key, "eu-central-1", "the instance's region");
    IS(requests_so_far(), "PUT /latest/api/token\nGET /latest/meta-data/placement/region\n",
       "  the requests");
    has_region = 0;
    IS(ask_region().key, "eu-central-1", "  by its zone, when that is all there is");
    token_answer = "!403 Forbidden";
    OK(has(ask_region().reason, "for a session token: HTTP 403"), "  or not at all");
    settings.imds_disabled = "true";
    IS(ask_region().reason, "AWS_EC2_METADATA_DISABLED is true", "  or not wanted");
    end();
}

/* ---- web identity ---- */

static void answer_sts(const char *request, char *answer)
{
    char body[2048];

    if (atomic_load(&broken) > 0) {
        (void)atomic_fetch_sub(&broken, 1);
        answer_with(answer, "400 Bad Request",
                    "<ErrorResponse><Error><Code>IDPCommunicationError</Code></Error>"
                    "</ErrorResponse>");
    } else if (expected != NULL && !has(request, expected)) {
        answer_with(answer, "403 Forbidden",
                    "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
                    "<Message>Not authorized</Message></Error></ErrorResponse>");
    } else {
        (void)snprintf(body, sizeof(body),
                       "<R><X><Credentials><AccessKeyId>ASIAROLE00000001</AccessKeyId>"
                       "<SecretAccessKey>roleSECRET</SecretAccessKey>"
                       "<SessionToken>sessionSECRET</SessionToken>"
                       "<Expiration>2036-08-22T16:00:00Z</Expiration></Credentials></X></R>");
        answer_with(answer, "200 OK", body);
    }
}

static void begin_sts(void)
{
    begin_container();
    answering = answer_sts;
    settings.region = "eu-west-1";
    settings.sts.url = base_url;
    settings.web_identity_token_file = file_with("jwt", " jwt.SECRET+/=\n");
    settings.role_arn = "arn:aws:iam::123456789012:role/chat";
    settings.container_relative_uri = "/not-asked";
}

static void web_identity(void)
{
    question_t question;

    begin_sts();
    settings.role_session_name = "httpd@host";
    question = ask();
    IS(question.key, "ASIAROLE00000001", "web identity");
    IS(question.source, "the role arn:aws:iam::123456789012:role/chat (web identity)",
       "  its source");
    OK(has(server_request(services),
           "\r\n\r\nAction=AssumeRoleWithWebIdentity&Version=2011-06-15&"
           "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fchat&RoleSessionName=httpd%40host&"
           "WebIdentityToken=jwt.SECRET%2B%2F%3D"),
       "  the request");
    OK(!has(server_request(services), "Authorization"), "  is not signed");
    IS(requests_so_far(), "POST /\n", "  nobody else is asked");
    end();
    begin_sts();
    atomic_store(&broken, 2);
    ask_in_steps(&question, 3);
    IS(question.key, "ASIAROLE00000001", "an identity provider that is slow is asked again");
    end();
    begin_sts();
    expected = "never";
    fails_with("AssumeRoleWithWebIdentity of arn:aws:iam::123456789012:role/chat (web identity) at "
               "http://127.0.0.1:",
               "refused: the phase");
    fails_with("HTTP 403: STS says AccessDenied: Not authorized; allow it in the role's trust",
               "  the reason");
    IS_NUMBER(server_requests(services), 1, "  no other try, and no other source");
    end();
}

static void web_identity_trouble(void)
{
    begin_sts();
    settings.role_arn = NULL;
    fails_with("AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not", "half of it");
    end();
    begin_sts();
    settings.role_arn = "chat";
    fails_with("the role is no ARN like", "a role that is none");
    end();
    begin_sts();
    settings.role_session_name = "a b";
    fails_with("the role session name is not", "a session name that is none");
    end();
    begin_sts();
    settings.web_identity_token_file = file_with("jwt", "abc\n");
    fails_with("it has not 4 to 20000 characters", "a token that is none");
    end();
    begin_sts();
    settings.web_identity_token_file = "/nonexistent/jwt";
    fails_with("reading the web identity token /nonexistent/jwt: No such file", "no token");
    end();
    begin_sts();
    settings.region = NULL;
    fails_with("no region for STS: set ChatbotAWSRegion", "no region");
    IS_NUMBER(server_requests(services), 0, "  and nothing was sent");
    end();
    begin_sts();
    settings.sts.url = NULL;
    settings.region = "not a region";
    fails_with("a region looks like us-east-1", "a region that is none");
    end();
    begin_sts();
    settings.choice = CREDENTIALS_WEB_IDENTITY;
    settings.web_identity_token_file = NULL;
    fails_with("AWS_WEB_IDENTITY_TOKEN_FILE is not set", "chosen, but not set up");
    end();
}

int main(void)
{
    if (mkdtemp(folder) == NULL) {
        printf("Bail out! no folder\n");
        return 1;
    }
    credentials_fixture_begin();
    settings_of_the_environment();
    environment();
    container();
    token_trouble();
    pipes_are_not_read();
    container_trouble();
    container_urls();
    instance();
    instance_trouble();
    region();
    web_identity();
    web_identity_trouble();
    OK(1, "no secret was in the log");
    (void)unlink(file_with("token", ""));
    (void)unlink(file_with("jwt", ""));
    (void)rmdir(folder);
    return tap_done();
}
