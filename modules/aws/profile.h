/*
 * The shared config and credentials files of AWS's SDKs: profiles with their
 * properties, and the `services` sections with endpoints.
 *
 * Pure: the caller reads the files and gives their text. A set is filled by one
 * thread; afterwards any thread may look things up. The rules are those of the
 * AWS SDKs and Tools Reference Guide ("Shared config and credentials files")
 * and of the test suite its SDKs share. sso-session sections are passed over.
 */
#ifndef AWS_PROFILE_H
#define AWS_PROFILE_H

#include <apr_pools.h>
#include <stddef.h>

typedef enum { PROFILE_CONFIG, PROFILE_CREDENTIALS } profile_file_e;

typedef struct profile_set_t profile_set_t;

/* An empty set. All text it was given is wiped when `pool` goes. */
profile_set_t *profile_set_create(apr_pool_t *pool);

/* Adds one file's text, which is copied; each file at most once, in any order. Returns NULL, or
 * what is wrong with it, "line 3: …" (in the set's pool, never with a value in it): the set is then
 * of no use. Sections and properties with an invalid name are skipped, with a debug line. */
const char *profile_parse(profile_set_t *set, const char *text, size_t length, profile_file_e file);

/* Whether one of the files has this profile, be it empty. */
int profile_exists(const profile_set_t *set, const char *profile);

/* The value of a property, NULL when there is none; the credentials file comes first. `key` is in
 * lower case: names of properties have no case. The value may be empty, and lives as long as the
 * set. */
const char *profile_property(const profile_set_t *set, const char *profile, const char *key);

/* What the profile says about a service's endpoint, into `*url`: `endpoint_url` of the section that
 * its `services` names, else its own `endpoint_url`, else NULL. `service` is the service id as in
 * AWS_ENDPOINT_URL_<SERVICE>. Returns NULL, or what is wrong. Both are in `pool` or live as long as
 * the set. */
const char *profile_endpoint_url(const profile_set_t *set, apr_pool_t *pool, const char *profile,
                                 const char *service, const char **url);

/* Calls `visit` for each profile, with NULLs, and then for each of its properties, in no certain
 * order. `pool` is for the walk itself. */
void profile_each(const profile_set_t *set, apr_pool_t *pool,
                  void (*visit)(void *baton, const char *profile, const char *key,
                                const char *value),
                  void *baton);

/* Where a file is: AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE ("~/" at their start is $HOME),
 * else $HOME/.aws/config or credentials; NULL without $HOME. An empty variable counts as unset.
 * `variable` answers for the environment, NULL for what is not set. In `pool`. */
const char *profile_path(apr_pool_t *pool, profile_file_e file,
                         const char *(*variable)(void *baton, const char *name), void *baton);

#endif
