#include "emulator/speech.h"

#include "base/text.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define CUT_CHARACTER 3 /* {{unicode}}: cuts characters of two and of four bytes */
#define CHARACTER_MAX 4
#define BYTES_A_TOKEN 4

/* ---- what is said ---- */

static void put_words(buffer_t *out, size_t count)
{
    size_t i;

    for (i = 1; i <= count; i++) {
        (void)buffer_printf(out, "%sword%zu", i > 1 ? " " : "", i);
    }
}

static void put_bytes(buffer_t *out, size_t count)
{
    static const char pattern[] = "abcdefghijklmnopqrstuvwxyz01234 ";

    while (count > 0 && !out->failed) {
        size_t piece = count < sizeof(pattern) - 1 ? count : sizeof(pattern) - 1;
        (void)buffer_append(out, pattern, piece);
        count -= piece;
    }
}

/* The value at a path such as "messages.0.role", or NULL. */
static const json_t *find_value(const json_t *value, char *path)
{
    char *rest = path;

    while (value != NULL && rest != NULL) {
        char *name = rest;
        rest = strchr(name, '.');
        if (rest != NULL) {
            *rest++ = '\0';
        }
        value = json_kind(value) == JSON_ARRAY ? json_item(value, strtoul(name, NULL, 10))
                                               : json_member(value, name);
    }
    return value;
}

/* A text as it is, anything else as JSON. */
static void put_shown(const json_t *request, const char *path, buffer_t *out)
{
    char copy[SCRIPT_WORD_MAX];
    const json_t *found;
    json_writer_t writer;
    size_t length = 0;

    (void)apr_cpystrn(copy, path, sizeof(copy));
    found = find_value(request, copy);
    if (json_text(found, &length) != NULL) {
        (void)buffer_append(out, json_text(found, &length), length);
    } else {
        json_write_to(&writer, out);
        json_put_value(&writer, found);
    }
}

/* What is commanded; 0 when that is left to the speaker. */
static int speak_as_told(const script_t *script, const json_t *request, const buffer_t *input,
                         buffer_t *out)
{
    if (script_has(script, SCRIPT_WORDS)) {
        put_words(out, script_number(script, SCRIPT_WORDS));
    } else if (script_has(script, SCRIPT_BYTES)) {
        put_bytes(out, script_number(script, SCRIPT_BYTES));
    } else if (script_has(script, SCRIPT_ECHO)) {
        (void)buffer_append(out, buffer_text(input), input->length);
    } else if (script_has(script, SCRIPT_SHOW)) {
        put_shown(request, script_word(script, SCRIPT_SHOW), out);
    } else if (script_has(script, SCRIPT_GUARDRAIL)) {
        (void)buffer_puts(out, "The guardrail blocked this.");
    } else if (script_has(script, SCRIPT_UNICODE)) {
        (void)buffer_puts(out, "Gr\303\274\303\237e, \346\227\245\346\234\254\350"
                               "\252\236, \360\237\230\200\360\237\232\200!");
    } else {
        return 0;
    }
    return 1;
}

void speech_answer(const script_t *script, const json_t *request, const buffer_t *input,
                   conversation_t *conversation, buffer_t *out)
{
    if (speak_as_told(script, request, input, out)) {
        conversation_hear(conversation, buffer_text(input), input->length);
    } else {
        conversation_reply(conversation, buffer_text(input), input->length, out);
    }
}

/* Ends the text there, between characters. */
static void shorten(buffer_t *said, size_t length)
{
    said->length = length - text_utf8_pending(said->data, length);
    said->data[said->length] = '\0';
}

static int stop_at(buffer_t *said, const json_t *stop)
{
    size_t length = 0;
    const char *text = json_text(stop, &length);
    const char *found = length > 0 ? memmem(buffer_text(said), said->length, text, length) : NULL;

    if (found != NULL) {
        shorten(said, (size_t)(found - said->data));
    }
    return found != NULL;
}

speech_end_e speech_limit(buffer_t *said, const json_t *stops, int64_t max_tokens)
{
    size_t longest = (size_t)max_tokens * BYTES_A_TOKEN;
    int stopped = stop_at(said, stops);
    size_t i;

    for (i = 0; i < json_length(stops); i++) {
        stopped |= stop_at(said, json_item(stops, i));
    }
    if (longest > 0 && said->length > longest) {
        shorten(said, longest);
        return SPEECH_CUT;
    }
    return stopped ? SPEECH_STOPPED : SPEECH_WHOLE;
}

void speech_reasoning(const script_t *script, buffer_t *out)
{
    size_t count = script_number(script, SCRIPT_REASONING);
    size_t i;

    (void)buffer_puts(out, "Let me think");
    for (i = 1; i <= count; i++) {
        (void)buffer_printf(out, " thought%zu", i);
    }
}

int speech_take(script_t *script, const json_t *text, buffer_t *input)
{
    size_t length = 0;
    const char *bytes = json_text(text, &length);

    return bytes == NULL || script_parse(script, bytes, length, input);
}

size_t speech_tokens(size_t bytes)
{
    return (bytes + BYTES_A_TOKEN - 1) / BYTES_A_TOKEN;
}

/* ---- in chunks ---- */

size_t speech_piece(const speech_cut_t *cut, const char *text, size_t length)
{
    int tiny = script_has(cut->script, SCRIPT_UNICODE);
    size_t most = cut->longest;
    const char *space;

    if (tiny) {
        most = cut->characters ? CHARACTER_MAX : CUT_CHARACTER;
    }
    most = most < length ? most : length;
    if (cut->words && !tiny && most > 1) {
        space = memchr(text + 1, ' ', most - 1);
        most = space != NULL ? (size_t)(space - text) : most;
    }
    return cut->characters && most < length ? most - text_utf8_pending(text, most) : most;
}

speech_e speech_before(const script_t *script, size_t chunks)
{
    if (script_has(script, SCRIPT_STREAM_ERROR) &&
        chunks == script_number(script, SCRIPT_STREAM_ERROR)) {
        return SPEECH_ERROR;
    }
    if (script_has(script, SCRIPT_HANG_AFTER) &&
        chunks == script_number(script, SCRIPT_HANG_AFTER)) {
        return SPEECH_HANG;
    }
    return script_has(script, SCRIPT_UNKNOWN_EVENT) && chunks == 1 ? SPEECH_UNKNOWN : SPEECH_ON;
}

/* Commands that wait for more chunks than there were take effect behind the last one. */
speech_e speech_behind(const script_t *script, size_t chunks)
{
    if (script_has(script, SCRIPT_STREAM_ERROR)) {
        return SPEECH_ERROR;
    }
    if (script_has(script, SCRIPT_STREAM_ERROR_CODE)) {
        return SPEECH_ERROR_CODE;
    }
    if (script_has(script, SCRIPT_HANG_AFTER)) {
        return SPEECH_HANG;
    }
    return script_has(script, SCRIPT_UNKNOWN_EVENT) && chunks <= 1 ? SPEECH_UNKNOWN : SPEECH_ON;
}

void speech_pause(const script_t *script, size_t chunks, answer_t *answer)
{
    if (chunks > 0 && script_number(script, SCRIPT_CHUNK_DELAY) > 0) {
        answer_step(answer, ANSWER_WAIT, script_number(script, SCRIPT_CHUNK_DELAY));
    }
}
