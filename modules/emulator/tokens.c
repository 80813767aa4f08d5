#include "emulator/tokens.h"

#include <apr_strings.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define DIGITS  "0123456789"
#define BLANKS  " \t\r\n"

static size_t placeholder_length(const char *text)
{
    size_t length = strspn(text + 1, LETTERS DIGITS);

    return length > 0 ? length + 1 : 0;
}

static size_t sign_length(const char *text)
{
    if (strncmp(text, "<>", 2) == 0 || strncmp(text, "<=", 2) == 0 || strncmp(text, ">=", 2) == 0) {
        return 2;
    }
    return strchr(".,()[]+-=<>", *text) != NULL;
}

/* Its kind, and its length; 0 when there is none. */
static token_kind_e kind_of(const char *text, size_t *length)
{
    if (*text == '#' || *text == ':') {
        *length = placeholder_length(text);
        return *text == '#' ? TOKEN_NAME : TOKEN_VALUE;
    }
    *length = strspn(text, DIGITS);
    if (*length > 0) {
        return TOKEN_NUMBER;
    }
    *length = strspn(text, LETTERS DIGITS);
    if (*length > 0) {
        return TOKEN_WORD;
    }
    *length = sign_length(text);
    return TOKEN_SIGN;
}

token_t *tokens_read(apr_pool_t *pool, const char *text)
{
    /* No expression has more tokens than characters. */
    token_t *tokens = apr_palloc(pool, (strlen(text) + 1) * sizeof(*tokens));
    size_t at = strspn(text, BLANKS);
    size_t count;

    for (count = 0; text[at] != '\0'; count++) {
        size_t length = 0;
        token_kind_e kind = kind_of(text + at, &length);
        tokens[count].kind = length > 0 ? kind : TOKEN_BAD;
        length += length == 0;
        tokens[count].text = apr_pstrmemdup(pool, text + at, length);
        tokens[count].start = at;
        tokens[count].end = at + length;
        if (tokens[count].kind == TOKEN_BAD) {
            return tokens;
        }
        at += length;
        at += strspn(text + at, BLANKS);
    }
    tokens[count].kind = TOKEN_END;
    tokens[count].text = "<EOF>";
    tokens[count].start = at;
    tokens[count].end = at;
    return tokens;
}
