#include "backend/agentcore_request.h"

#include "aws/sigv4.h"
#include "base/json.h"
#include "base/text.h"

#include <apr_lib.h>
#include <string.h>

#define SESSION_MIN 33
#define USER_MAX    1024
#define HASHED      "sha256-"

/* Printable characters that stay; not "%", so that no two users become one. */
#define USER_KEEP "!\"#$&'()*+,/:;<=>?@[\\]^`{|}"

int agentcore_request_path(buffer_t *path, const agentcore_t *agentcore, const char *action)
{
    int fine = buffer_puts(path, "/runtimes/") &&
               text_percent_encode(path, agentcore->arn, strlen(agentcore->arn), "") &&
               buffer_puts(path, "/") && buffer_puts(path, action);

    if (agentcore->qualifier == NULL) {
        return fine;
    }
    return fine && buffer_puts(path, "?qualifier=") &&
           text_percent_encode(path, agentcore->qualifier, strlen(agentcore->qualifier), "");
}

static int put_hash(buffer_t *out, const char *prefix, const char *text)
{
    char hash[SIGV4_HEX_LENGTH + 1];

    return sigv4_hash(hash, text, strlen(text)) && buffer_puts(out, prefix) &&
           buffer_puts(out, hash);
}

int agentcore_request_session(buffer_t *out, const char *session_id)
{
    size_t length = strlen(session_id);
    int stays = length >= SESSION_MIN && apr_isalnum(session_id[0]) &&
                text_only(session_id, length, "-_") &&
                strncmp(session_id, HASHED, strlen(HASHED)) != 0;

    return stays ? buffer_puts(out, session_id) : put_hash(out, HASHED, session_id);
}

int agentcore_request_user(buffer_t *out, const char *user)
{
    size_t before = out->length;

    if (!text_percent_encode(out, user, strlen(user), USER_KEEP)) {
        return 0;
    }
    if (out->length - before <= USER_MAX) {
        return 1;
    }
    out->length = before;
    return put_hash(out, "%" HASHED, user);
}

void agentcore_request_write(buffer_t *body, const backend_prompt_t *prompt)
{
    json_writer_t writer;

    json_write_to(&writer, body);
    json_open(&writer, '{');
    json_name(&writer, "prompt");
    json_put_string(&writer, prompt->message, prompt->message_length);
    json_close(&writer, '}');
}

void agentcore_request_write_stop(buffer_t *body)
{
    char token[TEXT_UUID_LENGTH + 1];
    json_writer_t writer;

    json_write_to(&writer, body);
    json_open(&writer, '{');
    if (text_uuid4(token)) {
        json_put_member(&writer, "clientToken", token);
    }
    json_close(&writer, '}');
}
