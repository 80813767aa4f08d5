#include "emulator/conversation.h"

#include "base/text.h"

#include <string.h>
#include <strings.h>

#define ECHOED_MAX 300

/* The word behind "my name is", without what ends a sentence; its length, 0 when it does not fit.
 */
static size_t name_length(const char *word)
{
    size_t length = strcspn(word, " \t\r\n.,;:!?\"'()");

    return length < CONVERSATION_NAME_MAX ? length : 0;
}

static int told_name(conversation_t *conversation, const char *message)
{
    static const char phrase[] = "my name is ";
    const char *found = strcasestr(message, phrase);
    const char *word = found != NULL ? found + sizeof(phrase) - 1 : "";
    size_t length = name_length(word);

    if (length == 0) {
        return 0;
    }
    memcpy(conversation->name, word, length);
    conversation->name[length] = '\0';
    return 1;
}

static void answer_name(const conversation_t *conversation, buffer_t *out)
{
    if (conversation->name[0] != '\0') {
        (void)buffer_printf(out, "Your name is %s.", conversation->name);
    } else {
        (void)buffer_puts(out, "You have not told me your name yet.");
    }
}

static void echo(const char *message, size_t length, buffer_t *out)
{
    size_t kept = length < ECHOED_MAX ? length : ECHOED_MAX;

    kept -= text_utf8_pending(message, kept);
    (void)buffer_puts(out, "You said: ");
    (void)buffer_append(out, message, kept);
    (void)buffer_puts(out, kept < length ? "..." : "");
}

static int asks_name(const char *message)
{
    return strcasestr(message, "what is my name") != NULL ||
           strcasestr(message, "what's my name") != NULL;
}

void conversation_hear(conversation_t *conversation, const char *message, size_t length)
{
    conversation->heard++;
    if (length > 0 && !asks_name(message)) {
        (void)told_name(conversation, message);
    }
}

void conversation_reply(conversation_t *conversation, const char *message, size_t length,
                        buffer_t *out)
{
    conversation->heard++;
    if (length == 0) {
        (void)buffer_puts(out, "You said nothing.");
    } else if (asks_name(message)) {
        answer_name(conversation, out);
    } else if (told_name(conversation, message)) {
        (void)buffer_printf(out, "Nice to meet you, %s.", conversation->name);
    } else if (strcasestr(message, "how many") != NULL) {
        (void)buffer_printf(out, "This is message %zu of our conversation.", conversation->heard);
    } else if (strncasecmp(message, "hello", 5) == 0 || strncasecmp(message, "hi", 3) == 0) {
        (void)buffer_puts(out,
                          "Hello! I am the scripted agent of the local AWS stand-in. Tell me your "
                          "name and ask for it later, ask how many messages you sent, or say "
                          "anything else and I will repeat it.");
    } else {
        echo(message, length, out);
    }
}
