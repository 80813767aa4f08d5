/*
 * A program that answers questions: one JSON object a line on stdin, one a line
 * on stdout, each in a pool of its own. The scripts beside it ask.
 */
#ifndef CONFORMANCE_LINES_H
#define CONFORMANCE_LINES_H

#include "base/json.h"

#include <apr_general.h>
#include <apr_pools.h>
#include <stdio.h>
#include <stdlib.h>

#define LINES_MAX (64U << 20)

/* Writes the members of the answer; the object is open. */
typedef void lines_answer_fn(apr_pool_t *pool, const json_t *question, json_writer_t *answer);

static inline int lines_answer_one(const char *line, size_t length, lines_answer_fn *answer)
{
    json_error_t error;
    json_t *question = json_parse(line, length, 16, &error);
    json_writer_t writer;
    apr_pool_t *pool;
    buffer_t out;
    int done;

    (void)apr_pool_create(&pool, NULL);
    buffer_init(&out, LINES_MAX);
    json_write_to(&writer, &out);
    json_open(&writer, '{');
    if (error.reason == NULL) {
        answer(pool, question, &writer);
    }
    json_close(&writer, '}');
    done = error.reason == NULL && !out.failed;
    (void)puts(done ? buffer_text(&out) : "{\"error\": \"this question has no answer\"}");
    buffer_free(&out);
    json_release(question);
    apr_pool_destroy(pool);
    return done;
}

/* The whole of main(). */
static inline int lines_answer(lines_answer_fn *answer)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    int done = 1;

    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* an answer for each question, also to a pipe */
    (void)apr_initialize();
    while (done && (length = getline(&line, &capacity, stdin)) > 0) {
        done = lines_answer_one(line, (size_t)length, answer);
    }
    free(line);
    apr_terminate();
    return !done;
}

/* A member's number or truth value; `otherwise` when it is absent. */
static inline int64_t lines_integer(const json_t *object, const char *name, int64_t otherwise)
{
    int64_t number = otherwise;

    (void)json_integer(json_member(object, name), &number);
    return number;
}

static inline int lines_truth(const json_t *object, const char *name)
{
    int truth = 0;

    (void)json_boolean(json_member(object, name), &truth);
    return truth;
}

#endif
