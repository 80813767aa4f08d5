#include "chat/trace.h"

#include <string.h>

/* Where `count` digits of `digits` end, or NULL. */
static const char *skip(const char *at, size_t count, const char *digits)
{
    return at != NULL && strspn(at, digits) >= count ? at + count : NULL;
}

static const char *skip_dash(const char *at)
{
    return at != NULL && *at == '-' ? at + 1 : NULL;
}

static int is_zero(const char *at, size_t length)
{
    return strspn(at, "0") >= length;
}

int trace_is_parent(const char *value)
{
    static const char hex[] = "0123456789abcdef";
    const char *trace = strncmp(value, "00-", 3) == 0 ? value + 3 : NULL;
    const char *parent = skip_dash(skip(trace, 32, hex));
    const char *flags = skip_dash(skip(parent, 16, hex));
    const char *end = skip(flags, 2, hex);

    return end != NULL && *end == '\0' && !is_zero(trace, 32) && !is_zero(parent, 16);
}

/* 1-{8 hex}-{24 hex} of that length. */
static int is_root(const char *value, size_t length)
{
    static const char hex[] = "0123456789abcdefABCDEF";
    const char *epoch = strncmp(value, "1-", 2) == 0 ? value + 2 : NULL;
    const char *unique = skip_dash(skip(epoch, 8, hex));
    const char *end = skip(unique, 24, hex);

    return end != NULL && (size_t)(end - value) == length;
}

static int is_field(const char *field, size_t length)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const char values[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                 "-_.:|?";
    size_t name = strspn(field, letters);

    return name > 0 && name < length && field[name] == '=' &&
           strspn(field + name + 1, values) >= length - name - 1;
}

int trace_is_amazon(const char *value)
{
    int has_root = 0;

    if (strlen(value) > TRACE_MAX) {
        return 0;
    }
    for (;;) {
        size_t length = strcspn(value, "; ");
        if (!is_field(value, length)) {
            return 0;
        }
        if (strncmp(value, "Root=", 5) == 0) {
            has_root = is_root(value + 5, length - 5);
        }
        value += length;
        if (*value == '\0') {
            return has_root;
        }
        value += strspn(value, "; ");
    }
}
