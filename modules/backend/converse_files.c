#include "backend/converse_files.h"

#include "backend/converse.h"
#include "base/text.h"

#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_LENGTH 190 /* AWS allows 200; ours gets a number */

/* Shapes ImageBlock and DocumentBlock of the API. */
static const struct {
    const char *media_type;
    const char *format;
    int is_image;
} formats[] = {
    {"image/png", "png", 1},
    {"image/jpeg", "jpeg", 1},
    {"image/gif", "gif", 1},
    {"image/webp", "webp", 1},
    {"application/pdf", "pdf", 0},
    {"application/msword", "doc", 0},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx", 0},
    {"application/vnd.ms-excel", "xls", 0},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", 0},
    {"text/csv", "csv", 0},
    {"text/html", "html", 0},
    {"text/markdown", "md", 0},
    {"text/plain", "txt", 0},
    {"application/json", "txt", 0},
};

#define FORMAT_COUNT (sizeof(formats) / sizeof(formats[0]))

/* The place in `formats`, without parameters like "; charset=utf-8"; FORMAT_COUNT: none. */
static size_t find(const char *media_type)
{
    size_t length = strcspn(media_type, "; \t");
    size_t i = 0;

    while (i < FORMAT_COUNT && (strlen(formats[i].media_type) != length ||
                                strncasecmp(formats[i].media_type, media_type, length) != 0)) {
        i++;
    }
    return i;
}

int converse_takes(const char *media_type)
{
    return find(media_type) < FORMAT_COUNT;
}

const char *converse_files_refused(const backend_prompt_t *prompt)
{
    size_t i;

    for (i = 0; i < prompt->file_count; i++) {
        if (!converse_takes(prompt->files[i].media_type)) {
            return prompt->files[i].media_type;
        }
    }
    return NULL;
}

/* Of a name the API takes letters, digits, single spaces, hyphens and brackets; the number makes it
 * the only one of the message. */
static void put_name(json_writer_t *writer, const char *name, size_t number)
{
    char plain[NAME_MAX_LENGTH + 16];
    size_t i;

    for (i = 0; i < NAME_MAX_LENGTH && name[i] != '\0'; i++) {
        plain[i] = text_only(&name[i], 1, "-()[]") ? name[i] : '-';
    }
    (void)apr_snprintf(plain + i, sizeof(plain) - i, " (%d)", (int)number + 1);
    json_put_member(writer, "name", plain);
}

static void put_source(json_writer_t *writer, const backend_file_t *file)
{
    json_name(writer, "source");
    json_open(writer, '{');
    if (file->data != NULL) {
        json_name(writer, "bytes");
        json_put_string(writer, file->data, file->data_length);
    } else {
        json_name(writer, "s3Location");
        json_open(writer, '{');
        json_put_member(writer, "uri", file->uri);
        json_close(writer, '}');
    }
    json_close(writer, '}');
}

void converse_files_write(json_writer_t *writer, const backend_prompt_t *prompt)
{
    size_t i;

    for (i = 0; i < prompt->file_count; i++) {
        const backend_file_t *file = &prompt->files[i];
        size_t found = find(file->media_type);

        json_open(writer, '{');
        json_name(writer, formats[found].is_image ? "image" : "document");
        json_open(writer, '{');
        json_put_member(writer, "format", formats[found].format);
        if (!formats[found].is_image) {
            put_name(writer, file->name, i);
        }
        put_source(writer, file);
        json_close(writer, '}');
        json_close(writer, '}');
    }
}
