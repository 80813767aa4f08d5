/*
 * One HTTP/1.1 answer, read in pieces: just enough of RFC 9112 for a load generator that speaks
 * to a server under test. An answer with neither length nor chunks ends with the connection.
 */
#ifndef LIB_ANSWER_H
#define LIB_ANSWER_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef enum {
    ANSWER_HEAD,
    ANSWER_BODY, /* `left` bytes to come */
    ANSWER_CHUNK_SIZE,
    ANSWER_CHUNK_END,
    ANSWER_TRAILER,
    ANSWER_TO_EOF
} answer_state_e;

typedef struct {
    answer_state_e state;
    int status, complete, failed, closing, chunked;
    long left;         /* -1: no length given */
    double first_byte; /* when the first byte of the body came; 0 before */
    char request_id[64];
    char line[4096];
    size_t line_length;
} answer_t;

static inline void answer_reset(answer_t *answer)
{
    answer->state = ANSWER_HEAD;
    answer->status = answer->complete = answer->failed = answer->closing = answer->chunked = 0;
    answer->left = -1;
    answer->first_byte = 0;
    answer->request_id[0] = '\0';
    answer->line_length = 0;
}

/* The value when `line` is the header `name`, else NULL. */
static inline const char *answer_header(const char *line, const char *name)
{
    size_t length = strlen(name);

    if (strncasecmp(line, name, length) != 0 || line[length] != ':') {
        return NULL;
    }
    return line + length + 1 + strspn(line + length + 1, " \t");
}

static inline void answer_head_done(answer_t *answer)
{
    if (answer->status < 200) {
        answer_reset(answer);
    } else if (answer->status == 204 || answer->status == 304) {
        answer->complete = 1;
    } else if (answer->chunked) {
        answer->state = ANSWER_CHUNK_SIZE;
    } else if (answer->left >= 0) {
        answer->state = ANSWER_BODY;
        answer->complete = answer->left == 0;
    } else {
        answer->state = ANSWER_TO_EOF;
        answer->closing = 1;
    }
}

static inline void answer_head_line(answer_t *answer, const char *line)
{
    const char *value;

    if (answer->status == 0) {
        answer->status = strncmp(line, "HTTP/1.", 7) == 0 ? (int)strtol(line + 9, NULL, 10) : 0;
        answer->failed = answer->status < 100 || answer->status > 599;
    } else if (line[0] == '\0') {
        answer_head_done(answer);
    } else if ((value = answer_header(line, "Content-Length")) != NULL) {
        answer->left = strtol(value, NULL, 10);
    } else if ((value = answer_header(line, "Transfer-Encoding")) != NULL) {
        answer->chunked = strcasecmp(value, "chunked") == 0;
    } else if ((value = answer_header(line, "Connection")) != NULL) {
        answer->closing = strcasecmp(value, "close") == 0;
    } else if ((value = answer_header(line, "X-Request-ID")) != NULL) {
        strncpy(answer->request_id, value, sizeof(answer->request_id) - 1);
    }
}

static inline void answer_line(answer_t *answer, const char *line)
{
    char *end;

    switch (answer->state) {
    case ANSWER_CHUNK_SIZE:
        answer->left = strtol(line, &end, 16);
        answer->failed = end == line || answer->left < 0;
        answer->state = answer->left == 0 ? ANSWER_TRAILER : ANSWER_BODY;
        break;
    case ANSWER_CHUNK_END:
        answer->failed = line[0] != '\0';
        answer->state = ANSWER_CHUNK_SIZE;
        break;
    case ANSWER_TRAILER: answer->complete = line[0] == '\0'; break;
    default: answer_head_line(answer, line); break;
    }
}

/* Takes one byte of a line; the line is looked at when it ends. */
static inline void answer_line_byte(answer_t *answer, char byte)
{
    if (byte == '\n') {
        if (answer->line_length > 0 && answer->line[answer->line_length - 1] == '\r') {
            answer->line_length--;
        }
        answer->line[answer->line_length] = '\0';
        answer->line_length = 0;
        answer_line(answer, answer->line);
    } else if (answer->line_length + 1 < sizeof(answer->line)) {
        answer->line[answer->line_length++] = byte;
    } else {
        answer->failed = 1;
    }
}

/* Reads until the answer is complete or failed; how many bytes were used. `time` is now. */
static inline size_t answer_feed(answer_t *answer, const char *bytes, size_t length, double time)
{
    size_t used = 0;

    while (used < length && !answer->complete && !answer->failed) {
        size_t step = length - used;

        if (answer->state != ANSWER_BODY && answer->state != ANSWER_TO_EOF) {
            answer_line_byte(answer, bytes[used++]);
            continue;
        }
        if (answer->first_byte <= 0) {
            answer->first_byte = time;
        }
        if (answer->state == ANSWER_BODY) {
            step = (long)step > answer->left ? (size_t)answer->left : step;
            answer->left -= (long)step;
            answer->complete = answer->left == 0 && !answer->chunked;
            answer->state = answer->left == 0 && answer->chunked ? ANSWER_CHUNK_END : answer->state;
        }
        used += step;
    }
    return used;
}

/* The connection ended; whether that completed the answer. */
static inline int answer_end(const answer_t *answer)
{
    return answer->state == ANSWER_TO_EOF;
}

#endif
