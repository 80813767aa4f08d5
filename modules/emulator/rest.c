#include "emulator/rest.h"

#include "base/json.h"
#include "base/text.h"
#include "emulator/http_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX    1024
#define ERROR_BODY_MAX (128 * 1024)

/* One segment of the path, percent-decoded; 0 when it is empty, a dot segment or too long. */
static int take_label(const char *segment, size_t length, char *out)
{
    buffer_t decoded;
    int good;

    buffer_init(&decoded, REST_LABEL_MAX - 1);
    good = length > 0 && http_percent_decode(&decoded, segment, length) &&
           memchr(decoded.data, '\0', decoded.length) == NULL &&
           !(segment[0] == '.' && (length == 1 || (length == 2 && segment[1] == '.')));
    if (good) {
        memcpy(out, decoded.data, decoded.length + 1);
    }
    buffer_free(&decoded);
    return good;
}

int rest_match(const char *path, const char *pattern, char labels[][REST_LABEL_MAX])
{
    int label = 0;

    while (*pattern != '\0') {
        size_t length = strcspn(path, "/");
        if (*pattern != '{') {
            if (*pattern++ != *path++) {
                return 0;
            }
            continue;
        }
        if (!take_label(path, length, labels[label++])) {
            return 0;
        }
        path += length;
        pattern += 2;
    }
    return *path == '\0';
}

answer_t *rest_answer(int status, const char *content_type)
{
    answer_t *answer = answer_create(status, content_type);
    char id[TEXT_UUID_LENGTH + 1];

    if (answer != NULL && text_uuid4(id)) {
        answer_header(answer, "x-amzn-RequestId", id);
    }
    return answer;
}

void rest_error_body(buffer_t *out, const char *message)
{
    json_writer_t writer;

    json_write_to(&writer, out);
    json_open(&writer, '{');
    json_put_member(&writer, "message", message);
    json_close(&writer, '}');
}

answer_t *rest_error(int status, const char *type, const char *message)
{
    answer_t *answer = rest_answer(status, "application/json");
    buffer_t body;

    if (answer == NULL) {
        return NULL;
    }
    buffer_init(&body, ERROR_BODY_MAX);
    rest_error_body(&body, text_utf8_length(message, strlen(message)) != TEXT_NOT_UTF8
                               ? message
                               : "The request is not UTF-8.");
    answer_header(answer, "X-Amzn-Errortype", type);
    answer_send(answer, buffer_text(&body), body.length);
    buffer_free(&body);
    return answer;
}

answer_t *rest_errorf(int status, const char *type, const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    return rest_error(status, type, message);
}
