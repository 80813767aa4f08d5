#include "chat/pattern.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define DEPTH_MAX 8

typedef struct {
    apr_pool_t *pool;
    const char *at;
    int depth;
    int failed;
} reader_t;

typedef apr_array_header_t texts_t; /* of const char * */

static texts_t *make(const reader_t *reader, const char *first)
{
    texts_t *texts = apr_array_make(reader->pool, 2, sizeof(const char *));

    if (first != NULL) {
        APR_ARRAY_PUSH(texts, const char *) = first;
    }
    return texts;
}

/* Every text of `left` with every one of `right` behind it. */
static texts_t *join(reader_t *reader, const texts_t *left, const texts_t *right)
{
    texts_t *joined = make(reader, NULL);
    int i;
    int k;

    if (left->nelts * right->nelts > PATTERN_PATHS_MAX) {
        reader->failed = 1;
        return joined;
    }
    for (i = 0; i < left->nelts; i++) {
        for (k = 0; k < right->nelts; k++) {
            APR_ARRAY_PUSH(joined, const char *) =
                apr_pstrcat(reader->pool, APR_ARRAY_IDX(left, i, const char *),
                            APR_ARRAY_IDX(right, k, const char *), NULL);
        }
    }
    return joined;
}

static texts_t *read_alternatives(reader_t *reader);

static texts_t *read_group(reader_t *reader)
{
    texts_t *texts;

    if (strncmp(reader->at, "?:", 2) == 0) {
        reader->at += 2;
    } else if (*reader->at == '?') {
        reader->failed = 1; /* a look ahead, an option, a name */
        return make(reader, NULL);
    }
    reader->depth++;
    texts = reader->depth <= DEPTH_MAX ? read_alternatives(reader) : make(reader, NULL);
    reader->depth--;
    reader->failed |= *reader->at != ')' || texts->nelts == 0;
    reader->at += *reader->at == ')';
    return texts;
}

/* A character, an escaped one, or a group. A point stands for itself too. */
static texts_t *read_atom(reader_t *reader)
{
    char character = *reader->at++;

    if (character == '(') {
        return read_group(reader);
    }
    if (character == '\\') {
        character = *reader->at;
        reader->failed |= character == '\0' || apr_isalnum(character);
        reader->at += character != '\0';
    } else if (strchr("[{*+?", character) != NULL) {
        reader->failed = 1;
    }
    return make(reader, apr_pstrmemdup(reader->pool, &character, 1));
}

static texts_t *read_item(reader_t *reader)
{
    texts_t *texts;

    if (*reader->at == '^' || *reader->at == '$') {
        reader->at++;
        return make(reader, "");
    }
    texts = read_atom(reader);
    if (*reader->at == '?' || *reader->at == '*') {
        reader->at++;
        texts = make(reader, "");
    } else if (*reader->at == '{' || *reader->at == '+') {
        reader->failed |= *reader->at == '{';
        reader->at++;
    }
    return texts;
}

static texts_t *read_alternatives(reader_t *reader)
{
    texts_t *all = make(reader, NULL);
    texts_t *sequence = make(reader, "");

    while (!reader->failed && *reader->at != '\0' && *reader->at != ')') {
        if (*reader->at == '|') {
            reader->at++;
            apr_array_cat(all, sequence);
            sequence = make(reader, "");
        } else {
            sequence = join(reader, sequence, read_item(reader));
        }
    }
    apr_array_cat(all, sequence);
    return all;
}

apr_array_header_t *pattern_paths(apr_pool_t *pool, const char *pattern)
{
    reader_t reader = {.pool = pool, .at = pattern};
    texts_t *paths = read_alternatives(&reader);
    int i;

    reader.failed |= *reader.at != '\0' || paths->nelts > PATTERN_PATHS_MAX;
    for (i = 0; i < paths->nelts; i++) {
        reader.failed |= *APR_ARRAY_IDX(paths, i, const char *) != '/';
    }
    return reader.failed ? make(&reader, NULL) : paths;
}
