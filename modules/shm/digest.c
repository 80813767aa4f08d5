#include "shm/digest.h"

#include <apr_general.h>
#include <string.h>

int digest_keys_make(digest_keys_t *keys)
{
    return apr_generate_random_bytes((unsigned char *)keys, sizeof(*keys)) == APR_SUCCESS;
}

digest_t digest_make(const digest_keys_t *keys, const char *scope, const char *name)
{
    const size_t scope_length = strlen(scope);
    const size_t name_length = strlen(name);
    const uint64_t parts[] = {apr_siphash24(scope, scope_length, keys->first),
                              apr_siphash24(scope, scope_length, keys->second),
                              apr_siphash24(name, name_length, keys->first),
                              apr_siphash24(name, name_length, keys->second)};
    const digest_t digest = {apr_siphash24(parts, sizeof(parts), keys->first),
                             apr_siphash24(parts, sizeof(parts), keys->second)};

    return digest;
}
