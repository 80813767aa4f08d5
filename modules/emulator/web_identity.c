#include "emulator/web_identity.h"

#include "base/json.h"
#include "base/text.h"
#include "emulator/issuer.h"

#include <stdio.h>
#include <string.h>

#define INVALID    "InvalidIdentityToken"
#define EXPIRED    "ExpiredTokenException"
#define TOKEN_MAX  20000
#define JSON_DEPTH 16

static int refuse(web_identity_t *identity, const char *code, const char *message)
{
    identity->code = code;
    (void)snprintf(identity->message, sizeof(identity->message), "%s", message);
    return 0;
}

/* Base64url without padding (RFC 7515) as plain base64, decoded. */
static int decode(const char *text, size_t length, buffer_t *out)
{
    char plain[TOKEN_MAX + 4];
    size_t i;

    for (i = 0; i < length; i++) {
        plain[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    }
    while (i % 4 != 0) {
        plain[i++] = '=';
    }
    return text_base64_decode(out, plain, i);
}

/* The claims, the second of three parts; NULL when it is no such token. */
static json_t *parse(const char *token)
{
    size_t head = strcspn(token, ".");
    const char *claims = token[head] == '.' ? token + head + 1 : "";
    size_t length = strcspn(claims, ".");
    json_error_t error;
    json_t *value = NULL;
    buffer_t text;

    buffer_init(&text, TOKEN_MAX);
    if (claims[length] == '.' && strchr(claims + length + 1, '.') == NULL &&
        strlen(token) <= TOKEN_MAX && decode(claims, length, &text)) {
        value = json_parse(buffer_text(&text), text.length, JSON_DEPTH, &error);
    }
    buffer_free(&text);
    return value;
}

static void take_claim(char *to, const json_t *claims, const char *name)
{
    size_t length = 0;
    const char *text = json_member_text(claims, name, &length);

    (void)snprintf(to, WEB_IDENTITY_CLAIM_MAX, "%s", text != NULL ? text : "");
}

static int check_expiry(web_identity_t *identity, const json_t *claims, apr_time_t now)
{
    char current[ISSUER_INSTANT_LENGTH + 1];
    char limit[ISSUER_INSTANT_LENGTH + 1];
    int64_t expires = 0;

    if (!json_integer(json_member(claims, "exp"), &expires)) {
        return refuse(identity, INVALID, "Missing a required claim: exp");
    }
    if (apr_time_sec(now) < expires) {
        return 1;
    }
    issuer_instant(current, now);
    issuer_instant(limit, apr_time_from_sec(expires));
    identity->code = EXPIRED;
    (void)snprintf(identity->message, sizeof(identity->message),
                   "Token expired: current date/time %s must be before the expiration date/time %s",
                   current, limit);
    return 0;
}

int web_identity_read(const char *token, apr_time_t now, web_identity_t *identity)
{
    json_t *claims = parse(token);
    int good;

    memset(identity, 0, sizeof(*identity));
    if (json_kind(claims) != JSON_OBJECT) {
        json_release(claims);
        return refuse(identity, INVALID, "The ID Token provided is not a valid JWT.");
    }
    take_claim(identity->subject, claims, "sub");
    take_claim(identity->audience, claims, "aud");
    take_claim(identity->issuer, claims, "iss");
    good = check_expiry(identity, claims, now);
    json_release(claims);
    return good;
}
