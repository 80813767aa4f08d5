#include "aws/credentials_set.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* AWS's key ids have at most 128 characters, secrets 40; the size of a token is not fixed. */
#define KEY_ID_MAX 128
#define SECRET_MAX 256
#define TOKEN_MAX  16384

/* What is behind a credentials_t that was made here; the texts follow. */
typedef struct {
    credentials_t set;
    size_t size;
    int references;
} counted_t;

static counted_t *counted(const credentials_t *set)
{
    return (counted_t *)(void *)((char *)(uintptr_t)set - offsetof(counted_t, set));
}

/* Visible ASCII: what may stand in a header. */
static int is_visible(const char *text, size_t maximum)
{
    size_t length = 0;

    while (text[length] > ' ' && text[length] <= '~') {
        length++;
    }
    return length >= 1 && length <= maximum && text[length] == '\0';
}

static const char *find_problem(const credentials_t *fields, const char *token)
{
    if (fields->access_key_id == NULL || fields->access_key_id[0] == '\0') {
        return "the access key id is missing";
    }
    if (fields->secret_access_key == NULL || fields->secret_access_key[0] == '\0') {
        return "the secret access key is missing";
    }
    if (!is_visible(fields->access_key_id, KEY_ID_MAX)) {
        return "the access key id has characters that no key id has, or is too long";
    }
    if (!is_visible(fields->secret_access_key, SECRET_MAX)) {
        return "the secret access key has characters that no secret has, or is too long";
    }
    if (token != NULL && !is_visible(token, TOKEN_MAX)) {
        return "the session token has characters that no token has, or is too long";
    }
    return NULL;
}

static apr_status_t on_pool_end(void *set)
{
    credentials_set_release(set);
    return APR_SUCCESS;
}

/* Copies a text to `*at` and moves on. */
static const char *put(char **at, const char *text)
{
    char *copy = *at;

    if (text == NULL) {
        return NULL;
    }
    *at += strlen(text) + 1;
    memcpy(copy, text, (size_t)(*at - copy));
    return copy;
}

static size_t room(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

const credentials_t *credentials_set_make(apr_pool_t *pool, const credentials_t *fields,
                                          const char **problem)
{
    const char *token = room(fields->session_token) > 1 ? fields->session_token : NULL;
    counted_t *made;
    size_t size;
    char *at;

    *problem = find_problem(fields, token);
    if (*problem != NULL) {
        return NULL;
    }
    size = sizeof(*made) + room(fields->access_key_id) + room(fields->secret_access_key) +
           room(token) + room(fields->source);
    made = malloc(size);
    if (made == NULL) {
        *problem = "out of memory";
        return NULL;
    }
    at = (char *)(made + 1);
    made->size = size;
    made->references = 1;
    made->set = *fields;
    made->set.access_key_id = put(&at, fields->access_key_id);
    made->set.secret_access_key = put(&at, fields->secret_access_key);
    made->set.session_token = put(&at, token);
    made->set.source = put(&at, fields->source);
    apr_pool_cleanup_register(pool, &made->set, on_pool_end, apr_pool_cleanup_null);
    return &made->set;
}

const credentials_t *credentials_set_hold(const credentials_t *set)
{
    if (set != NULL) {
        counted(set)->references++;
    }
    return set;
}

void credentials_set_release(const credentials_t *set)
{
    if (set != NULL && --counted(set)->references == 0) {
        counted_t *last = counted(set);

        explicit_bzero(last, last->size);
        free(last);
    }
}

static int same(const char *one, const char *other)
{
    return one == other || (one != NULL && other != NULL && strcmp(one, other) == 0);
}

int credentials_set_equal(const credentials_t *one, const credentials_t *other)
{
    if (one == NULL || other == NULL) {
        return one == other;
    }
    return same(one->access_key_id, other->access_key_id) &&
           same(one->secret_access_key, other->secret_access_key) &&
           same(one->session_token, other->session_token) && same(one->source, other->source) &&
           one->expires == other->expires && one->static_stability == other->static_stability;
}

/* Half of a short one at most: what is no real key id may be a secret in the wrong place. */
void credentials_set_shorten(char *out, const char *access_key_id)
{
    size_t length = strlen(access_key_id);
    int shown = length >= 16 ? 4 : (int)(length / 4);

    (void)snprintf(out, CREDENTIALS_SHORT_LENGTH + 1, "%.*s...%s", shown, access_key_id,
                   access_key_id + length - (size_t)shown);
}

/* ---- time stamps ---- */

/* Reads `digits` digits and, unless it is NUL, the character after them; -1 when they are not. */
static int take_number(const char **at, int digits, char after)
{
    int number = 0;

    for (; digits > 0; digits--, (*at)++) {
        if (**at < '0' || **at > '9') {
            return -1;
        }
        number = number * 10 + (**at - '0');
    }
    if (after != '\0' && *(*at)++ != after) {
        return -1;
    }
    return number;
}

static int in_range(int number, int least, int most)
{
    return number >= least && number <= most;
}

static void skip_fraction(const char **at)
{
    if (**at == '.' && (*at)[1] >= '0' && (*at)[1] <= '9') {
        *at += 1 + strspn(*at + 1, "0123456789");
    }
}

/* Seconds east of UTC, or -1 in `*valid` when this is no offset. */
static int take_offset(const char **at, int *valid)
{
    int sign = **at == '-' ? -1 : 1;
    int hours, minutes;

    *valid = 1;
    if (**at == 'Z' || **at == 'z') {
        (*at)++;
        return 0;
    }
    if (**at != '+' && **at != '-') {
        *valid = 0;
        return 0;
    }
    (*at)++;
    hours = take_number(at, 2, ':');
    minutes = hours >= 0 ? take_number(at, 2, '\0') : -1;
    *valid = in_range(hours, 0, 23) && in_range(minutes, 0, 59);
    return sign * (hours * 3600 + minutes * 60);
}

apr_time_t credentials_set_expiry(const char *text)
{
    static const char separators[] = {'-', '-', 'T', ':', ':', '\0'};
    static const int widths[] = {4, 2, 2, 2, 2, 2};
    static const int least[] = {1970, 1, 1, 0, 0, 0};
    static const int most[] = {9999, 12, 31, 23, 59, 60};
    apr_time_exp_t parts = {0};
    apr_time_t when = 0;
    int numbers[6];
    int offset;
    int valid;
    size_t i;

    for (i = 0; i < 6; i++) {
        numbers[i] = take_number(&text, widths[i], separators[i]);
        if (!in_range(numbers[i], least[i], most[i])) {
            return 0;
        }
    }
    skip_fraction(&text);
    offset = take_offset(&text, &valid);
    parts.tm_year = numbers[0] - 1900;
    parts.tm_mon = numbers[1] - 1;
    parts.tm_mday = numbers[2];
    parts.tm_hour = numbers[3];
    parts.tm_min = numbers[4];
    parts.tm_sec = numbers[5];
    parts.tm_gmtoff = offset;
    if (!valid || *text != '\0' || apr_time_exp_gmt_get(&when, &parts) != APR_SUCCESS) {
        return 0;
    }
    return when;
}
