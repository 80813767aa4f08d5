#include "emulator/projections.h"

#include "emulator/grammar.h"

static void read_paths(grammar_t *grammar, projection_t *projection, size_t room)
{
    do {
        const path_t *path = grammar_path(grammar);
        if (path == NULL || projection->count == room) {
            return;
        }
        projection->paths[projection->count++] = path;
    } while (grammar_accept(grammar, ","));
}

int projections_read(substitutions_t *substitutions, const char *text, size_t length,
                     projection_t *projection)
{
    grammar_t grammar;

    if (grammar_open(&grammar, substitutions, "ProjectionExpression", text, length)) {
        /* A path has a character at least. */
        projection->paths = apr_palloc(grammar.pool, length * sizeof(path_t *));
        read_paths(&grammar, projection, length);
        grammar_check_paths(&grammar, projection->paths, projection->count);
    }
    return grammar_close(&grammar);
}
