#include "backend/converse_request.h"

#include "backend/conversation.h"
#include "backend/converse_files.h"
#include "base/json.h"
#include "base/text.h"

#include <string.h>

#define DECIMALS 4

int converse_request_path(buffer_t *path, const char *model_id, int stream)
{
    return buffer_puts(path, "/model/") &&
           text_percent_encode(path, model_id, strlen(model_id), "") &&
           buffer_puts(path, stream ? "/converse-stream" : "/converse");
}

static int is_system(const backend_message_t *message)
{
    return message->role == BACKEND_SYSTEM && message->length > 0;
}

static int has_system(const model_t *model, const backend_prompt_t *prompt)
{
    size_t i = 0;

    while (i < prompt->history_count && !is_system(&prompt->history[i])) {
        i++;
    }
    return i < prompt->history_count || (model->system != NULL && model->system[0] != '\0');
}

/* The operator's own words first. */
static void put_system(json_writer_t *writer, const model_t *model, const backend_prompt_t *prompt)
{
    size_t i;

    if (!has_system(model, prompt)) {
        return;
    }
    json_name(writer, "system");
    json_open(writer, '[');
    if (model->system != NULL && model->system[0] != '\0') {
        conversation_put_text(writer, model->system, strlen(model->system));
    }
    for (i = 0; i < prompt->history_count; i++) {
        if (is_system(&prompt->history[i])) {
            conversation_put_text(writer, prompt->history[i].text, prompt->history[i].length);
        }
    }
    json_close(writer, ']');
}

static void put_stop_sequences(json_writer_t *writer, const model_t *model)
{
    size_t i;

    if (model->stop_count == 0) {
        return;
    }
    json_name(writer, "stopSequences");
    json_open(writer, '[');
    for (i = 0; i < model->stop_count; i++) {
        json_put_text(writer, model->stop_sequences[i]);
    }
    json_close(writer, ']');
}

/* OpenAI's clients know temperatures up to 2, Bedrock up to 1. */
static double temperature(const model_t *model, const backend_prompt_t *prompt)
{
    double asked = prompt->has_temperature ? prompt->temperature : model->temperature;

    return asked < 1 ? asked : 1;
}

static void put_inference(json_writer_t *writer, const model_t *model,
                          const backend_prompt_t *prompt)
{
    int most = model_max_tokens(model, prompt->max_tokens);
    int has_temperature = prompt->has_temperature || model->has_temperature;

    if (most == 0 && !has_temperature && !model->has_top_p && model->stop_count == 0) {
        return;
    }
    json_name(writer, "inferenceConfig");
    json_open(writer, '{');
    if (most > 0) {
        json_name(writer, "maxTokens");
        json_put_integer(writer, most);
    }
    if (has_temperature) {
        json_name(writer, "temperature");
        json_put_decimal(writer, temperature(model, prompt), DECIMALS);
    }
    if (model->has_top_p) {
        json_name(writer, "topP");
        json_put_decimal(writer, model->top_p, DECIMALS);
    }
    put_stop_sequences(writer, model);
    json_close(writer, '}');
}

/* Of a stream each piece is checked before it is sent: what was told cannot be taken back. */
static void put_guardrail(json_writer_t *writer, const converse_t *converse, int stream)
{
    if (converse->guardrail_id == NULL) {
        return;
    }
    json_name(writer, "guardrailConfig");
    json_open(writer, '{');
    json_put_member(writer, "guardrailIdentifier", converse->guardrail_id);
    json_put_member(writer, "guardrailVersion", converse->guardrail_version);
    if (stream) {
        json_put_member(writer, "streamProcessingMode", "sync");
    }
    json_close(writer, '}');
}

const char *converse_request_write(buffer_t *body, const converse_t *converse,
                                   const backend_prompt_t *prompt)
{
    const char *refused = converse_files_refused(prompt);
    json_writer_t writer;

    if (refused != NULL) {
        return refused;
    }
    json_write_to(&writer, body);
    json_open(&writer, '{');
    json_name(&writer, "messages");
    conversation_write(&writer, prompt, converse_files_write);
    put_system(&writer, &converse->model, prompt);
    put_inference(&writer, &converse->model, prompt);
    put_guardrail(&writer, converse, prompt->stream);
    json_close(&writer, '}');
    return NULL;
}
