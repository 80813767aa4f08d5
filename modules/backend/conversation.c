#include "backend/conversation.h"

/* No message is open. */
#define NOBODY BACKEND_SYSTEM

typedef struct {
    json_writer_t *writer;
    backend_role_e role; /* of the open message */
} list_t;

static void close_message(list_t *list)
{
    if (list->role != NOBODY) {
        json_close(list->writer, ']');
        json_close(list->writer, '}');
    }
    list->role = NOBODY;
}

static void turn_to(list_t *list, backend_role_e role)
{
    if (list->role == role) {
        return;
    }
    close_message(list);
    json_open(list->writer, '{');
    json_put_member(list->writer, "role", role == BACKEND_USER ? "user" : "assistant");
    json_name(list->writer, "content");
    json_open(list->writer, '[');
    list->role = role;
}

void conversation_put_text(json_writer_t *writer, const char *text, size_t length)
{
    json_open(writer, '{');
    json_name(writer, "text");
    json_put_string(writer, text, length);
    json_close(writer, '}');
}

static int counts(const backend_message_t *message, backend_role_e before)
{
    return message->length > 0 && message->role != BACKEND_SYSTEM &&
           (before != NOBODY || message->role == BACKEND_USER);
}

int conversation_has_history(const backend_prompt_t *prompt)
{
    size_t i = 0;

    while (i < prompt->history_count && !counts(&prompt->history[i], NOBODY)) {
        i++;
    }
    return i < prompt->history_count;
}

void conversation_write(json_writer_t *writer, const backend_prompt_t *prompt,
                        void (*put_parts)(json_writer_t *writer, const backend_prompt_t *prompt))
{
    list_t list = {writer, NOBODY};
    size_t i;

    json_open(writer, '[');
    for (i = 0; i < prompt->history_count; i++) {
        const backend_message_t *message = &prompt->history[i];

        if (counts(message, list.role)) {
            turn_to(&list, message->role);
            conversation_put_text(writer, message->text, message->length);
        }
    }
    if (put_parts != NULL) {
        turn_to(&list, BACKEND_USER);
        if (prompt->message_length > 0) {
            conversation_put_text(writer, prompt->message, prompt->message_length);
        }
        put_parts(writer, prompt);
    }
    close_message(&list);
    json_close(writer, ']');
}
