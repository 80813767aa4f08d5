/*
 * Commands on demand: `{{name argument ...}}` inside a text.
 *
 * A test says in the message itself what is to go wrong, so that it needs no
 * other channel. The commands are taken out of the text; `{{` that is followed
 * by anything but a name in lower case stays text. No state: one thread.
 */
#ifndef EMULATOR_SCRIPT_H
#define EMULATOR_SCRIPT_H

#include "base/buffer.h"

#include <stddef.h>
#include <stdint.h>

/* Each command once: its name in the enum, its name in the text, its arguments ("n" a number, "i"
 * an integer that may be negative, "w" a word, "t" the rest; in brackets: may be left out), and the
 * largest number. docs/emulator.md says what each does. */
#define SCRIPT_COMMANDS(X)                                                                         \
    X(DELAY, "delay", "n", 3600000)                                                                \
    X(CHUNK_DELAY, "chunk-delay", "n", 3600000)                                                    \
    X(WORDS, "words", "n", 200000)                                                                 \
    X(BYTES, "bytes", "n", 5000000)                                                                \
    X(UNICODE, "unicode", "", 0)                                                                   \
    X(ECHO, "echo", "", 0)                                                                         \
    X(SHOW, "show", "w", 0)                                                                        \
    X(GUARDRAIL, "guardrail", "", 0)                                                               \
    X(REASONING, "reasoning", "[n]", 200000)                                                       \
    X(TOOL_USE, "tool-use", "", 0)                                                                 \
    X(STOP_REASON, "stop-reason", "w", 0)                                                          \
    X(NO_STOP, "no-stop", "", 0)                                                                   \
    X(FORM, "form", "w", 0)                                                                        \
    X(COMMENTS, "comments", "", 0)                                                                 \
    X(ERROR, "error", "w[n]", 599)                                                                 \
    X(STREAM_ERROR, "stream-error", "w[n]", 1000000)                                               \
    X(STREAM_ERROR_CODE, "stream-error-code", "w[t]", 0)                                           \
    X(RESET, "reset", "", 0)                                                                       \
    X(RESET_AFTER, "reset-after", "n", 1000000000)                                                 \
    X(CUT, "cut", "n", 1000000000)                                                                 \
    X(CUT_HARD, "cut-hard", "n", 1000000000)                                                       \
    X(HANG, "hang", "", 0)                                                                         \
    X(HANG_AFTER, "hang-after", "n", 1000000)                                                      \
    X(BAD_CRC, "bad-crc", "", 0)                                                                   \
    X(BAD_PRELUDE, "bad-prelude", "", 0)                                                           \
    X(GARBAGE, "garbage", "", 0)                                                                   \
    X(STATUS, "status", "n", 599)                                                                  \
    X(HTML, "html", "n", 599)                                                                      \
    X(EMPTY, "empty", "", 0)                                                                       \
    X(NO_TOKENS, "no-tokens", "", 0)                                                               \
    X(RETURN_CONTROL, "return-control", "", 0)                                                     \
    X(FILES, "files", "", 0)                                                                       \
    X(UNKNOWN_EVENT, "unknown-event", "", 0)                                                       \
    X(SPLIT, "split", "n", 1000000)                                                                \
    X(AMZ_RETRY_AFTER, "amz-retry-after", "w", 0)                                                  \
    X(RETRY_AFTER, "retry-after", "t", 0)                                                          \
    X(DATE_OFFSET, "date-offset", "i", 400000000)                                                  \
    X(NO_DATE, "no-date", "", 0)                                                                   \
    X(NO_REQUEST_ID, "no-request-id", "", 0)                                                       \
    X(HEADER, "header", "wt", 0)                                                                   \
    X(HTTP10, "http10", "", 0)                                                                     \
    X(DROP, "drop", "", 0)                                                                         \
    X(ACT, "act", "", 0)                                                                           \
    X(WRONG_CRC32, "wrong-crc32", "", 0)

typedef enum {
#define SCRIPT_ENUM(id, name, arguments, maximum) SCRIPT_##id,
    SCRIPT_COMMANDS(SCRIPT_ENUM)
#undef SCRIPT_ENUM
        SCRIPT_COMMAND_COUNT
} script_command_e;

#define SCRIPT_WORD_MAX 96
#define SCRIPT_TEXT_MAX 256

typedef struct {
    struct {
        int given;
        size_t number;
        int negative; /* so is the number */
        char word[SCRIPT_WORD_MAX];
        char text[SCRIPT_TEXT_MAX];
    } commands[SCRIPT_COMMAND_COUNT];
    char problem[512]; /* why script_parse() gave 0 */
} script_t;

/* Nothing commanded. */
void script_init(script_t *script);

/* Adds the commands of `text` to the script (the last of a name counts) and appends the text
 * without them to `rest`, which may be NULL. 0 and `problem` on a command that is unknown or has
 * the wrong arguments. */
int script_parse(script_t *script, const char *text, size_t length, buffer_t *rest);

int script_has(const script_t *script, script_command_e command);
size_t script_number(const script_t *script, script_command_e command);
int64_t script_offset(const script_t *script, script_command_e command);
const char *script_word(const script_t *script, script_command_e command);
const char *script_text(const script_t *script, script_command_e command);

#endif
