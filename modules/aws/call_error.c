#include "aws/call_error.h"

#include "base/json.h"

#include <apr_strings.h>
#include <string.h>

/* An item of DynamoDB may come with the error: values 32 levels deep, each two levels of JSON. */
#define DEPTH_MAX 72

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

void call_error_read(char *code, char *message, size_t message_size, const char *body,
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
