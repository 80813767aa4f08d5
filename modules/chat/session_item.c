#include "chat/session_item.h"

#include "aws/attributes.h"
#include "base/text.h"

#include <apr_strings.h>
#include <string.h>

#define SECONDS_MAX INT64_C(253402300799) /* the last of the year 9999 */
#define VERSION_MAX (INT64_C(1) << 53)

/* ---- times ---- */

/* `count` digits as a number, not over `max`; -1 when they are not. Moves on. */
static int read_number(const char **at, int count, int max)
{
    int number = 0;

    for (; count > 0; count--, (*at)++) {
        if (**at < '0' || **at > '9') {
            return -1;
        }
        number = 10 * number + (**at - '0');
    }
    return number <= max ? number : -1;
}

static int skip(const char **at, const char *set)
{
    if (**at == '\0' || strchr(set, **at) == NULL) {
        return 0;
    }
    (*at)++;
    return 1;
}

static int read_field(const char **at, const char *before, int max, int *out)
{
    if (before[0] != '\0' && !skip(at, before)) {
        return 0;
    }
    *out = read_number(at, 2, max);
    return *out >= 0;
}

/* Up to six digits count; none at all is wrong. */
static int read_fraction(const char **at, int *microseconds)
{
    int unit = 100000;
    const char *from;

    *microseconds = 0;
    if (!skip(at, ".,")) {
        return 1;
    }
    for (from = *at; **at >= '0' && **at <= '9'; (*at)++, unit /= 10) {
        *microseconds += unit * (**at - '0');
    }
    return *at > from;
}

/* "", "Z" or "+01:00", to its end. */
static int read_zone(const char **at, int *seconds)
{
    int is_west = **at == '-';
    int hours;
    int minutes;

    *seconds = 0;
    if (skip(at, "+-")) {
        if (!read_field(at, "", 23, &hours) || !read_field(at, ":", 59, &minutes)) {
            return 0;
        }
        *seconds = (is_west ? -60 : 60) * (60 * hours + minutes);
    } else {
        (void)skip(at, "Zz");
    }
    return **at == '\0';
}

/* What is written with four digits of a year. */
static int is_in_range(apr_time_t when)
{
    return when > 0 && apr_time_sec(when) <= SECONDS_MAX;
}

/* ISO 8601 as services write it, without a zone in UTC; 0 when it is not that, or is before 1970 or
 * after 9999 (a leap second, a zone). */
static apr_time_t parse_time(const char *text)
{
    apr_time_exp_t fields = {0};
    apr_time_t when = 0;
    int year = read_number(&text, 4, 9999);

    if (year < 1970 || !read_field(&text, "-", 12, &fields.tm_mon) || fields.tm_mon == 0 ||
        !read_field(&text, "-", 31, &fields.tm_mday) || fields.tm_mday == 0 ||
        !read_field(&text, "Tt ", 23, &fields.tm_hour) ||
        !read_field(&text, ":", 59, &fields.tm_min) ||
        !read_field(&text, ":", 60, &fields.tm_sec) || !read_fraction(&text, &fields.tm_usec) ||
        !read_zone(&text, &fields.tm_gmtoff)) {
        return 0;
    }
    fields.tm_year = year - 1900;
    fields.tm_mon--;
    return apr_time_exp_gmt_get(&when, &fields) == APR_SUCCESS && is_in_range(when) ? when : 0;
}

static apr_time_t time_of(const json_t *item, const char *name)
{
    size_t length = 0;
    const char *text = attributes_string(item, name, &length);

    return text != NULL && strlen(text) == length ? parse_time(text) : 0;
}

/* ---- what an item says ---- */

static int is_expired(const json_t *item, apr_time_t now)
{
    int64_t ttl;

    return attributes_integer(item, "ttl", &ttl) && ttl <= apr_time_sec(now);
}

int session_item_is_live(const json_t *item, apr_time_t now)
{
    return (attributes_has(item, "created_at") || attributes_has(item, "turns")) &&
           !is_expired(item, now);
}

int session_item_is_open_to(const json_t *item, const char *user)
{
    const json_t *data = attributes_map(item, "user_data");
    size_t length = 0;
    const char *owner = attributes_string(data, "user_id", &length);

    if (owner == NULL) {
        return !attributes_has(data, "user_id") || attributes_is_null(data, "user_id");
    }
    return length == 0 ||
           (user != NULL && strlen(user) == length && memcmp(owner, user, length) == 0);
}

int session_item_is_held_by(const json_t *item, const char *request_id)
{
    size_t length = 0;
    const char *holder = attributes_string(item, "busy_by", &length);

    return holder != NULL && strlen(request_id) == length &&
           memcmp(holder, request_id, length) == 0;
}

int session_item_is_claimed(const json_t *item, const char *request_id, apr_time_t now)
{
    int64_t until;

    return attributes_integer(item, "busy_until", &until) && until > apr_time_as_msec(now) &&
           (request_id == NULL || !session_item_is_held_by(item, request_id));
}

int session_item_has_user_data(const json_t *item)
{
    return attributes_map(item, "user_data") != NULL;
}

static int is_text(const char *text, size_t length, const buffer_t *expected)
{
    return text != NULL && length == expected->length &&
           (length == 0 || memcmp(text, expected->data, length) == 0);
}

int session_item_is_save_of(const json_t *item, const session_t *session)
{
    size_t length = 0;
    const char *message =
        attributes_string(attributes_map(item, "user_data"), "last_message", &length);
    int64_t version;
    int64_t turns;

    return attributes_integer(item, "version", &version) && version == session->version + 1 &&
           attributes_integer(item, "turns", &turns) && turns == session->turns &&
           apr_time_as_msec(time_of(item, "updated_at")) == apr_time_as_msec(session->updated_at) &&
           is_text(message, length, &session->last_message);
}

/* ---- an item's record ---- */

/* An element that is no message is passed over. */
static int read_message(session_t *session, const json_t *element)
{
    const char *role = attributes_string(element, "role", NULL);
    size_t length = 0;
    const char *text = attributes_string(element, "text", &length);

    if (role == NULL || text == NULL) {
        return 1;
    }
    if (strcmp(role, "user") == 0) {
        return session_add_message(session, SESSION_USER, text, length);
    }
    return strcmp(role, "assistant") != 0 ||
           session_add_message(session, SESSION_ASSISTANT, text, length);
}

static int read_history(session_t *session, const json_t *item)
{
    const json_t *list = attributes_list(item, "history");
    size_t count = json_length(list);
    size_t i;

    for (i = 0; i < count; i++) {
        if (!read_message(session, attributes_map_element(list, i))) {
            return 0;
        }
    }
    return 1;
}

static int read_text(buffer_t *out, const json_t *item, const char *name)
{
    size_t length = 0;
    const char *text = attributes_string(item, name, &length);

    return text == NULL || buffer_append(out, text, length);
}

/* The number, or `otherwise` when it is none from 1 to `max`. */
static int64_t count_of(const json_t *item, const char *name, int64_t max, int64_t otherwise)
{
    int64_t number;

    return attributes_integer(item, name, &number) && number >= 1 && number <= max ? number
                                                                                   : otherwise;
}

int session_item_read(session_t *session, const json_t *item)
{
    const json_t *data = attributes_map(item, "user_data");

    session->created_at = time_of(item, "created_at");
    session->updated_at = time_of(item, "updated_at");
    if (session->updated_at == 0) {
        session->updated_at = session->created_at;
    }
    if (session->created_at == 0) {
        session->created_at = session->updated_at;
    }
    session->expires_at = apr_time_from_sec(count_of(item, "ttl", SECONDS_MAX, 0));
    session->turns = count_of(item, "turns", VERSION_MAX, 1);
    session->version = count_of(item, "version", VERSION_MAX, 0);
    return read_text(&session->user, data, "user_id") &&
           read_text(&session->last_message, data, "last_message") && read_history(session, item);
}

/* ---- writing ---- */

void session_item_put_time(json_writer_t *writer, const char *name, apr_time_t when)
{
    char text[TEXT_RFC3339_LENGTH + 1];

    text_rfc3339(text, when);
    attributes_put_text(writer, name, text);
}

void session_item_put_user(json_writer_t *writer, const char *name, const session_t *session)
{
    if (session->user.length == 0) {
        attributes_put_null(writer, name);
    } else {
        attributes_put_string(writer, name, session->user.data, session->user.length);
    }
}

void session_item_put_user_data(json_writer_t *writer, const char *name, const session_t *session)
{
    attributes_open_map(writer, name);
    session_item_put_user(writer, "user_id", session);
    attributes_put_string(writer, "last_message", buffer_text(&session->last_message),
                          session->last_message.length);
    attributes_close_map(writer);
}

void session_item_put_history(json_writer_t *writer, const char *name, const session_t *session)
{
    size_t i;

    attributes_open_list(writer, name);
    for (i = 0; i < session->history_count; i++) {
        const session_message_t *message = &session->history[i];
        attributes_open_map(writer, NULL);
        attributes_put_text(writer, "role", message->role == SESSION_USER ? "user" : "assistant");
        attributes_put_string(writer, "text", buffer_text(&session->texts) + message->at,
                              message->length);
        attributes_close_map(writer);
    }
    attributes_close_list(writer);
}
