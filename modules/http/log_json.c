#include "http/log_json.h"

#include "base/json.h"
#include "base/text.h"

#include <apr_optional.h>
#include <apr_strings.h>
#include <http_core.h>
#include <mod_log_config.h>

/* Of a value, escapes included: a line of ten of them stays below the 8 KB that log drivers pass on
 * whole. */
#define VALUE_MAX 600

/* ---- a value ---- */

static const char hex[] = "0123456789abcdef";

/* Appends one byte as JSON. One outside ASCII that is no part of UTF-8 stands for the character of
 * its number. */
static void put_byte(buffer_t *out, unsigned char byte)
{
    const char escape[] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15], '\0'};
    const char quoted[] = {'\\', (char)byte, '\0'};
    const char plain[] = {(char)byte, '\0'};

    if (byte < ' ' || byte >= 0x7f) {
        (void)buffer_puts(out, escape);
    } else {
        (void)buffer_puts(out, byte == '"' || byte == '\\' ? quoted : plain);
    }
}

/* Bytes of the UTF-8 character at `text`, 0 when there is none. */
static size_t character_at(const char *text, size_t length)
{
    unsigned char first = (unsigned char)text[0];
    size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;

    return first >= 0x80 && bytes <= length && bytes > 1 &&
                   text_utf8_length(text, bytes) != TEXT_NOT_UTF8
               ? bytes
               : 0;
}

/* Appends a text with its quotes, cut where no more fits. */
static void put_text(buffer_t *out, const char *text, size_t length)
{
    static const char cut[] = "...";
    size_t room = out->maximum - sizeof(cut) - 8; /* for the longest escape and the quotes */
    size_t i = 0;

    (void)buffer_puts(out, "\"");
    while (i < length && out->length < room) {
        size_t bytes = character_at(text + i, length - i);
        if (bytes > 0) {
            (void)buffer_append(out, text + i, bytes);
        } else {
            put_byte(out, (unsigned char)text[i]);
        }
        i += bytes > 0 ? bytes : 1;
    }
    (void)buffer_puts(out, i < length ? cut : "");
    (void)buffer_puts(out, "\"");
}

static const char *json_of(request_rec *r, const char *text)
{
    const char *json = "null";
    buffer_t out;

    if (text == NULL) {
        return json;
    }
    buffer_init(&out, VALUE_MAX);
    put_text(&out, text, strlen(text));
    if (!out.failed) {
        json = apr_pstrmemdup(r->pool, out.data, out.length);
    }
    buffer_free(&out);
    return json;
}

/* ---- LogFormat ---- */

static const char *log_request_line(request_rec *r, char *arg)
{
    (void)arg;
    return json_of(r, r->the_request);
}

static const char *log_path(request_rec *r, char *arg)
{
    (void)arg;
    return json_of(r, r->uri);
}

static const char *log_query(request_rec *r, char *arg)
{
    (void)arg;
    return json_of(r, r->args);
}

static const char *log_method(request_rec *r, char *arg)
{
    (void)arg;
    return json_of(r, r->method);
}

static const char *log_user(request_rec *r, char *arg)
{
    (void)arg;
    return json_of(r, r->user);
}

static const char *log_header_in(request_rec *r, char *arg)
{
    return json_of(r, apr_table_get(r->headers_in, arg));
}

static const char *log_header_out(request_rec *r, char *arg)
{
    const char *value = apr_table_get(r->headers_out, arg);

    return json_of(r, value != NULL ? value : apr_table_get(r->err_headers_out, arg));
}

static const char *log_note(request_rec *r, char *arg)
{
    return json_of(r, apr_table_get(r->notes, arg));
}

/* A number is one without quotes. */
static const char *log_number(request_rec *r, char *arg)
{
    const char *value = apr_table_get(r->notes, arg);

    return value != NULL && *value != '\0' && strspn(value, "0123456789") == strlen(value) ? value
                                                                                           : "null";
}

/* The last field is mod_log_config's: 1 for the first of a chain of internal redirects. */
static const struct {
    char tag[4];
    ap_log_handler_fn_t *give;
    int of_first;
} formats[] = {{"^Jr", log_request_line, 1}, {"^JU", log_path, 1}, {"^Jq", log_query, 1},
               {"^Jm", log_method, 1},       {"^Ju", log_user, 0}, {"^Ji", log_header_in, 0},
               {"^Jo", log_header_out, 0},   {"^Jn", log_note, 1}, {"^JN", log_number, 1}};

static void register_access(apr_pool_t *pconf)
{
    APR_OPTIONAL_FN_TYPE(ap_register_log_handler) *put =
        APR_RETRIEVE_OPTIONAL_FN(ap_register_log_handler);
    size_t i;

    for (i = 0; put != NULL && i < sizeof(formats) / sizeof(formats[0]); i++) {
        put(pconf, apr_pstrdup(pconf, formats[i].tag), formats[i].give, formats[i].of_first);
    }
}

/* ---- ErrorLogFormat ---- */

/* Room kept behind the message for the rest of the line. */
#define REST_ROOM 64

/* Where the message begins in the line that this thread is writing. */
static __thread char *message;
static __thread char *line_end;

static int begin_message(char *to, int room)
{
    message = NULL;
    if (room < 2 * REST_ROOM) {
        return 0;
    }
    *to = '"';
    message = to + 1;
    line_end = to + room;
    return 1;
}

static int value_of_hex(char digit)
{
    const char *at = digit != '\0' ? strchr(hex, digit) : NULL;

    return at != NULL ? (int)(at - hex) : -1;
}

/* One of httpd's escapes (\n, \\, \xHH) back to the byte; how many characters stood for it. */
static size_t unescape_one(const char *text, size_t length, char *byte)
{
    static const char letters[] = "bnrtv";
    static const char meant[] = {'\b', '\n', '\r', '\t', '\v'};
    const char *letter;
    int high = length >= 4 ? value_of_hex(text[2]) : -1;
    int low = length >= 4 ? value_of_hex(text[3]) : -1;

    *byte = text[0];
    if (text[0] != '\\' || length < 2) {
        return 1;
    }
    if (text[1] == 'x' && high >= 0 && low >= 0) {
        *byte = (char)(16 * high + low);
        return 4;
    }
    letter = text[1] != '\0' ? strchr(letters, text[1]) : NULL;
    *byte = letter != NULL ? meant[letter - letters] : text[1];
    return 2;
}

/* In place; the length then. */
static size_t unescape(char *text, size_t length)
{
    size_t from = 0;
    size_t to = 0;

    while (from < length) {
        char byte;
        from += unescape_one(text + from, length - from, &byte);
        text[to++] = byte;
    }
    return to;
}

/* Rewrites it in place; returns by how much the line grew, or shrank: never 0, which httpd takes
 * for nothing said, and drops what stands around it. */
static int end_message(const char *to)
{
    size_t length = (size_t)(to - message);
    buffer_t json;
    int grown;

    buffer_init(&json, (size_t)(line_end - message) - REST_ROOM);
    put_text(&json, message, unescape(message, length));
    if (json.length == length + 1) {
        (void)buffer_puts(&json, " ");
    }
    if (json.failed || json.data == NULL) {
        buffer_free(&json);
        return 0; /* memory is out: the rest of the line goes */
    }
    /* put_text() begins with the quote that is there already. */
    memcpy(message, json.data + 1, json.length - 1);
    grown = (int)(json.length - 1) - (int)length;
    buffer_free(&json);
    message = NULL;
    return grown;
}

/* ErrorLogFormat %{begin}J and %{end}J. */
static int log_message(const ap_errorlog_info *info, const char *arg, char *to, int room)
{
    (void)info;
    if (arg != NULL && strcmp(arg, "begin") == 0) {
        return begin_message(to, room);
    }
    return message != NULL ? end_message(to) : 0;
}

void log_json_register(apr_pool_t *pconf)
{
    register_access(pconf);
    ap_register_errorlog_handler(pconf, apr_pstrdup(pconf, "J"), log_message, 0);
}
