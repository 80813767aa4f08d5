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

    return length < SESSIONS_NAME_MAX ? length : 0;
}

static int told_name(session_t *session, const char *message)
{
    static const char phrase[] = "my name is ";
    const char *found = strcasestr(message, phrase);
    const char *word = found != NULL ? found + sizeof(phrase) - 1 : "";
    size_t length = name_length(word);

    if (length == 0) {
        return 0;
    }
    memcpy(session->name, word, length);
    session->name[length] = '\0';
    return 1;
}

static void answer_name(const session_t *session, buffer_t *out)
{
    if (session->name[0] != '\0') {
        (void)buffer_printf(out, "Your name is %s.", session->name);
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

void conversation_reply(session_t *session, const char *message, size_t length, buffer_t *out)
{
    if (length == 0) {
        (void)buffer_puts(out, "You said nothing.");
    } else if (strcasestr(message, "what is my name") != NULL ||
               strcasestr(message, "what's my name") != NULL) {
        answer_name(session, out);
    } else if (told_name(session, message)) {
        (void)buffer_printf(out, "Nice to meet you, %s.", session->name);
    } else if (strcasestr(message, "how many") != NULL) {
        (void)buffer_printf(out, "This is message %zu of our conversation.", session->turns + 1);
    } else if (strncasecmp(message, "hello", 5) == 0 || strncasecmp(message, "hi", 3) == 0) {
        (void)buffer_puts(out,
                          "Hello! I am the scripted agent of the local AWS stand-in. Tell me your "
                          "name and ask for it later, ask how many messages you sent, or say "
                          "anything else and I will repeat it.");
    } else {
        echo(message, length, out);
    }
}
