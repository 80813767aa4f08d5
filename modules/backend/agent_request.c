#include "backend/agent_request.h"

#include "backend/conversation.h"
#include "base/json.h"
#include "base/text.h"

#include <string.h>

static void put_attributes(json_writer_t *writer, const char *name,
                           const backend_attribute_t *attributes, size_t count)
{
    size_t i;

    if (count == 0) {
        return;
    }
    json_name(writer, name);
    json_open(writer, '{');
    for (i = 0; i < count; i++) {
        json_put_member(writer, attributes[i].name, attributes[i].value);
    }
    json_close(writer, '}');
}

static void put_source(json_writer_t *writer, const backend_file_t *file)
{
    json_open(writer, '{');
    if (file->uri != NULL) {
        json_put_member(writer, "sourceType", "S3");
        json_name(writer, "s3Location");
        json_open(writer, '{');
        json_put_member(writer, "uri", file->uri);
    } else {
        json_put_member(writer, "sourceType", "BYTE_CONTENT");
        json_name(writer, "byteContent");
        json_open(writer, '{');
        json_put_member(writer, "mediaType", file->media_type);
        json_name(writer, "data");
        json_put_string(writer, file->data, file->data_length);
    }
    json_close(writer, '}');
    json_close(writer, '}');
}

static void put_files(json_writer_t *writer, const backend_prompt_t *prompt)
{
    size_t i;

    if (prompt->file_count == 0) {
        return;
    }
    json_name(writer, "files");
    json_open(writer, '[');
    for (i = 0; i < prompt->file_count; i++) {
        json_open(writer, '{');
        json_put_member(writer, "name", prompt->files[i].name);
        json_put_member(writer, "useCase", "CHAT");
        json_name(writer, "source");
        put_source(writer, &prompt->files[i]);
        json_close(writer, '}');
    }
    json_close(writer, ']');
}

static void put_history(json_writer_t *writer, const backend_prompt_t *prompt)
{
    if (!conversation_has_history(prompt)) {
        return;
    }
    json_name(writer, "conversationHistory");
    json_open(writer, '{');
    json_name(writer, "messages");
    conversation_write(writer, prompt, NULL);
    json_close(writer, '}');
}

static void put_session_state(json_writer_t *writer, const backend_prompt_t *prompt)
{
    if (prompt->session_attribute_count == 0 && prompt->prompt_attribute_count == 0 &&
        prompt->file_count == 0 && !conversation_has_history(prompt)) {
        return;
    }
    json_name(writer, "sessionState");
    json_open(writer, '{');
    put_attributes(writer, "sessionAttributes", prompt->session_attributes,
                   prompt->session_attribute_count);
    put_attributes(writer, "promptSessionAttributes", prompt->prompt_attributes,
                   prompt->prompt_attribute_count);
    put_history(writer, prompt);
    put_files(writer, prompt);
    json_close(writer, '}');
}

void agent_request_write(buffer_t *body, const backend_prompt_t *prompt, int traces)
{
    json_writer_t writer;

    json_write_to(&writer, body);
    json_open(&writer, '{');
    json_name(&writer, "inputText");
    json_put_string(&writer, prompt->message, prompt->message_length);
    json_name(&writer, "enableTrace");
    json_put_boolean(&writer, traces);
    if (prompt->stream) {
        json_name(&writer, "streamingConfigurations");
        json_open(&writer, '{');
        json_name(&writer, "streamFinalResponse");
        json_put_boolean(&writer, 1);
        json_close(&writer, '}');
    }
    put_session_state(&writer, prompt);
    json_close(&writer, '}');
}

/* A text goes with it, for a turn without one is not what the API describes; no model sees it. */
void agent_request_write_end(buffer_t *body)
{
    json_writer_t writer;

    json_write_to(&writer, body);
    json_open(&writer, '{');
    json_put_member(&writer, "inputText", "end");
    json_name(&writer, "endSession");
    json_put_boolean(&writer, 1);
    json_close(&writer, '}');
}

int agent_request_path(buffer_t *path, const char *agent_id, const char *alias_id,
                       const char *session_id)
{
    return buffer_printf(path, "/agents/%s/agentAliases/%s/sessions/", agent_id, alias_id) &&
           text_percent_encode(path, session_id, strlen(session_id), "") &&
           buffer_puts(path, "/text");
}
