/*
 * The paths that a simple pattern names: "^/(?:health|livez)$" names two.
 *
 * Reads the small part of PCRE that stands for a few texts: characters, groups,
 * alternatives, anchors, and "?" or "*" for what may be left out. The caller
 * still has to ask the pattern whether it matches. Pure; any thread.
 */
#ifndef CHAT_PATTERN_H
#define CHAT_PATTERN_H

#include <apr_pools.h>
#include <apr_tables.h>

/* More than this many are none. */
#define PATTERN_PATHS_MAX 16

/* The paths (const char *), in the pattern's order; empty when it cannot be told, or one of them
 * would not begin with a slash. */
apr_array_header_t *pattern_paths(apr_pool_t *pool, const char *pattern);

#endif
