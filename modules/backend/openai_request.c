#include "backend/openai_request.h"

#include "base/json.h"

#include <string.h>
#include <strings.h>

#define TEXT_MAX (32 * 1024 * 1024)
#define DECIMALS 4

/* The message being gathered. */
typedef struct {
    json_writer_t *writer;
    backend_role_e role;
    buffer_t text;
    int has_user; /* a message of the user's is in the list */
    int failed;
} list_t;

static void put_content(list_t *list, const char *role)
{
    json_put_member(list->writer, "role", role);
    json_name(list->writer, "content");
}

static void put_message(list_t *list)
{
    static const char *const names[] = {"system", "user", "assistant"};

    if (list->text.length > 0) {
        json_open(list->writer, '{');
        put_content(list, names[list->role]);
        json_put_string(list->writer, list->text.data, list->text.length);
        json_close(list->writer, '}');
    }
    buffer_clear(&list->text);
}

static void add(list_t *list, backend_role_e role, const char *text, size_t length)
{
    if (length == 0 || (role == BACKEND_ASSISTANT && !list->has_user)) {
        return;
    }
    if (role != list->role) {
        put_message(list);
    }
    list->role = role;
    list->has_user |= role == BACKEND_USER;
    if (list->text.length > 0) {
        (void)buffer_puts(&list->text, "\n\n");
    }
    list->failed |= !buffer_append(&list->text, text, length);
}

/* ---- files ---- */

static void put_data_url(json_writer_t *writer, const char *name, const backend_file_t *file)
{
    buffer_t url;

    buffer_init(&url, TEXT_MAX);
    (void)buffer_printf(&url, "data:%s;base64,", file->media_type);
    (void)buffer_append(&url, file->data, file->data_length);
    json_name(writer, name);
    json_put_string(writer, buffer_text(&url), url.length);
    writer->out->failed |= url.failed;
    buffer_free(&url);
}

static void put_file(json_writer_t *writer, const backend_file_t *file)
{
    int is_image = strncasecmp(file->media_type, "image/", 6) == 0;
    const char *kind = is_image ? "image_url" : "file";

    json_open(writer, '{');
    json_put_member(writer, "type", kind);
    json_name(writer, kind);
    json_open(writer, '{');
    if (!is_image) {
        json_put_member(writer, "filename", file->name);
    }
    put_data_url(writer, is_image ? "url" : "file_data", file);
    json_close(writer, '}');
    json_close(writer, '}');
}

/* The last message as parts: its text, and the files. */
static void put_parts(list_t *list, const backend_prompt_t *prompt)
{
    json_writer_t *writer = list->writer;
    size_t i;

    json_open(writer, '{');
    put_content(list, "user");
    json_open(writer, '[');
    json_open(writer, '{');
    json_put_member(writer, "type", "text");
    json_name(writer, "text");
    json_put_string(writer, buffer_text(&list->text), list->text.length);
    json_close(writer, '}');
    for (i = 0; i < prompt->file_count; i++) {
        if (prompt->files[i].data != NULL) {
            put_file(writer, &prompt->files[i]);
        }
    }
    json_close(writer, ']');
    json_close(writer, '}');
}

/* ---- the whole ---- */

static void put_history(list_t *list, const backend_prompt_t *prompt, int systems)
{
    size_t i;

    for (i = 0; i < prompt->history_count; i++) {
        const backend_message_t *message = &prompt->history[i];

        if ((message->role == BACKEND_SYSTEM) == systems) {
            add(list, message->role, message->text, message->length);
        }
    }
}

static void put_messages(json_writer_t *writer, const model_t *model,
                         const backend_prompt_t *prompt)
{
    list_t list = {.writer = writer, .role = BACKEND_SYSTEM};

    buffer_init(&list.text, TEXT_MAX);
    json_name(writer, "messages");
    json_open(writer, '[');
    if (model->system != NULL) {
        add(&list, BACKEND_SYSTEM, model->system, strlen(model->system));
    }
    put_history(&list, prompt, 1);
    put_history(&list, prompt, 0);
    add(&list, BACKEND_USER, prompt->message, prompt->message_length);
    if (prompt->file_count > 0) {
        put_parts(&list, prompt);
    } else {
        put_message(&list);
    }
    json_close(writer, ']');
    writer->out->failed |= list.failed;
    buffer_free(&list.text);
}

static void put_stop_sequences(json_writer_t *writer, const model_t *model)
{
    size_t i;

    if (model->stop_count == 0) {
        return;
    }
    json_name(writer, "stop");
    json_open(writer, '[');
    for (i = 0; i < model->stop_count; i++) {
        json_put_text(writer, model->stop_sequences[i]);
    }
    json_close(writer, ']');
}

static void put_inference(json_writer_t *writer, const model_t *model,
                          const backend_prompt_t *prompt)
{
    int most = model_max_tokens(model, prompt->max_tokens);

    if (most > 0) {
        json_name(writer, "max_tokens");
        json_put_integer(writer, most);
    }
    if (prompt->has_temperature || model->has_temperature) {
        json_name(writer, "temperature");
        json_put_decimal(writer, prompt->has_temperature ? prompt->temperature : model->temperature,
                         DECIMALS);
    }
    if (model->has_top_p) {
        json_name(writer, "top_p");
        json_put_decimal(writer, model->top_p, DECIMALS);
    }
    put_stop_sequences(writer, model);
}

static void put_stream(json_writer_t *writer)
{
    json_name(writer, "stream");
    json_put_boolean(writer, 1);
    json_name(writer, "stream_options");
    json_open(writer, '{');
    json_name(writer, "include_usage");
    json_put_boolean(writer, 1);
    json_close(writer, '}');
}

void openai_request_write(buffer_t *body, const model_t *model, const backend_prompt_t *prompt)
{
    json_writer_t writer;

    json_write_to(&writer, body);
    json_open(&writer, '{');
    json_put_member(&writer, "model", model->id);
    put_messages(&writer, model, prompt);
    put_inference(&writer, model, prompt);
    if (prompt->stream) {
        put_stream(&writer);
    }
    json_close(&writer, '}');
}
