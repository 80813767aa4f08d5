#include "aws/call_error.h"

#include "aws/credentials_xml.h"
#include "base/json.h"

#include <apr_strings.h>
#include <string.h>

/* An item of DynamoDB may come with the error: values 32 levels deep, each two levels of JSON. */
#define DEPTH_MAX 72

#define XML_VALUE_MAX 4096

void call_error_code(char *code, const char *text, size_t length)
{
    const char *colon = memchr(text, ':', length);
    size_t from;

    length = colon != NULL ? (size_t)(colon - text) : length;
    from = length;
    while (from > 0 && text[from - 1] != '#') {
        from--;
    }
    length -= from;
    length = length < CALL_ERROR_CODE_MAX - 1 ? length : CALL_ERROR_CODE_MAX - 1;
    memcpy(code, text + from, length);
    code[length] = '\0';
}

static const char *first_member(const json_t *object, const char *const *names)
{
    const char *text = NULL;

    for (; *names != NULL && text == NULL; names++) {
        text = json_member_text(object, *names, NULL);
    }
    return text;
}

/* S3's errors are XML: <Error><Code>…</Code><Message>…</Message>…</Error>. */
typedef struct {
    char code[CALL_ERROR_CODE_MAX];
    char *message;
    size_t message_size;
} xml_error_t;

static void on_element(void *baton, const char *around, const char *name, const char *value)
{
    xml_error_t *error = baton;

    if (strcmp(around, "Error") != 0) {
        return;
    }
    if (strcmp(name, "Code") == 0) {
        call_error_code(error->code, value, strlen(value));
    } else if (strcmp(name, "Message") == 0) {
        (void)apr_cpystrn(error->message, value, error->message_size);
    }
}

static void read_xml(char *code, char *message, size_t message_size, const char *body,
                     size_t length)
{
    xml_error_t error = {.message = message, .message_size = message_size};
    buffer_t scratch;

    message[0] = '\0';
    buffer_init(&scratch, XML_VALUE_MAX);
    if (credentials_xml_each(body, length, &scratch, on_element, &error) != NULL) {
        message[0] = '\0';
    } else if (code[0] == '\0') {
        memcpy(code, error.code, CALL_ERROR_CODE_MAX);
    }
    buffer_free(&scratch);
}

static void read_json(char *code, char *message, size_t message_size, const char *body,
                      size_t length)
{
    static const char *const code_names[] = {"code", "Code", "__type", NULL};
    static const char *const message_names[] = {"message", "Message", NULL};
    json_error_t error;
    json_t *value = json_parse(body, length, DEPTH_MAX, &error);
    const char *said = first_member(value, code_names);
    const char *text = first_member(value, message_names);

    if (code[0] == '\0' && said != NULL) {
        call_error_code(code, said, strlen(said));
    }
    (void)apr_cpystrn(message, text != NULL ? text : "", message_size);
    json_release(value);
}

void call_error_read(char *code, char *message, size_t message_size, const char *body,
                     size_t length)
{
    if (length > 0 && body[0] == '<') {
        read_xml(code, message, message_size, body, length);
    } else {
        read_json(code, message, message_size, body, length);
    }
}

void call_error_describe(char *reason, size_t size, const char *operation, int status,
                         const char *code, const char *message)
{
    (void)apr_snprintf(reason, size, "reading the answer of %s: HTTP %d %s: %s", operation, status,
                       code[0] != '\0' ? code : "without a code",
                       message[0] != '\0' ? message : "no message");
}
