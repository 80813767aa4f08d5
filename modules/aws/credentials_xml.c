#include "aws/credentials_xml.h"

#include <string.h>

#define NAME_SIZE (CREDENTIALS_XML_NAME_MAX + 1)

typedef struct {
    const char *at;
    const char *end;
    const char *problem;
    buffer_t *value; /* text since the last tag */
    char names[CREDENTIALS_XML_DEPTH_MAX][NAME_SIZE];
    int depth;
    int is_leaf; /* the innermost element has no element in it */
    int roots;
    void (*visit)(void *baton, const char *around, const char *name, const char *value);
    void *baton;
} scan_t;

static int fail(scan_t *scan, const char *problem)
{
    scan->problem = problem;
    return 0;
}

static int starts(const scan_t *scan, const char *prefix)
{
    size_t length = strlen(prefix);

    return (size_t)(scan->end - scan->at) >= length && memcmp(scan->at, prefix, length) == 0;
}

/* Where `what` is, from here on, or NULL. */
static const char *find(const scan_t *scan, const char *what)
{
    return memmem(scan->at, (size_t)(scan->end - scan->at), what, strlen(what));
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(scan_t *scan)
{
    while (scan->at < scan->end && is_blank(*scan->at)) {
        scan->at++;
    }
}

/* ---- text ---- */

static int append(scan_t *scan, const char *bytes, size_t length)
{
    return buffer_append(scan->value, bytes, length) || fail(scan, "a text in it is too long");
}

/* UTF-8 (RFC 3629) of a character reference; `code` is a character of XML. */
static int append_character(scan_t *scan, unsigned code)
{
    char bytes[4];
    size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    size_t i;

    for (i = length; i > 1; i--, code >>= 6) {
        bytes[i - 1] = (char)(0x80 | (code & 0x3f));
    }
    bytes[0] = (char)(length == 1 ? code : code | (0xf00U >> length & 0xf0U));
    return append(scan, bytes, length);
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* The number of "#38" or "#x26", 0 when it is no character. */
static unsigned reference_number(const char *at, const char *end)
{
    unsigned base = end - at > 1 && at[1] == 'x' ? 16 : 10;
    unsigned code = 0;

    for (at += base == 16 ? 2 : 1; at < end; at++) {
        unsigned digit = (unsigned)digit_value(*at);

        if (digit >= base || code > 0x10ffff) {
            return 0;
        }
        code = code * base + digit;
    }
    return code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : code;
}

static int take_reference(scan_t *scan)
{
    static const char *const names[] = {"amp", "lt", "gt", "quot", "apos"};
    static const char characters[] = "&<>\"'";
    const char *start = scan->at + 1;
    const char *end = find(scan, ";");
    unsigned code = 0;
    size_t i;

    if (end == NULL) {
        return fail(scan, "a \"&\" in it has no \";\"");
    }
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if ((size_t)(end - start) == strlen(names[i]) &&
            memcmp(start, names[i], strlen(names[i])) == 0) {
            code = (unsigned char)characters[i];
        }
    }
    if (code == 0 && *start == '#') {
        code = reference_number(start, end);
    }
    scan->at = end + 1;
    return code > 0 ? append_character(scan, code) : fail(scan, "it has an unknown entity");
}

static int take_text(scan_t *scan)
{
    const char *start = scan->at;

    if (*start == '&') {
        return take_reference(scan);
    }
    while (scan->at < scan->end && *scan->at != '<' && *scan->at != '&') {
        scan->at++;
    }
    return append(scan, start, (size_t)(scan->at - start));
}

static int take_cdata(scan_t *scan)
{
    const char *end;

    scan->at += strlen("<![CDATA[");
    end = find(scan, "]]>");
    if (end == NULL) {
        return fail(scan, "a CDATA section in it does not end");
    }
    if (!append(scan, scan->at, (size_t)(end - scan->at))) {
        return 0;
    }
    scan->at = end + strlen("]]>");
    return 1;
}

/* ---- tags ---- */

static int is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == ':';
}

/* Reads a name without its prefix into `name`. */
static int take_name(scan_t *scan, char *name)
{
    const char *start = scan->at;
    size_t length;

    for (; scan->at < scan->end && is_name_character(*scan->at); scan->at++) {
        if (*scan->at == ':') {
            start = scan->at + 1;
        }
    }
    length = (size_t)(scan->at - start);
    if (length == 0 || length > CREDENTIALS_XML_NAME_MAX) {
        return fail(scan, "it has a tag without a proper name");
    }
    memcpy(name, start, length);
    name[length] = '\0';
    return 1;
}

static void open_element(scan_t *scan, const char *name)
{
    memcpy(scan->names[scan->depth++], name, strlen(name) + 1);
    scan->is_leaf = 1;
    buffer_clear(scan->value);
}

static void close_element(scan_t *scan)
{
    const char *around = scan->depth > 1 ? scan->names[scan->depth - 2] : "";

    scan->depth--;
    if (scan->is_leaf) {
        scan->visit(scan->baton, around, scan->names[scan->depth], buffer_text(scan->value));
    }
    scan->is_leaf = 0;
    buffer_clear(scan->value);
}

/* To the ">" of a start tag; 1 in `*empty` for "/>". */
static int skip_attributes(scan_t *scan, int *empty)
{
    char quote = '\0';

    for (*empty = 0; scan->at < scan->end; scan->at++) {
        char c = *scan->at;

        if (quote == '\0' && c == '>') {
            *empty = scan->at[-1] == '/';
            scan->at++;
            return 1;
        }
        if (quote == '\0' && c == '<') {
            break;
        }
        if (c == quote) {
            quote = '\0';
        } else if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
        }
    }
    return fail(scan, "a tag in it does not end");
}

static int take_start_tag(scan_t *scan)
{
    char name[NAME_SIZE];
    int empty;

    scan->at++;
    if (!take_name(scan, name) || !skip_attributes(scan, &empty)) {
        return 0;
    }
    if (scan->depth == CREDENTIALS_XML_DEPTH_MAX) {
        return fail(scan, "it nests too deeply");
    }
    if (scan->depth == 0 && scan->roots++ > 0) {
        return fail(scan, "it has two roots");
    }
    open_element(scan, name);
    if (empty) {
        close_element(scan);
    }
    return 1;
}

static int take_end_tag(scan_t *scan)
{
    char name[NAME_SIZE];

    scan->at += 2;
    if (!take_name(scan, name)) {
        return 0;
    }
    skip_blanks(scan);
    if (!starts(scan, ">") || scan->depth == 0 || strcmp(name, scan->names[scan->depth - 1]) != 0) {
        return fail(scan, "its tags do not match");
    }
    scan->at++;
    close_element(scan);
    return 1;
}

static int skip_past(scan_t *scan, const char *end)
{
    const char *found = find(scan, end);

    if (found == NULL) {
        return fail(scan, "a comment or instruction in it does not end");
    }
    scan->at = found + strlen(end);
    return 1;
}

static int take_markup(scan_t *scan)
{
    if (starts(scan, "<![CDATA[") && scan->depth > 0) {
        return take_cdata(scan);
    }
    if (starts(scan, "<!--")) {
        scan->at += strlen("<!--");
        return skip_past(scan, "-->");
    }
    if (starts(scan, "<?")) {
        return skip_past(scan, "?>");
    }
    if (starts(scan, "<!")) {
        return fail(scan, "it has a document type, which no answer of AWS has");
    }
    return starts(scan, "</") ? take_end_tag(scan) : take_start_tag(scan);
}

static int take_outside(scan_t *scan)
{
    skip_blanks(scan);
    return scan->at == scan->end || *scan->at == '<' || fail(scan, "it has text outside its tags");
}

const char *credentials_xml_each(const char *text, size_t length, buffer_t *scratch,
                                 void (*visit)(void *baton, const char *around, const char *name,
                                               const char *value),
                                 void *baton)
{
    scan_t scan = {.at = text, .end = text + length, .value = scratch, .visit = visit};
    int fine = 1;

    scan.baton = baton;
    if (memchr(text, '\0', length) != NULL) {
        return "it has a NUL in it";
    }
    buffer_clear(scratch);
    while (fine && scan.at < scan.end) {
        if (*scan.at == '<') {
            fine = take_markup(&scan);
        } else {
            fine = scan.depth > 0 ? take_text(&scan) : take_outside(&scan);
        }
    }
    buffer_wipe(scratch);
    if (fine && (scan.depth > 0 || scan.roots == 0)) {
        (void)fail(&scan, "it is cut, or there is no XML");
    }
    return scan.problem;
}
