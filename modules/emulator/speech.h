/*
 * What commands make any speaker say, and how what is said is cut into the
 * chunks of a stream. No state: one thread.
 */
#ifndef EMULATOR_SPEECH_H
#define EMULATOR_SPEECH_H

#include "base/buffer.h"
#include "base/json.h"
#include "emulator/answer.h"
#include "emulator/conversation.h"
#include "emulator/script.h"

#include <stddef.h>
#include <stdint.h>

/* Appends what the speaker says to the user's message `input`, which comes without its commands: by
 * command, else by itself. `request` is the body of the request. */
void speech_answer(const script_t *script, const json_t *request, const buffer_t *input,
                   conversation_t *conversation, buffer_t *out);

/* How what is said ends. */
typedef enum { SPEECH_WHOLE, SPEECH_STOPPED, SPEECH_CUT } speech_end_e;

/* Ends it before the first of the stop texts (one, an array of them, or NULL), and behind so many
 * tokens (0: no limit). */
speech_end_e speech_limit(buffer_t *said, const json_t *stops, int64_t max_tokens);

/* Appends what the speaker thinks aloud before it speaks. */
void speech_reasoning(const script_t *script, buffer_t *out);

/* Appends the string `text` without its commands; else 0 and `script->problem`. */
int speech_take(script_t *script, const json_t *text, buffer_t *input);

/* How a text is counted: one token for every 4 bytes. */
size_t speech_tokens(size_t bytes);

/* How a text is cut into chunks. */
typedef struct {
    const script_t *script;
    int words;      /* word by word, a word with the blank before it */
    int characters; /* only between characters */
    size_t longest; /* bytes of a chunk */
} speech_cut_t;

/* Length of the next chunk; not 0 unless `length` is. */
size_t speech_piece(const speech_cut_t *cut, const char *text, size_t length);

/* What a command puts before the chunk that comes after so many, or behind the last one. */
typedef enum { SPEECH_ON, SPEECH_ERROR, SPEECH_ERROR_CODE, SPEECH_HANG, SPEECH_UNKNOWN } speech_e;

speech_e speech_before(const script_t *script, size_t chunks);
speech_e speech_behind(const script_t *script, size_t chunks);

/* The pause between two chunks. */
void speech_pause(const script_t *script, size_t chunks, answer_t *answer);

#endif
