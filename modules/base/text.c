#include "base/text.h"

#include <openssl/rand.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Bytes a character takes by its first byte, 0 for a byte that starts none; `low` and `high` bound
 * the second byte (RFC 3629, table of section 4). */
static size_t utf8_width(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4) {
        return 0;
    }
    if (first < 0xe0) {
        return 2;
    }
    if (first < 0xf0) {
        *low = first == 0xe0 ? 0xa0 : 0x80;
        *high = first == 0xed ? 0x9f : 0xbf;
        return 3;
    }
    *low = first == 0xf0 ? 0x90 : 0x80;
    *high = first == 0xf4 ? 0x8f : 0xbf;
    return 4;
}

/* Bytes of the character at the start that are well-formed; equal to `*width` when it is whole. */
static size_t utf8_match(const unsigned char *bytes, size_t length, size_t *width)
{
    unsigned char low;
    unsigned char high;
    size_t i = 1;

    *width = utf8_width(bytes[0], &low, &high);
    if (*width == 0) {
        return 0;
    }
    for (; i < *width && i < length; i++) {
        if (bytes[i] < low || bytes[i] > high) {
            break;
        }
        low = 0x80;
        high = 0xbf;
    }
    return i;
}

/* Whether the next eight bytes are there and have no high bit: most text is so. */
static int is_ascii_word(const unsigned char *at, const unsigned char *end)
{
    uint64_t word;

    if ((size_t)(end - at) < sizeof(word)) {
        return 0;
    }
    memcpy(&word, at, sizeof(word));
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

size_t text_utf8_length(const char *bytes, size_t length)
{
    const unsigned char *at = (const unsigned char *)bytes;
    const unsigned char *end = at + length;
    size_t count = 0;

    while (at < end) {
        size_t width;
        if (is_ascii_word(at, end)) {
            at += sizeof(uint64_t);
            count += sizeof(uint64_t);
            continue;
        }
        if (utf8_match(at, (size_t)(end - at), &width) != width || width == 0) {
            return TEXT_NOT_UTF8;
        }
        at += width;
        count++;
    }
    return count;
}

size_t text_utf8_pending(const char *bytes, size_t length)
{
    size_t back;

    for (back = 1; back <= 3 && back <= length; back++) {
        const unsigned char *at = (const unsigned char *)bytes + length - back;
        size_t width;
        if ((*at & 0xc0) == 0x80) {
            continue;
        }
        return utf8_match(at, back, &width) == back && width > back ? back : 0;
    }
    return 0;
}

int text_base64_encode(buffer_t *out, const void *bytes, size_t length)
{
    const unsigned char *in = bytes;
    char *to = length > (SIZE_MAX / 4) ? NULL : buffer_reserve(out, (length + 2) / 3 * 4);

    if (to == NULL) {
        out->failed = 1;
        return 0;
    }
    for (; length > 0; in += 3) {
        uint32_t group = (uint32_t)in[0] << 16;
        group |= length > 1 ? (uint32_t)in[1] << 8 : 0;
        group |= length > 2 ? in[2] : 0;
        *to++ = base64_alphabet[group >> 18];
        *to++ = base64_alphabet[group >> 12 & 63];
        *to++ = length > 1 ? base64_alphabet[group >> 6 & 63] : '=';
        *to++ = length > 2 ? base64_alphabet[group & 63] : '=';
        length -= length > 3 ? 3 : length;
    }
    *to = '\0';
    out->length = (size_t)(to - out->data);
    return 1;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The 24 bits of four characters, or -1; `*width` is how many bytes they stand for. */
static int32_t base64_group(const char *text, size_t *width)
{
    int32_t group = 0;
    int i;

    *width = text[3] != '=' ? 3 : text[2] != '=' ? 2 : 1;
    for (i = 0; i < 4; i++) {
        int value = (size_t)i <= *width ? base64_value(text[i]) : 0;
        if (value < 0) {
            return -1;
        }
        group = group << 6 | value;
    }
    /* Bits beyond the last byte are zero in the one canonical form. */
    return (*width == 1 && (group & 0xffff)) || (*width == 2 && (group & 0xff)) ? -1 : group;
}

int text_base64_decode(buffer_t *out, const char *text, size_t length)
{
    size_t i;

    if (length % 4 != 0) {
        return 0;
    }
    for (i = 0; i < length; i += 4) {
        size_t width;
        int32_t group = base64_group(text + i, &width);
        char bytes[3];
        if (group < 0 || (width < 3 && i + 4 != length)) {
            return 0;
        }
        bytes[0] = (char)(group >> 16 & 0xff);
        bytes[1] = (char)(group >> 8 & 0xff);
        bytes[2] = (char)(group & 0xff);
        if (!buffer_append(out, bytes, width)) {
            return 0;
        }
    }
    return 1;
}

static int is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

int text_percent_encode(buffer_t *out, const char *bytes, size_t length, const char *keep)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t i;

    for (i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};
        int plain =
            is_alphanumeric(bytes[i]) || is_one_of(bytes[i], "-._~") || is_one_of(bytes[i], keep);
        if (!buffer_append(out, plain ? &bytes[i] : escaped, plain ? 1 : 3)) {
            return 0;
        }
    }
    return 1;
}

void text_hex(char *out, const unsigned char *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    size_t i;

    for (i = 0; i < length; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

int text_uuid4(char *out)
{
    static const char dash_after[] = {4, 6, 8, 10};
    unsigned char raw[16];
    char hex[33];
    size_t from = 0;
    size_t i;

    if (RAND_bytes(raw, sizeof(raw)) != 1) {
        return 0;
    }
    raw[6] = (unsigned char)((raw[6] & 0x0f) | 0x40);
    raw[8] = (unsigned char)((raw[8] & 0x3f) | 0x80);
    text_hex(hex, raw, sizeof(raw));
    for (i = 0; i < sizeof(dash_after); i++) {
        size_t to = (size_t)dash_after[i] * 2;
        memcpy(out, hex + from, to - from);
        out += to - from;
        *out++ = '-';
        from = to;
    }
    memcpy(out, hex + from, sizeof(hex) - from);
    return 1;
}

void text_rfc3339(char *out, apr_time_t when)
{
    apr_time_exp_t utc;

    (void)apr_time_exp_gmt(&utc, when);
    (void)snprintf(out, TEXT_RFC3339_LENGTH + 1, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
                   (unsigned)(utc.tm_year + 1900) % 10000U, (unsigned)(utc.tm_mon + 1) % 100U,
                   (unsigned)utc.tm_mday % 100U, (unsigned)utc.tm_hour % 100U,
                   (unsigned)utc.tm_min % 100U, (unsigned)utc.tm_sec % 100U,
                   (unsigned)(utc.tm_usec / 1000) % 1000U);
}

int text_only(const char *bytes, size_t length, const char *others)
{
    size_t i;

    for (i = 0; i < length; i++) {
        if (!is_alphanumeric(bytes[i]) && !is_one_of(bytes[i], others)) {
            return 0;
        }
    }
    return 1;
}

int text_is_session_id(const char *bytes, size_t length)
{
    return length >= 2 && length <= 100 && text_only(bytes, length, "._:-") &&
           !(length == 2 && memcmp(bytes, "..", 2) == 0);
}

int text_is_request_id(const char *bytes, size_t length)
{
    return length >= 1 && length <= 128 && text_only(bytes, length, "._-");
}
