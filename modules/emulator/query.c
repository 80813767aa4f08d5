#include "emulator/query.h"

#include "emulator/xml.h"

#include <string.h>

#define FORM         "application/x-www-form-urlencoded"
#define XML          "text/xml"
#define BODY_MAX     (256 * 1024)
#define VERSION_MAX  16
#define SERVER_FAULT 500

/* ---- parameters ---- */

/* The value as it is in the body, its length in `*length`; NULL when it is absent. */
static const char *find(const http_request_t *request, const char *name, size_t *length)
{
    size_t name_length = strlen(name);
    const char *at = request->body;

    while (at != NULL) {
        if (strncmp(at, name, name_length) == 0 && at[name_length] == '=') {
            at += name_length + 1;
            *length = strcspn(at, "&");
            return at;
        }
        at = strchr(at, '&');
        at = at != NULL ? at + 1 : NULL;
    }
    return NULL;
}

int query_decode(buffer_t *out, const char *text, size_t length)
{
    while (length > 0) {
        const char *plus = memchr(text, '+', length);
        size_t plain = plus != NULL ? (size_t)(plus - text) : length;
        if (!http_percent_decode(out, text, plain)) {
            return 0;
        }
        if (plain < length) {
            (void)buffer_puts(out, " ");
            plain++;
        }
        text += plain;
        length -= plain;
    }
    return !out->failed;
}

int query_parameter(const http_request_t *request, const char *name, buffer_t *out)
{
    size_t length = 0;
    const char *value = find(request, name, &length);

    return value != NULL && query_decode(out, value, length);
}

int query_is_for(const http_request_t *request, const char *version)
{
    const char *type = http_header(request, "content-type");
    size_t length = 0;
    const char *value;

    if (strcmp(request->method, "POST") != 0 || strcmp(request->path, "/") != 0 || type == NULL ||
        strncmp(type, FORM, strlen(FORM)) != 0) {
        return 0;
    }
    value = find(request, "Version", &length);
    return value != NULL && length == strlen(version) && strncmp(value, version, length) == 0;
}

/* ---- XML ---- */

static void begin_document(query_answer_t *query)
{
    buffer_init(&query->body, BODY_MAX);
    if (!text_uuid4(query->request_id)) {
        query->request_id[0] = '\0';
    }
}

static answer_t *end_document(query_answer_t *query, int status)
{
    answer_t *answer = answer_create(status, XML);

    if (answer != NULL) {
        answer_header(answer, "x-amzn-RequestId", query->request_id);
        answer_send(answer, buffer_text(&query->body), query->body.length);
        answer->failed |= query->body.failed;
    }
    buffer_free(&query->body);
    return answer;
}

void query_open(query_answer_t *query, const char *name)
{
    xml_open(&query->body, name);
}

void query_close(query_answer_t *query, const char *name)
{
    xml_close(&query->body, name);
}

void query_put(query_answer_t *query, const char *name, const char *text)
{
    xml_put(&query->body, name, text);
}

void query_begin(query_answer_t *query, const char *name_space, const char *operation)
{
    begin_document(query);
    query->operation = operation;
    (void)buffer_printf(&query->body, "<%sResponse xmlns=\"%s\">\n<%sResult>\n", operation,
                        name_space, operation);
}

answer_t *query_end(query_answer_t *query)
{
    (void)buffer_printf(&query->body, "</%sResult>\n<ResponseMetadata>\n", query->operation);
    query_put(query, "RequestId", query->request_id);
    (void)buffer_printf(&query->body, "</ResponseMetadata>\n</%sResponse>\n", query->operation);
    return end_document(query, 200);
}

/* Source: STS API Reference, "Common Error Types". */
static const char *own_name(const char *code)
{
    static const struct {
        const char *rest;
        const char *query;
    } names[] = {{"InvalidSignatureException", "SignatureDoesNotMatch"},
                 {"UnrecognizedClientException", "InvalidClientTokenId"},
                 {"ExpiredTokenException", "ExpiredToken"},
                 {"IncompleteSignatureException", "IncompleteSignature"},
                 {"MissingAuthenticationTokenException", "MissingAuthenticationToken"}};
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i].rest, code) == 0) {
            return names[i].query;
        }
    }
    return code;
}

answer_t *query_error(const char *name_space, int status, const char *code, const char *message)
{
    query_answer_t query;

    begin_document(&query);
    (void)buffer_printf(&query.body, "<ErrorResponse xmlns=\"%s\">\n<Error>\n", name_space);
    query_put(&query, "Type", status < SERVER_FAULT ? "Sender" : "Receiver");
    query_put(&query, "Code", status == 403 ? own_name(code) : code);
    query_put(&query, "Message", message);
    query_close(&query, "Error");
    query_put(&query, "RequestId", query.request_id);
    query_close(&query, "ErrorResponse");
    return end_document(&query, status);
}
