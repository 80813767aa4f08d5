/* The paths that a pattern of <LocationMatch> names. */
#include "chat/pattern.h"

#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static apr_pool_t *pool;

static const char *paths_of(const char *pattern)
{
    return apr_array_pstrcat(pool, pattern_paths(pool, pattern), ' ');
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    IS(paths_of("^/$"), "/", "the root");
    IS(paths_of("^/(?:health|livez|readyz)$"), "/health /livez /readyz", "alternatives");
    IS(paths_of("^/(chat|sessions)"), "/chat /sessions", "without an end");
    IS(paths_of("^/a$|^/b$"), "/a /b", "alternatives at the top");
    IS(paths_of("^/openapi\\.json$"), "/openapi.json", "an escaped point");
    IS(paths_of("^/openapi.json$"), "/openapi.json", "a point stands for a point too");
    IS(paths_of("^/chat/?$"), "/chat", "what may be left out is");
    IS(paths_of("^/chat(/.*)?$"), "/chat", "a group too");
    IS(paths_of("^/x+$"), "/x", "once is enough");
    IS(paths_of("^/(a|b)/(c|d)$"), "/a/c /a/d /b/c /b/d", "two groups");
    IS(paths_of("^/((a|b)|c)$"), "/a /b /c", "groups in groups");
    IS(paths_of("/chat"), "/chat", "no anchor");
    IS(paths_of("chat$"), "", "no path");
    IS(paths_of("^/[a-z]+$"), "", "a class");
    IS(paths_of("^/\\w+$"), "", "a class's escape");
    IS(paths_of("^/a{2}$"), "", "a count");
    IS(paths_of("^/(?i)chat$"), "", "an option");
    IS(paths_of("^/(chat$"), "", "a group without its end");
    IS(paths_of("^/chat)$"), "", "an end without its group");
    IS(paths_of("^/chat\\"), "", "an escape of nothing");
    IS(paths_of("(((((((((/x)))))))))"), "", "too deep");
    IS(paths_of("^/(a|b|c|d|e)(a|b|c|d|e)$"), "", "too many");
    IS(paths_of(""), "", "nothing");
    IS(paths_of("+"), "", "nothing, once");
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
