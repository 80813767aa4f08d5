/* The answers of backends: any bytes, as any of them reads its own, end in one outcome, which does
 * not depend on how they were cut. The first byte says whose they are, the second where to cut. */
#include "backend/agent_answer.h"
#include "backend/agentcore_answer.h"
#include "backend/converse_answer.h"
#include "backend/openai_answer.h"

#include "fuzz.h"

#include <string.h>
#include <zlib.h>

#define TEXT_MAX ((size_t)1 << 20)

typedef struct {
    buffer_t text;
    int ended;
    backend_outcome_t outcome;
} heard_t;

static int on_text(void *baton, const char *text, size_t length)
{
    heard_t *heard = baton;

    PROMISE(!heard->ended && length > 0);
    return buffer_append(&heard->text, text, length);
}

static void on_end(void *baton, const backend_outcome_t *outcome)
{
    heard_t *heard = baton;

    PROMISE(outcome->end != BACKEND_ANSWERED || heard->text.length > 0);
    PROMISE(outcome->reason != NULL && outcome->tokens >= BACKEND_TOKENS_UNKNOWN);
    heard->ended++;
    heard->outcome = *outcome;
}

static void nothing(backend_turn_t *turn)
{
    (void)turn;
}

static void no_error(backend_turn_t *turn, const char *code, size_t length)
{
    (void)turn;
    PROMISE(length == 0 || code != NULL);
}

static const turn_transport_t silent = {nothing, no_error, nothing, nothing, nothing};

static const struct {
    const turn_reader_t *reader;
    size_t size;
    const char *type;
} kinds[] = {
    {&agent_answer_reader, sizeof(agent_turn_t), "application/vnd.amazon.eventstream"},
    {&converse_answer_stream, sizeof(converse_turn_t), "application/vnd.amazon.eventstream"},
    {&converse_answer_whole, sizeof(converse_turn_t), "application/json"},
    {&agentcore_answer_reader, sizeof(agentcore_turn_t), "application/json"},
    {&agentcore_answer_reader, sizeof(agentcore_turn_t), "text/event-stream"},
    {&openai_answer_reader, sizeof(openai_turn_t), "application/json"},
    {&openai_answer_reader, sizeof(openai_turn_t), "text/event-stream"},
};

static void hear(heard_t *heard, unsigned kind, const char *bytes, size_t size, size_t step)
{
    const backend_owner_t owner = {on_text, on_end, heard};
    const backend_outcome_t broken = {.code = "", .aws_request_id = "", .reason = "cut"};
    const turn_reader_t *reader = kinds[kind].reader;
    backend_turn_t *turn = turn_make(kinds[kind].size, reader, &silent, &owner);
    size_t at = 0;
    int fine;

    memset(heard, 0, sizeof(*heard));
    buffer_init(&heard->text, TEXT_MAX);
    PROMISE(turn != NULL);
    fine = reader->on_head(turn, kinds[kind].type);
    for (; fine && at < size; at += step) {
        fine = reader->on_body(turn, bytes + at, size - at < step ? size - at : step);
    }
    if (fine) {
        reader->on_whole(turn);
    }
    turn_end(turn, &broken);
    PROMISE(heard->ended == 1);
}

/* An event stream's messages from lines "type payload", for a fuzzer guesses no checksums. */
static void frame(buffer_t *out, const char *line, size_t length)
{
    const char *space = memchr(line, ' ', length);
    unsigned char type_length =
        (unsigned char)(space != NULL && space - line < 64 ? space - line : 0);
    size_t headers = 1 + 11 + 3 + type_length + 1 + 13 + 3 + 5;
    size_t payload = length - type_length;
    const unsigned total = (unsigned)(16 + headers + payload);
    const unsigned char lengths[] = {(unsigned char)(total >> 24),
                                     (unsigned char)(total >> 16),
                                     (unsigned char)(total >> 8),
                                     (unsigned char)total,
                                     0,
                                     0,
                                     (unsigned char)(headers >> 8),
                                     (unsigned char)headers};
    size_t start = out->length;
    unsigned long crc = crc32(0, lengths, sizeof(lengths));
    int i;

    (void)buffer_append(out, lengths, sizeof(lengths));
    for (i = 24; i >= 0; i -= 8) {
        (void)buffer_append(out, &(char){(char)(crc >> i)}, 1);
    }
    (void)buffer_append(out, "\x0b:event-type\x07\0", 14);
    (void)buffer_append(out, &type_length, 1);
    (void)buffer_append(out, line, type_length);
    (void)buffer_append(out,
                        "\x0d:message-type\x07\0\x05"
                        "event",
                        22);
    (void)buffer_append(out, line + type_length, payload);
    crc = crc32(0, (const Bytef *)out->data + start, (uInt)(out->length - start));
    for (i = 24; i >= 0; i -= 8) {
        (void)buffer_append(out, &(char){(char)(crc >> i)}, 1);
    }
}

static void frame_all(buffer_t *out, const char *lines, size_t size)
{
    const char *end = lines + size;

    while (lines < end) {
        const char *line_end = memchr(lines, '\n', (size_t)(end - lines));

        line_end = line_end != NULL ? line_end : end;
        frame(out, lines, (size_t)(line_end - lines));
        lines = line_end + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data + 2;
    unsigned kind;
    heard_t whole;
    heard_t cut;
    buffer_t framed;

    if (size < 3) {
        return 0;
    }
    size -= 2;
    kind = data[0] % (unsigned)(sizeof(kinds) / sizeof(kinds[0]));
    buffer_init(&framed, TEXT_MAX);
    if (kind < 2 && data[0] < 128) {
        frame_all(&framed, bytes, size);
        bytes = buffer_text(&framed);
        size = framed.length;
    }
    hear(&whole, kind, bytes, size, size + 1);
    hear(&cut, kind, bytes, size, data[1] % 16U + 1);
    PROMISE(whole.outcome.end == cut.outcome.end && whole.outcome.stop == cut.outcome.stop &&
            whole.outcome.tokens == cut.outcome.tokens && whole.text.length == cut.text.length);
    PROMISE(whole.text.length == 0 ||
            memcmp(whole.text.data, cut.text.data, whole.text.length) == 0);
    buffer_free(&whole.text);
    buffer_free(&cut.text);
    buffer_free(&framed);
    return 0;
}
