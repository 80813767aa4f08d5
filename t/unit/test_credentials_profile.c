/* aws/credentials_profile: keys of a profile, and roles that are assumed one after the other. */
#include "credentials_fixture.h"

#include <sys/stat.h>

static char folder[] = "/tmp/credentialsXXXXXX";
static char config_path[64];
static char credentials_path[64];
static char token_path[64];

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    (void)fputs(text, file);
    (void)fclose(file);
}

/* The answer names the role, so that the next hop can be told by the key it is signed with. */
static void answer_role(const char *request, char *answer)
{
    const char *role = strstr(request, "role%2F");
    int length = role != NULL ? (int)strspn(role + 7, "abcdefghijklmnopqrstuvwxyz") : 0;
    char body[1024];

    (void)snprintf(body, sizeof(body),
                   "<R><Credentials><AccessKeyId>ASIA.%.*s</AccessKeyId>"
                   "<SecretAccessKey>roleSECRET</SecretAccessKey>"
                   "<SessionToken>sessionSECRET</SessionToken>"
                   "<Expiration>2026-08-23T09:00:00Z</Expiration></Credentials></R>",
                   length, length > 0 ? role + 7 : "");
    answer_with(answer, "200 OK", body);
}

static void answer_all(const char *request, char *answer)
{
    if (has(request, "POST /")) {
        answer_role(request, answer);
    } else if (has(request, "PUT /latest/api/token ")) {
        answer_with(answer, "200 OK", "imdsSECRET");
    } else if (has(request, "/security-credentials/ ")) {
        answer_with(answer, "200 OK", "chat");
    } else {
        answer_keys(answer, has(request, "/security-credentials/chat ") ? 22222 : 11111, HOURS(6));
    }
}

static void begin_profile(const char *config, const char *credentials)
{
    begin(answer_all);
    write_file(config_path, config);
    write_file(credentials_path, credentials);
    settings.config_file = config_path;
    settings.credentials_file = credentials_path;
    settings.config_file_named = 1;
    settings.credentials_file_named = 1;
    settings.sts.url = base_url;
}

static void fails_with(const char *config, const char *profile, const char *reason)
{
    question_t question;

    begin_profile(config, "");
    settings.profile = profile;
    question = ask();
    if (!OK(has(question.reason, reason), reason)) {
        printf("#   %s\n", question.reason);
    }
    IS_NUMBER(server_requests(services), 0, "  and nothing is sent");
    end();
}

static void keys(void)
{
    question_t question;

    begin_profile("[default]\nregion = eu-west-1\n",
                  "[default]\naws_access_key_id = AKIDDEFAULT00001\n"
                  "aws_secret_access_key = fileSECRET\naws_session_token = fileSECRET2\n"
                  "[other]\naws_access_key_id = AKIDOTHER0000001\n"
                  "aws_secret_access_key = otherSECRET\n");
    question = ask();
    IS(question.key, "AKIDDEFAULT00001", "the default profile's keys");
    IS(question.secret, "fileSECRET", "  the secret");
    IS(question.token, "fileSECRET2", "  the token");
    IS(question.source, "the profile \"default\"", "  the source");
    IS_NUMBER(question.expires, 0, "  which never expire");
    write_file(credentials_path, "[default]\naws_access_key_id = AKIDNEXT00000001\n"
                                 "aws_secret_access_key = nextSECRET\n");
    pass(MINUTES(20) + SECONDS(1));
    while (strcmp(ask().key, "AKIDNEXT00000001") != 0) {
        on_loop(do_nothing, NULL);
    }
    IS(ask().secret, "nextSECRET", "  but are read again when the file changes");
    write_file(credentials_path, "[default\n");
    pass(MINUTES(20) + SECONDS(1));
    while (logged("CHAT0113") == 0) {
        on_loop(do_nothing, NULL);
    }
    IS(ask().key, "AKIDNEXT00000001", "  and stay when the file is broken");
    end();

    begin_profile("", "[other]\naws_access_key_id = AKIDOTHER0000001\n"
                      "aws_secret_access_key = otherSECRET\n");
    settings.profile = "other";
    IS(ask().key, "AKIDOTHER0000001", "another profile's keys");
    end();
}

#define BASE                                                                                       \
    "[profile base]\naws_access_key_id = AKIDBASE00000001\naws_secret_access_key = baseSECRET\n"
#define ROLE(name) "[profile " #name "]\nrole_arn = arn:aws:iam::123456789012:role/" #name "\n"

static void one_role(void)
{
    question_t question;
    const char *request;

    begin_profile(ROLE(web) "source_profile = base\nexternal_id = a/b\nregion = eu-west-1\n"
                            "role_session_name = me\nduration_seconds = 900\n" BASE,
                  "");
    settings.profile = "web";
    question = ask();
    request = server_request(services);
    IS(question.key, "ASIA.web", "a role that a profile's keys assume");
    IS(question.token, "sessionSECRET", "  its token");
    IS(question.source, "the role arn:aws:iam::123456789012:role/web (profile web)",
       "  its source");
    OK(has(request, "\r\n\r\nAction=AssumeRole&Version=2011-06-15&"
                    "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fweb&RoleSessionName=me&"
                    "DurationSeconds=900&ExternalId=a%2Fb"),
       "  the request");
    OK(has(request, "\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIDBASE00000001/20260822/"
                    "eu-west-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date, "
                    "Signature="),
       "  is signed with them, for the profile's region");
    OK(has(request, "\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"),
       "  as a form");
    end();
}

static void roles_after_roles(void)
{
    const char *request;

    begin_profile(ROLE(outer) "source_profile = inner\n" ROLE(inner) "source_profile = base\n" BASE,
                  "");
    settings.profile = "outer";
    settings.region = "us-east-1";
    IS(ask().key, "ASIA.outer", "a role that another role assumes");
    IS_NUMBER(server_requests(services), 2, "  by two requests");
    request = server_request(services);
    OK(has(request, "Credential=ASIA.inner/20260822/us-east-1/"), "  with the other's credentials");
    OK(has(request, "\r\nX-Amz-Security-Token: sessionSECRET\r\n"), "  and its token");
    OK(has(request, "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token"),
       "  which is signed");
    end();

    begin_profile(ROLE(self) "source_profile = self\naws_access_key_id = AKIDSELF00000001\n"
                             "aws_secret_access_key = selfSECRET\nregion = eu-west-1\n",
                  "");
    settings.profile = "self";
    IS(ask().key, "ASIA.self", "a profile that names itself and has keys");
    OK(has(server_request(services), "Credential=AKIDSELF00000001/"), "  uses them");
    end();

    begin_profile(ROLE(outer) "source_profile = inner\nregion = eu-west-1\n" ROLE(
                      inner) "source_profile = base\naws_access_key_id = AKIDINNER0000001\n"
                             "aws_secret_access_key = innerSECRET\n" BASE,
                  "");
    settings.profile = "outer";
    IS(ask().key, "ASIA.outer", "a source profile with a role and keys");
    OK(has(server_request(services), "Credential=AKIDINNER0000001/"), "  gives its keys");
    IS_NUMBER(server_requests(services), 1, "  alone");
    end();
}

static void credential_sources(void)
{
    static const char *const sources[][2] = {{"Environment", "AKIDENV000000001"},
                                             {"EcsContainer", "ASIAEXAMPLE11111"},
                                             {"Ec2InstanceMetadata", "ASIAEXAMPLE22222"}};
    char config[512];
    char credential[64];
    size_t i;

    for (i = 0; i < 3; i++) {
        (void)snprintf(config, sizeof(config), "%scredential_source = %s\nregion = eu-west-1\n",
                       ROLE(web), sources[i][0]);
        begin_profile(config, "");
        settings.choice = CREDENTIALS_PROFILE;
        settings.profile = "web";
        settings.access_key_id = "AKIDENV000000001";
        settings.secret_access_key = "envSECRET";
        settings.container_relative_uri = "/container";
        settings.imds_disabled = NULL;
        settings.imds_endpoint = base_url;
        IS(ask().key, "ASIA.web", sources[i][0]);
        (void)snprintf(credential, sizeof(credential), "Credential=%s/", sources[i][1]);
        OK(has(server_request(services), credential), "  assumes the role");
        end();
    }
    begin_profile(ROLE(web) "credential_source = Environment\nregion = eu-west-1\n", "");
    settings.profile = "web";
    OK(has(ask().reason, "reading the profile \"web\": AWS_ACCESS_KEY_ID is not set"),
       "a source that has none is an error");
    end();
}

static void web_identity(void)
{
    char config[512];

    (void)snprintf(config, sizeof(config), "%sweb_identity_token_file = %s\nregion = eu-west-1\n%s",
                   ROLE(web), token_path, ROLE(outer) "source_profile = web\n");
    write_file(token_path, "jwt.SECRET\n");
    begin_profile(config, "");
    settings.profile = "web";
    IS(ask().key, "ASIA.web", "web identity in a profile");
    OK(has(server_request(services), "&WebIdentityToken=jwt.SECRET"), "  by its token");
    OK(!has(server_request(services), "Authorization"), "  unsigned");
    end();
    begin_profile(config, "");
    settings.profile = "outer";
    settings.region = "eu-west-1";
    IS(ask().key, "ASIA.outer", "  for another role");
    OK(has(server_request(services), "Credential=ASIA.web/"), "  that it assumes");
    end();
}

static void instance_by_profile(void)
{
    char config[256];

    begin_profile("", "");
    (void)snprintf(config, sizeof(config), "[default]\nec2_metadata_service_endpoint = %s/\n",
                   base_url);
    write_file(config_path, config);
    settings.imds_disabled = NULL;
    IS(ask().key, "ASIAEXAMPLE22222", "where the instance metadata service is, in a profile");
    end();
    begin_profile("[broken\n", "");
    settings.imds_disabled = NULL;
    settings.imds_endpoint = base_url;
    settings.choice = CREDENTIALS_IMDS;
    IS(ask().key, "ASIAEXAMPLE22222", "  and broken files, when it alone was chosen");
    end();
    begin_profile("[default]\nregion = eu-west-1\n", "");
    settings.container_relative_uri = "/container";
    IS(ask().key, "ASIAEXAMPLE11111", "a default profile without credentials is passed over");
    end();
    begin_profile("[profile web]\nregion = eu-west-1\n", "");
    settings.profile = "web";
    settings.container_relative_uri = "/container";
    IS(ask().key, "ASIAEXAMPLE11111", "  and a named one");
    end();
}

static void misconfigured(void)
{
    static char many[4096];
    size_t length = 0;
    int i;

    fails_with("", "web",
               "reading the profile \"web\": it is in neither of the shared files, or they are");
    fails_with(ROLE(a) "source_profile = b\n" ROLE(b) "source_profile = a\n", "a",
               "reading the profile \"b\": its source_profile \"a\" leads back to itself, a loop");
    fails_with(ROLE(a) "source_profile = b\n" ROLE(b) "source_profile = c\n" ROLE(
                   c) "source_profile = b\n",
               "a", "reading the profile \"c\": its source_profile \"b\" leads back to itself");
    fails_with(ROLE(a) "source_profile = a\n", "a",
               "reading the profile \"a\": it names itself as source_profile, but has no keys");
    fails_with(ROLE(a) "source_profile = b\n", "a", "its source_profile \"b\" is not there");
    fails_with(ROLE(a) "source_profile = b\n[profile b]\nregion = x\n", "a",
               "reading the profile \"b\": it is a source_profile, but has no credentials");
    fails_with(ROLE(a), "a",
               "it has role_arn, but neither source_profile, credential_source nor "
               "web_identity_token_file");
    fails_with(ROLE(a) "source_profile = base\ncredential_source = Environment\n" BASE, "a",
               "it has both source_profile and credential_source");
    fails_with(ROLE(a) "credential_source = Vault\n", "a",
               "its credential_source is not Environment, EcsContainer or Ec2InstanceMetadata");
    fails_with(ROLE(a) "source_profile = base\nmfa_serial = arn\n" BASE, "a",
               "mfa_serial is not supported");
    fails_with("[profile a]\nsso_session = s\n", "a", "sso_session is not supported: single sign");
    fails_with("[profile a]\nsso_start_url = s\n", "a", "sso_start_url is not supported");
    fails_with("[profile a]\ncredential_process = x\n", "a", "credential_process is not supported");
    fails_with("[profile a]\nlogin_session = x\n", "a", "login_session is not supported");
    fails_with(ROLE(a) "source_profile = b\n[profile b]\ncredential_process = x\n", "a",
               "reading the profile \"b\": credential_process is not supported");
    fails_with("[profile a]\naws_access_key_id = AKID\n", "a",
               "reading the profile \"a\": the secret access key is missing");
    fails_with("[profile a]\nweb_identity_token_file = /x\n", "a", "but no role_arn");
    fails_with(ROLE(a) "source_profile = base\n" BASE, "a", "no region for STS");
    fails_with(ROLE(a) "source_profile = base\nregion = eu-west-1\nduration_seconds = 5\n" BASE,
               "a", "duration_seconds is not between 900 and 43200");
    fails_with("x = y\n", NULL, "/config: line 1:");
    for (i = 0; i < 12; i++) {
        length += (size_t)snprintf(many + length, sizeof(many) - length,
                                   "[profile p%d]\nrole_arn = arn:aws:iam::123456789012:role/x\n"
                                   "source_profile = p%d\n",
                                   i, i + 1);
    }
    (void)snprintf(many + length, sizeof(many) - length, "[profile p12]\n");
    fails_with(many, "p0", "more than 8 profiles lead to one another");
}

static void files_that_are_not_read(void)
{
    begin_profile("", "");
    settings.config_file = "/nonexistent/config";
    settings.credentials_file = NULL;
    settings.container_relative_uri = "/container";
    IS(ask().key, "ASIAEXAMPLE11111", "files that are not there are no error");
    end();
    begin_profile("", "");
    settings.config_file = folder;
    settings.container_relative_uri = "/container";
    OK(has(ask().reason, ": it is not a regular file"), "a folder is one");
    end();
}

static void unlink_all(void)
{
    (void)unlink(config_path);
    (void)unlink(credentials_path);
    (void)unlink(token_path);
    (void)rmdir(folder);
}

int main(void)
{
    if (mkdtemp(folder) == NULL) {
        printf("Bail out! no folder\n");
        return 1;
    }
    (void)snprintf(config_path, sizeof(config_path), "%s/config", folder);
    (void)snprintf(credentials_path, sizeof(credentials_path), "%s/credentials", folder);
    (void)snprintf(token_path, sizeof(token_path), "%s/token", folder);
    credentials_fixture_begin();
    keys();
    one_role();
    roles_after_roles();
    credential_sources();
    web_identity();
    instance_by_profile();
    misconfigured();
    files_that_are_not_read();
    OK(1, "no secret was in the log");
    unlink_all();
    return tap_done();
}
