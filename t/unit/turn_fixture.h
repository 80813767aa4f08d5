/*
 * For the tests of backend/: a turn without a network, whose owner and
 * transport note what they are told, and the messages of an event stream.
 */
#ifndef UNIT_TURN_FIXTURE_H
#define UNIT_TURN_FIXTURE_H

#include "backend/turn.h"

#include "tap.h"

#include <stdlib.h>
#include <zlib.h>

#define WIRE_MAX 65536

/* ---- the bytes of an answer ---- */

typedef struct {
    char bytes[WIRE_MAX];
    size_t length;
} wire_t;

static inline void wire_put(wire_t *wire, const void *bytes, size_t length)
{
    memcpy(wire->bytes + wire->length, bytes, length);
    wire->length += length;
}

static inline void wire_put_uint32(wire_t *wire, size_t number)
{
    const char bytes[] = {(char)(number >> 24), (char)(number >> 16), (char)(number >> 8),
                          (char)number};

    wire_put(wire, bytes, 4);
}

static inline void wire_put_header(wire_t *wire, const char *name, const char *value)
{
    const char length[] = {(char)strlen(name), 7, (char)(strlen(value) >> 8), (char)strlen(value)};

    wire_put(wire, length, 1);
    wire_put(wire, name, strlen(name));
    wire_put(wire, length + 1, 3);
    wire_put(wire, value, strlen(value));
}

/* One message of an event stream: `kind` is "event", "exception" or "error". */
static inline void wire_put_message(wire_t *wire, const char *kind, const char *type,
                                    const char *payload)
{
    static wire_t headers;
    char *start = wire->bytes + wire->length;
    char name[32];

    headers.length = 0;
    (void)snprintf(name, sizeof(name), ":%s-%s", kind,
                   strcmp(kind, "error") == 0 ? "code" : "type");
    wire_put_header(&headers, name, type);
    wire_put_header(&headers, ":message-type", kind);
    wire_put_uint32(wire, 16 + headers.length + strlen(payload));
    wire_put_uint32(wire, headers.length);
    wire_put_uint32(wire, crc32(0, (const Bytef *)start, 8));
    wire_put(wire, headers.bytes, headers.length);
    wire_put(wire, payload, strlen(payload));
    wire_put_uint32(wire,
                    crc32(0, (const Bytef *)start, (uInt)(wire->bytes + wire->length - start)));
}

static inline void wire_put_event(wire_t *wire, const char *type, const char *payload)
{
    wire_put_message(wire, "event", type, payload);
}

static inline void wire_put_text(wire_t *wire, const char *text)
{
    wire_put(wire, text, strlen(text));
}

/* ---- who hears of it ---- */

typedef struct {
    char text[WIRE_MAX];
    int pieces;
    int delivered; /* as the transport was told */
    int cancelled;
    int paused; /* how often the transport was told */
    int resumed;
    char code[128]; /* of an error in the answer */
    int ended;
    backend_outcome_t outcome;
    char reason[2048];
    char request_id[64];
    int pause_each;    /* the owner pauses at each piece */
    int refuse_at;     /* it refuses the piece of that number */
    const char *wrong; /* what must not be */
    backend_turn_t *turn;
} heard_t;

static heard_t heard;

static inline int hear_text(void *baton, const char *text, size_t length)
{
    size_t have = strlen(heard.text);

    (void)baton;
    if (heard.turn->paused) {
        heard.wrong = "text while paused";
    }
    if (have + length < sizeof(heard.text)) {
        memcpy(heard.text + have, text, length);
        heard.text[have + length] = '\0';
    }
    heard.pieces++;
    if (heard.pause_each) {
        turn_pause(heard.turn);
    }
    return heard.pieces != heard.refuse_at;
}

static inline void hear_end(void *baton, const backend_outcome_t *outcome)
{
    (void)baton;
    heard.ended++;
    heard.outcome = *outcome;
    (void)snprintf(heard.reason, sizeof(heard.reason), "%s", outcome->reason);
    (void)snprintf(heard.request_id, sizeof(heard.request_id), "%s", outcome->aws_request_id);
}

static inline void note_delivered(backend_turn_t *turn)
{
    (void)turn;
    heard.delivered++;
}

static inline void note_error(backend_turn_t *turn, const char *code, size_t length)
{
    (void)turn;
    (void)snprintf(heard.code, sizeof(heard.code), "%.*s", (int)length, code);
}

static inline void note_cancel(backend_turn_t *turn)
{
    (void)turn;
    heard.cancelled++;
}

static inline void note_pause(backend_turn_t *turn)
{
    (void)turn;
    heard.paused++;
}

static inline void note_resume(backend_turn_t *turn)
{
    (void)turn;
    heard.resumed++;
}

static const turn_transport_t noting = {note_delivered, note_error, note_cancel, note_pause,
                                        note_resume};

/* A turn of that kind; what the owner is to do stays in `heard`. */
static inline backend_turn_t *begin_turn(size_t size, const turn_reader_t *reader)
{
    static const backend_owner_t owner = {hear_text, hear_end, NULL};
    const heard_t keep = heard;

    memset(&heard, 0, sizeof(heard));
    heard.pause_each = keep.pause_each;
    heard.refuse_at = keep.refuse_at;
    heard.turn = turn_make(size, reader, &noting, &owner);
    return heard.turn;
}

/* Tells the turn's reader the bytes, cut as said: `cut` bytes, then `step` at a time; then the end.
 * As the transport does it: after a failure no more, and the code that was found is told. */
static inline void tell_answer(backend_turn_t *turn, const char *type, const wire_t *wire,
                               size_t cut, size_t step)
{
    backend_outcome_t outcome = {.code = heard.code, .aws_request_id = "id", .reason = "broken"};
    int fine = turn->reader->on_head(turn, type);
    size_t at = 0;

    while (fine && at < wire->length) {
        size_t end = at < cut ? cut : wire->length;
        size_t length = end - at < step ? end - at : step;
        /* A copy of its own size, so that a read past its end is seen. */
        char *piece = malloc(length);

        memcpy(piece, wire->bytes + at, length);
        fine = turn->reader->on_body(turn, piece, length);
        free(piece);
        at += length;
    }
    if (fine) {
        turn->reader->on_whole(turn);
    }
    turn_end(turn, &outcome);
}

/* The whole of it, byte by byte, and cut at each offset: all must tell the same, which stays in
 * `heard`. */
static inline void hear(size_t size, const turn_reader_t *reader, const char *type,
                        const wire_t *wire)
{
    static heard_t first;
    size_t cut;
    int same = 1;

    tell_answer(begin_turn(size, reader), type, wire, 0, wire->length + 1);
    first = heard;
    for (cut = 0; cut < wire->length; cut++) {
        tell_answer(begin_turn(size, reader), type, wire, cut, cut == 0 ? 1 : wire->length);
        same = same && heard.ended == 1 && heard.outcome.end == first.outcome.end &&
               heard.outcome.stop == first.outcome.stop &&
               heard.outcome.tokens == first.outcome.tokens &&
               strcmp(heard.text, first.text) == 0 && strcmp(heard.code, first.code) == 0 &&
               strcmp(heard.reason, first.reason) == 0;
    }
    heard = first;
    OK(same && first.ended == 1, "the same however it is cut, and ended once");
}

#endif
