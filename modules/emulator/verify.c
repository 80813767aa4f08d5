#include "emulator/verify.h"

#include "base/text.h"
#include "emulator/canonical.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ALGORITHM      "AWS4-HMAC-SHA256"
#define DIGEST_BYTES   32
#define DIGEST_HEX     (2 * DIGEST_BYTES)
#define STAMP_LENGTH   16 /* 20260131T123456Z */
#define SKEW_SECONDS   300
#define FIELD_MAX      2048
#define SCOPE_PARTS    5
#define CANONICAL_MAX  (512 * 1024)
#define MESSAGE_MAX    (16 * 1024)
#define BAD_SIGNATURE  "InvalidSignatureException"
#define BAD_TOKEN      "UnrecognizedClientException"
#define EXPIRED_TOKEN  "ExpiredTokenException"
#define INCOMPLETE     "IncompleteSignatureException"
#define MISSING_TOKEN  "MissingAuthenticationTokenException"
#define TOKEN_HEADER   "x-amz-security-token"
#define CONTENT_HEADER "x-amz-content-sha256"
#define STREAMING      "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

/* The Authorization header taken apart. */
typedef struct {
    char credential[FIELD_MAX];
    char signed_headers[FIELD_MAX];
    char signature[FIELD_MAX];
    char *scope[SCOPE_PARTS]; /* key id, date, region, service, terminator: cut from `split` */
    char split[FIELD_MAX];
} authorization_t;

typedef struct {
    const http_request_t *request;
    const verify_authority_t *authority;
    const verify_rules_t *rules;
    verify_result_t *result;
    authorization_t authorization;
    const char *secret; /* of the key that the request names */
    const char *token;  /* NULL: the key has none */
    const char *stamp;
    char payload_hash[DIGEST_HEX + 1];
} check_t;

static int refuse(check_t *check, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(check_t *check, const char *code, const char *format, ...)
{
    char text[FIELD_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    check->result->code = code;
    (void)buffer_puts(&check->result->message, text);
    return 0;
}

/* ---- the Authorization header ---- */

/* The value of `name=` among the comma-separated fields, into `to`; 0 when it is absent. */
static int take_field(const char *fields, const char *name, char *to)
{
    size_t name_length = strlen(name);

    while (*fields != '\0') {
        size_t length;
        fields += strspn(fields, " ,");
        length = strcspn(fields, " ,");
        if (length > name_length && length - name_length < FIELD_MAX &&
            strncmp(fields, name, name_length) == 0) {
            memcpy(to, fields + name_length, length - name_length);
            to[length - name_length] = '\0';
            return 1;
        }
        fields += length;
    }
    return 0;
}

static int split_scope(authorization_t *authorization)
{
    char *at = authorization->split;
    int part;

    (void)snprintf(at, FIELD_MAX, "%s", authorization->credential);
    for (part = 0; part < SCOPE_PARTS; part++) {
        authorization->scope[part] = at;
        at += strcspn(at, "/");
        if (*at == '/' && part < SCOPE_PARTS - 1) {
            *at++ = '\0';
        } else if (part < SCOPE_PARTS - 1) {
            return 0;
        }
    }
    return *at == '\0';
}

static int read_authorization(check_t *check)
{
    const char *header = http_header(check->request, "authorization");
    authorization_t *authorization = &check->authorization;

    if (header == NULL) {
        return refuse(check, MISSING_TOKEN, "Missing Authentication Token");
    }
    if (strncmp(header, ALGORITHM " ", sizeof(ALGORITHM)) != 0) {
        return refuse(check, INCOMPLETE, "The Authorization header must begin with '%s '.",
                      ALGORITHM);
    }
    header += sizeof(ALGORITHM);
    if (!take_field(header, "Credential=", authorization->credential)) {
        return refuse(check, INCOMPLETE, "Authorization header requires 'Credential' parameter.");
    }
    if (!take_field(header, "SignedHeaders=", authorization->signed_headers)) {
        return refuse(check, INCOMPLETE,
                      "Authorization header requires 'SignedHeaders' parameter.");
    }
    if (!take_field(header, "Signature=", authorization->signature)) {
        return refuse(check, INCOMPLETE, "Authorization header requires 'Signature' parameter.");
    }
    if (!split_scope(authorization)) {
        return refuse(check, INCOMPLETE,
                      "Credential must have exactly 5 slash-delimited elements, e.g. "
                      "keyid/date/region/service/term");
    }
    return 1;
}

/* ---- time ---- */

/* Seconds since 1970 of "20260131T123456Z", or -1. */
static apr_time_t parse_stamp(const char *stamp)
{
    struct tm parts;
    const char *end;

    memset(&parts, 0, sizeof(parts));
    if (strlen(stamp) != STAMP_LENGTH) {
        return -1;
    }
    end = strptime(stamp, "%Y%m%dT%H%M%SZ", &parts);
    return end != NULL && *end == '\0' ? (apr_time_t)timegm(&parts) : -1;
}

static void format_stamp(char *out, apr_time_t seconds)
{
    struct tm parts;
    time_t when = (time_t)seconds;

    (void)gmtime_r(&when, &parts);
    (void)strftime(out, STAMP_LENGTH + 1, "%Y%m%dT%H%M%SZ", &parts);
}

static int check_time(check_t *check)
{
    char limit[STAMP_LENGTH + 1];
    char server[STAMP_LENGTH + 1];
    apr_time_t seconds = apr_time_sec(check->authority->now);
    apr_time_t signed_at;

    check->stamp = http_header(check->request, "x-amz-date");
    if (check->stamp == NULL) {
        return refuse(check, INCOMPLETE,
                      "Authorization header requires existence of an 'X-Amz-Date' header.");
    }
    signed_at = parse_stamp(check->stamp);
    if (signed_at < 0) {
        return refuse(check, INCOMPLETE, "Date must be in ISO-8601 'basic format'. Got '%.64s'.",
                      check->stamp);
    }
    format_stamp(server, seconds);
    if (signed_at < seconds - SKEW_SECONDS) {
        format_stamp(limit, seconds - SKEW_SECONDS);
        return refuse(check, BAD_SIGNATURE,
                      "Signature expired: %s is now earlier than %s (%s - 5 min.)", check->stamp,
                      limit, server);
    }
    if (signed_at > seconds + SKEW_SECONDS) {
        format_stamp(limit, seconds + SKEW_SECONDS);
        return refuse(check, BAD_SIGNATURE,
                      "Signature not yet current: %s is still later than %s (%s + 5 min.)",
                      check->stamp, limit, server);
    }
    return 1;
}

/* ---- who, for what ---- */

static void find_key(check_t *check, const char *id)
{
    const settings_t *settings = check->authority->settings;
    int i;

    for (i = 0; i < settings->key_count; i++) {
        if (strcmp(settings->keys[i].id, id) == 0) {
            check->secret = settings->keys[i].secret;
            check->token = settings->keys[i].token;
            return;
        }
    }
    check->result->caller = issuer_find(check->authority->issuer, id);
    if (check->result->caller != NULL) {
        check->secret = check->result->caller->secret;
        check->token = check->result->caller->token;
    }
}

static int check_key(check_t *check)
{
    const char *token = http_header(check->request, TOKEN_HEADER);
    const verify_authority_t *authority = check->authority;

    find_key(check, check->authorization.scope[0]);
    if (check->secret == NULL || (token == NULL) != (check->token == NULL) ||
        (token != NULL && strcmp(token, check->token) != 0)) {
        return refuse(check, BAD_TOKEN, "The security token included in the request is invalid.");
    }
    if (check->result->caller != NULL &&
        authority->now >= check->result->caller->expires + authority->grace) {
        issuer_counters(authority->issuer)->refused_expired++;
        return refuse(check, EXPIRED_TOKEN,
                      "The security token included in the request is expired");
    }
    return 1;
}

static int is_region(const char *name)
{
    size_t length = strlen(name);

    return length >= 5 && length <= 32 && strchr(name, '-') != NULL &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static int check_scope(check_t *check)
{
    char *const *scope = check->authorization.scope;
    const char *region = check->authority->settings->region;

    if (strncmp(scope[1], check->stamp, 8) != 0 || strlen(scope[1]) != 8) {
        return refuse(check, BAD_SIGNATURE,
                      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of "
                      "date from HTTP: '%.32s' != '%.8s', from '%.32s'.",
                      scope[1], check->stamp, check->stamp);
    }
    if (region != NULL ? strcmp(scope[2], region) != 0 : !is_region(scope[2])) {
        return refuse(check, BAD_SIGNATURE, "Credential should be scoped to a valid region.");
    }
    if (strcmp(scope[3], check->rules->service) != 0) {
        return refuse(check, BAD_SIGNATURE, "Credential should be scoped to correct service: '%s'.",
                      check->rules->service);
    }
    if (strcmp(scope[4], "aws4_request") != 0) {
        return refuse(check, BAD_SIGNATURE,
                      "Credential should be scoped with a valid terminator: 'aws4_request', not "
                      "'%.32s'.",
                      scope[4]);
    }
    return 1;
}

/* ---- what was signed ---- */

static int check_signed_headers(check_t *check)
{
    const char *signed_headers = check->authorization.signed_headers;
    int i;

    if (!canonical_is_signed(signed_headers, "host")) {
        return refuse(check, BAD_SIGNATURE,
                      "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
    }
    for (i = 0; i < check->request->header_count; i++) {
        const char *name = check->request->headers[i].name;
        if ((strncmp(name, "x-amz-", 6) == 0 || strcmp(name, "content-type") == 0) &&
            !canonical_is_signed(signed_headers, name)) {
            return refuse(check, BAD_SIGNATURE,
                          "'%.64s' must be a 'SignedHeader' in the AWS Authorization.", name);
        }
    }
    return 1;
}

static void hash_hex(char *out, const void *bytes, size_t length)
{
    unsigned char digest[EVP_MAX_MD_SIZE];

    (void)EVP_Digest(bytes, length, digest, NULL, EVP_sha256(), NULL);
    text_hex(out, digest, DIGEST_BYTES);
}

/* S3 wants the header, and takes a body whose checksum comes behind it. */
static int check_s3_payload(check_t *check, const char *sent)
{
    if (sent == NULL) {
        return refuse(check, "InvalidRequest", "Missing required header for this request: %s",
                      CONTENT_HEADER);
    }
    if (strcmp(sent, STREAMING) == 0) {
        memcpy(check->payload_hash, STREAMING, sizeof(STREAMING));
    } else if (strcmp(sent, check->payload_hash) != 0) {
        return refuse(check, "XAmzContentSHA256Mismatch",
                      "The provided '" CONTENT_HEADER "' header does not match what was computed.");
    }
    return 1;
}

static int check_payload(check_t *check)
{
    const char *sent = http_header(check->request, CONTENT_HEADER);

    hash_hex(check->payload_hash, check->request->body, check->request->body_length);
    if (check->rules->plain_path) {
        return check_s3_payload(check, sent);
    }
    if (sent != NULL && strcmp(sent, check->payload_hash) != 0) {
        return refuse(check, BAD_SIGNATURE,
                      "The value of '" CONTENT_HEADER "' is not the SHA-256 of the body: it should "
                      "be '%s'.",
                      check->payload_hash);
    }
    return 1;
}

static int write_canonical(check_t *check, buffer_t *out)
{
    const http_request_t *request = check->request;

    (void)buffer_printf(out, "%s\n", request->method);
    canonical_path(out, request->path, check->rules->plain_path);
    (void)buffer_puts(out, "\n");
    if (!canonical_query(out, request->query)) {
        return refuse(check, BAD_SIGNATURE, "The query has a broken percent-escape.");
    }
    (void)buffer_puts(out, "\n");
    if (!canonical_headers(out, request, check->authorization.signed_headers)) {
        return refuse(check, BAD_SIGNATURE, "A signed header is not in the request: '%.512s'.",
                      check->authorization.signed_headers);
    }
    (void)buffer_printf(out, "\n%s\n%s", check->authorization.signed_headers, check->payload_hash);
    return out->failed ? refuse(check, BAD_SIGNATURE, "The request is too long to check.") : 1;
}

static void hmac(unsigned char *out, const unsigned char *key, size_t key_length, const char *text)
{
    unsigned int length = 0;

    (void)HMAC(EVP_sha256(), key, (int)key_length, (const unsigned char *)text, strlen(text), out,
               &length);
}

/* The signature that should have come, in hexadecimal. */
static void sign(const check_t *check, const char *string_to_sign, char *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char first[FIELD_MAX];
    int part;

    (void)snprintf(first, sizeof(first), "AWS4%s", check->secret);
    hmac(digest, (const unsigned char *)first, strlen(first), check->authorization.scope[1]);
    for (part = 2; part < SCOPE_PARTS; part++) {
        hmac(digest, digest, DIGEST_BYTES, check->authorization.scope[part]);
    }
    hmac(digest, digest, DIGEST_BYTES, string_to_sign);
    text_hex(out, digest, DIGEST_BYTES);
    OPENSSL_cleanse(first, sizeof(first));
    OPENSSL_cleanse(digest, sizeof(digest));
}

/* The texts that a developer compares with their own; the session token is left out of them. */
static void explain(check_t *check, const buffer_t *canonical, const char *string_to_sign)
{
    buffer_t *message = &check->result->message;
    const char *token = check->token;
    const char *found = token != NULL ? strstr(buffer_text(canonical), token) : NULL;

    (void)refuse(check, BAD_SIGNATURE,
                 "The request signature we calculated does not match the signature you provided. "
                 "Check your AWS Secret Access Key and signing method. Consult the service "
                 "documentation for details.\n\nThe Canonical String for this request should have "
                 "been\n'");
    if (found != NULL) {
        (void)buffer_append(message, canonical->data, (size_t)(found - canonical->data));
        (void)buffer_printf(message, "(token)%s", found + strlen(token));
    } else {
        (void)buffer_puts(message, buffer_text(canonical));
    }
    (void)buffer_printf(message, "'\n\nThe String-to-Sign should have been\n'%s'\n",
                        string_to_sign);
}

static int check_signature(check_t *check)
{
    char expected[DIGEST_HEX + 1];
    char canonical_hash[DIGEST_HEX + 1];
    char string_to_sign[FIELD_MAX * 2];
    buffer_t canonical;
    int good;

    buffer_init(&canonical, CANONICAL_MAX);
    good = write_canonical(check, &canonical);
    if (good) {
        hash_hex(canonical_hash, canonical.data, canonical.length);
        (void)snprintf(string_to_sign, sizeof(string_to_sign), ALGORITHM "\n%s\n%s\n%s",
                       check->stamp, strchr(check->authorization.credential, '/') + 1,
                       canonical_hash);
        sign(check, string_to_sign, expected);
        good = strlen(check->authorization.signature) == DIGEST_HEX &&
               CRYPTO_memcmp(check->authorization.signature, expected, DIGEST_HEX) == 0;
        if (!good) {
            explain(check, &canonical, string_to_sign);
        }
    }
    buffer_free(&canonical);
    return good;
}

int verify_request(const http_request_t *request, const verify_authority_t *authority,
                   const verify_rules_t *rules, verify_result_t *result)
{
    check_t check;

    memset(&check, 0, sizeof(check));
    check.request = request;
    check.authority = authority;
    check.rules = rules;
    check.result = result;
    memset(result, 0, sizeof(*result));
    buffer_init(&result->message, MESSAGE_MAX);
    if (!read_authorization(&check)) {
        return 0;
    }
    (void)snprintf(result->key_id, sizeof(result->key_id), "%s", check.authorization.scope[0]);
    return check_time(&check) && check_key(&check) && check_scope(&check) &&
           check_signed_headers(&check) && check_payload(&check) && check_signature(&check);
}
