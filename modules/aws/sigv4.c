#include "aws/sigv4.h"

#include "aws/canonical.h"
#include "base/text.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ALGORITHM     "AWS4-HMAC-SHA256"
#define TERMINATOR    "aws4_request"
#define DAY_LENGTH    8 /* 20260131 */
#define DIGEST_LENGTH 32
#define KEYS_KEPT     8 /* bedrock, dynamodb, monitoring, s3, sts and logs, and some to change */

/* A signing key, ready in a MAC context. */
typedef struct {
    char *identity; /* secret, region and service, a NUL after each; NULL when the place is free */
    size_t identity_length;
    char day[DAY_LENGTH];
    EVP_MAC_CTX *mac;
} derived_t;

struct sigv4_keys_t {
    derived_t derived[KEYS_KEPT];
    unsigned oldest;
    EVP_MD_CTX *digest;
    buffer_t text; /* the canonical request and, after it, the string to sign */
};

/* ---- the crypto library: looking an algorithm up costs more than hashing a chat ---- */

static pthread_once_t algorithms_once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;
static EVP_MAC *hmac;

static void fetch_algorithms(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
}

static int have_algorithms(void)
{
    (void)pthread_once(&algorithms_once, fetch_algorithms);
    return sha256 != NULL && hmac != NULL;
}

static int hash_with(EVP_MD_CTX *context, char *hex, const void *bytes, size_t length)
{
    unsigned char digest[DIGEST_LENGTH];

    if (context == NULL || EVP_DigestInit_ex(context, sha256, NULL) != 1 ||
        EVP_DigestUpdate(context, bytes, length) != 1 ||
        EVP_DigestFinal_ex(context, digest, NULL) != 1) {
        return 0;
    }
    text_hex(hex, digest, sizeof(digest));
    return 1;
}

int sigv4_hash(char *out, const void *bytes, size_t length)
{
    EVP_MD_CTX *context = have_algorithms() ? EVP_MD_CTX_new() : NULL;
    int done = hash_with(context, out, bytes, length);

    EVP_MD_CTX_free(context);
    return done;
}

/* ---- the string to sign ---- */

static char *put(char *to, const char *bytes, size_t length)
{
    memcpy(to, bytes, length);
    return to + length;
}

static char *put_text(char *to, const char *text)
{
    return put(to, text, strlen(text));
}

static char *put_digits(char *to, int number, size_t width)
{
    size_t i;

    for (i = width; i > 0; i--) {
        to[i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
    return to + width;
}

void sigv4_date(char *out, apr_time_t when)
{
    apr_time_exp_t utc;

    (void)apr_time_exp_gmt(&utc, when);
    out = put_digits(out, utc.tm_year + 1900, 4);
    out = put_digits(out, utc.tm_mon + 1, 2);
    out = put_digits(out, utc.tm_mday, 2);
    *out++ = 'T';
    out = put_digits(out, utc.tm_hour, 2);
    out = put_digits(out, utc.tm_min, 2);
    out = put_digits(out, utc.tm_sec, 2);
    *out++ = 'Z';
    *out = '\0';
}

static size_t scope_length(const sigv4_identity_t *identity)
{
    return DAY_LENGTH + strlen(identity->region) + strlen(identity->service) +
           sizeof("///" TERMINATOR) - 1;
}

static char *put_scope(char *to, const sigv4_identity_t *identity, const char *date)
{
    to = put(to, date, DAY_LENGTH);
    *to++ = '/';
    to = put_text(to, identity->region);
    *to++ = '/';
    to = put_text(to, identity->service);
    *to++ = '/';
    return put_text(to, TERMINATOR);
}

/* Fills `keys->text`: the canonical request, then from `*at` the string to sign. */
static int compose(sigv4_keys_t *keys, const sigv4_request_t *request,
                   const sigv4_identity_t *identity, const char *date, size_t *at,
                   canonical_names_t *names)
{
    size_t more =
        sizeof(ALGORITHM "\n\n\n") + SIGV4_DATE_LENGTH + scope_length(identity) + SIGV4_HEX_LENGTH;
    char *to;

    if (!have_algorithms() || !canonical_request(&keys->text, request, more, names)) {
        return 0;
    }
    *at = keys->text.length;
    to = put_text(keys->text.data + *at, ALGORITHM "\n");
    to = put(to, date, SIGV4_DATE_LENGTH);
    *to++ = '\n';
    to = put_scope(to, identity, date);
    *to++ = '\n';
    if (keys->digest == NULL) {
        keys->digest = EVP_MD_CTX_new();
    }
    if (!hash_with(keys->digest, to, keys->text.data, *at)) {
        return 0;
    }
    keys->text.length = (size_t)(to - keys->text.data) + SIGV4_HEX_LENGTH;
    return 1;
}

/* ---- keys ---- */

static void forget(derived_t *derived)
{
    if (derived->identity != NULL) {
        explicit_bzero(derived->identity, derived->identity_length);
        free(derived->identity);
    }
    EVP_MAC_CTX_free(derived->mac);
    memset(derived, 0, sizeof(*derived));
}

static int is_derived(const derived_t *derived, const sigv4_identity_t *identity, const char *day)
{
    const char *parts[] = {identity->secret_access_key, identity->region, identity->service};
    const char *at = derived->identity;
    size_t i;

    if (at == NULL || memcmp(derived->day, day, DAY_LENGTH) != 0) {
        return 0;
    }
    for (i = 0; i < 3; i++) {
        if (strcmp(at, parts[i]) != 0) {
            return 0;
        }
        at += strlen(at) + 1;
    }
    return 1;
}

static int remember(derived_t *derived, const sigv4_identity_t *identity, const char *day)
{
    size_t length = strlen(identity->secret_access_key) + strlen(identity->region) +
                    strlen(identity->service) + 3;
    char *to = malloc(length);

    if (to == NULL) {
        return 0;
    }
    derived->identity = to;
    derived->identity_length = length;
    memcpy(derived->day, day, DAY_LENGTH);
    to = put(to, identity->secret_access_key, strlen(identity->secret_access_key) + 1);
    to = put(to, identity->region, strlen(identity->region) + 1);
    (void)put(to, identity->service, strlen(identity->service) + 1);
    return 1;
}

static int chain(unsigned char *key, size_t key_length, const void *bytes, size_t length)
{
    return HMAC(sha256, key, (int)key_length, bytes, length, key, NULL) != NULL;
}

/* The signing key, into the first DIGEST_LENGTH bytes of `key`. */
static int derive(unsigned char *key, size_t key_length, const sigv4_identity_t *identity,
                  const char *day)
{
    return chain(key, key_length, day, DAY_LENGTH) &&
           chain(key, DIGEST_LENGTH, identity->region, strlen(identity->region)) &&
           chain(key, DIGEST_LENGTH, identity->service, strlen(identity->service)) &&
           chain(key, DIGEST_LENGTH, TERMINATOR, sizeof(TERMINATOR) - 1);
}

/* A MAC context that starts with the signing key; NULL when memory is out. */
static EVP_MAC_CTX *prepare(unsigned char *key)
{
    char algorithm[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, algorithm, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);

    if (mac != NULL && EVP_MAC_init(mac, key, DIGEST_LENGTH, parameters) != 1) {
        EVP_MAC_CTX_free(mac);
        return NULL;
    }
    return mac;
}

static EVP_MAC_CTX *derive_mac(const sigv4_identity_t *identity, const char *day)
{
    size_t length = strlen("AWS4") + strlen(identity->secret_access_key);
    size_t room = length > DIGEST_LENGTH ? length : DIGEST_LENGTH;
    unsigned char *key = malloc(room);
    EVP_MAC_CTX *mac = NULL;

    if (key == NULL) {
        return NULL;
    }
    (void)put_text(put_text((char *)key, "AWS4"), identity->secret_access_key);
    if (derive(key, length, identity, day)) {
        mac = prepare(key);
    }
    explicit_bzero(key, room);
    free(key);
    return mac;
}

/* The MAC context of this identity and day, from the cache or derived into it; NULL on failure. */
static EVP_MAC_CTX *find_mac(sigv4_keys_t *keys, const sigv4_identity_t *identity, const char *day)
{
    derived_t *derived;
    size_t i;

    for (i = 0; i < KEYS_KEPT; i++) {
        if (is_derived(&keys->derived[i], identity, day)) {
            return keys->derived[i].mac;
        }
    }
    derived = &keys->derived[keys->oldest];
    forget(derived);
    derived->mac = derive_mac(identity, day);
    if (derived->mac == NULL || !remember(derived, identity, day)) {
        return NULL;
    }
    keys->oldest = (keys->oldest + 1) % KEYS_KEPT;
    return derived->mac;
}

void sigv4_keys_forget(sigv4_keys_t *keys)
{
    size_t i;

    for (i = 0; i < KEYS_KEPT; i++) {
        forget(&keys->derived[i]);
    }
}

static void init(sigv4_keys_t *keys)
{
    memset(keys, 0, sizeof(*keys));
    buffer_init(&keys->text, SIZE_MAX / 2);
}

static void release(sigv4_keys_t *keys)
{
    sigv4_keys_forget(keys);
    EVP_MD_CTX_free(keys->digest);
    buffer_wipe(&keys->text);
    buffer_free(&keys->text);
}

static apr_status_t on_pool_cleanup(void *keys)
{
    release(keys);
    return APR_SUCCESS;
}

sigv4_keys_t *sigv4_keys_create(apr_pool_t *pool)
{
    sigv4_keys_t *keys = apr_palloc(pool, sizeof(*keys));

    init(keys);
    apr_pool_cleanup_register(pool, keys, on_pool_cleanup, apr_pool_cleanup_null);
    return keys;
}

/* ---- signing ---- */

static int sign(sigv4_keys_t *keys, const sigv4_identity_t *identity, const char *date, size_t at,
                char *signature)
{
    EVP_MAC_CTX *mac = find_mac(keys, identity, date);
    unsigned char code[DIGEST_LENGTH];
    size_t length;

    if (mac == NULL || EVP_MAC_init(mac, NULL, 0, NULL) != 1 ||
        EVP_MAC_update(mac, (const unsigned char *)keys->text.data + at, keys->text.length - at) !=
            1 ||
        EVP_MAC_final(mac, code, &length, sizeof(code)) != 1) {
        return 0;
    }
    text_hex(signature, code, sizeof(code));
    return 1;
}

static int put_authorization(buffer_t *out, const sigv4_identity_t *identity, const char *date,
                             const char *names, size_t names_length, const char *signature)
{
    static const char credential[] = ALGORITHM " Credential=";
    static const char signed_headers[] = ", SignedHeaders=";
    static const char signature_is[] = ", Signature=";
    size_t length = strlen(credential) + strlen(identity->access_key_id) + 1 +
                    scope_length(identity) + strlen(signed_headers) + names_length +
                    strlen(signature_is) + SIGV4_HEX_LENGTH;
    char *to = buffer_reserve(out, length);

    if (to == NULL) {
        return 0;
    }
    to = put_text(to, credential);
    to = put_text(to, identity->access_key_id);
    *to++ = '/';
    to = put_scope(to, identity, date);
    to = put_text(to, signed_headers);
    to = put(to, names, names_length);
    to = put_text(to, signature_is);
    (void)put(to, signature, SIGV4_HEX_LENGTH + 1);
    out->length += length;
    return 1;
}

static int authorize(buffer_t *out, const sigv4_request_t *request,
                     const sigv4_identity_t *identity, sigv4_keys_t *keys)
{
    char date[SIGV4_DATE_LENGTH + 1];
    char signature[SIGV4_HEX_LENGTH + 1];
    canonical_names_t names;
    size_t at;
    int done;

    sigv4_date(date, identity->when);
    done =
        compose(keys, request, identity, date, &at, &names) &&
        sign(keys, identity, date, at, signature) &&
        put_authorization(out, identity, date, keys->text.data + names.at, names.length, signature);
    buffer_wipe(&keys->text);
    return done;
}

int sigv4_authorize(buffer_t *out, const sigv4_request_t *request, const sigv4_identity_t *identity,
                    sigv4_keys_t *keys)
{
    sigv4_keys_t once;
    int done;

    if (keys != NULL) {
        return authorize(out, request, identity, keys);
    }
    init(&once);
    done = authorize(out, request, identity, &once);
    release(&once);
    return done;
}

int sigv4_canonical_request(buffer_t *out, const sigv4_request_t *request)
{
    canonical_names_t names;
    buffer_t text;
    int done;

    buffer_init(&text, SIZE_MAX / 2);
    done =
        canonical_request(&text, request, 0, &names) && buffer_append(out, text.data, text.length);
    buffer_wipe(&text);
    buffer_free(&text);
    return done;
}

int sigv4_string_to_sign(buffer_t *out, const sigv4_request_t *request,
                         const sigv4_identity_t *identity)
{
    char date[SIGV4_DATE_LENGTH + 1];
    canonical_names_t names;
    sigv4_keys_t once;
    size_t at;
    int done;

    init(&once);
    sigv4_date(date, identity->when);
    done = compose(&once, request, identity, date, &at, &names) &&
           buffer_append(out, once.text.data + at, once.text.length - at);
    release(&once);
    return done;
}
