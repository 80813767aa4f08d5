#include "chat/files.h"

#include "base/text.h"

#include <apr_strings.h>
#include <stdlib.h>

/* S3 takes keys of 1,024 bytes. */
#define URI_MAX 1100

#define REASON_MAX 512

typedef struct {
    files_t *files;
    const request_file_t *file;
    s3_put_t *put;
    buffer_t uri; /* s3://bucket/key */
} upload_t;

struct files_t {
    upload_t uploads[REQUEST_FILES_MAX];
    backend_file_t list[REQUEST_FILES_MAX];
    size_t count;
    size_t in_flight;
    int is_starting; /* then an end is remembered, and files_start() tells it at its own end */
    reply_e failure; /* REPLY_ANSWER: none yet */
    char reason[REASON_MAX];
    const files_settings_t *settings;
    files_owner_t owner;
};

files_t *files_create(const request_files_t *files)
{
    files_t *made = calloc(1, sizeof(*made));
    size_t i;

    if (made == NULL) {
        return NULL;
    }
    made->count = files->count;
    for (i = 0; i < files->count; i++) {
        const request_file_t *file = &files->list[i];
        made->uploads[i].files = made;
        made->uploads[i].file = file;
        buffer_init(&made->uploads[i].uri, URI_MAX);
        made->list[i] = (backend_file_t){.name = file->name,
                                         .media_type = file->media_type,
                                         .data = file->data,
                                         .data_length = file->data_length};
    }
    return made;
}

const backend_file_t *files_list(const files_t *files, size_t *count)
{
    *count = files->count;
    return files->list;
}

void files_cancel(files_t *files)
{
    size_t i;

    for (i = 0; i < files->count; i++) {
        if (files->uploads[i].put != NULL) {
            s3_put_cancel(files->uploads[i].put);
            files->uploads[i].put = NULL;
        }
    }
    files->in_flight = 0;
}

/* The files may be gone after this. */
static void end(files_t *files, reply_e reply, const char *reason)
{
    files_cancel(files);
    files->owner.on_end(files->owner.baton, reply, reason);
}

static void fail(files_t *files, reply_e reply, const char *reason)
{
    if (!files->is_starting) {
        end(files, reply, reason);
    } else if (files->failure == REPLY_ANSWER) {
        files->failure = reply;
        (void)apr_cpystrn(files->reason, reason, sizeof(files->reason));
    }
}

static void on_put(void *baton, const s3_result_t *result)
{
    upload_t *upload = baton;
    files_t *files = upload->files;

    upload->put = NULL;
    files->in_flight--;
    if (!result->stored) {
        fail(files,
             result->end == CALL_NO_CREDENTIALS ? REPLY_NO_CREDENTIALS : REPLY_DEPENDENCY_FAILED,
             result->reason);
        return;
    }
    files->list[upload - files->uploads].uri = buffer_text(&upload->uri);
    if (files->in_flight == 0 && !files->is_starting) {
        end(files, REPLY_ANSWER, "");
    }
}

/* The key within `upload->uri`, or NULL. */
static const char *make_key(upload_t *upload, const char *session_id)
{
    const files_settings_t *settings = upload->files->settings;
    char id[TEXT_UUID_LENGTH + 1];
    size_t bucket;

    if (!text_uuid4(id) || !buffer_printf(&upload->uri, "s3://%s/", settings->bucket)) {
        return NULL;
    }
    bucket = upload->uri.length;
    return buffer_printf(&upload->uri, "%s%s/%s", settings->prefix, session_id, id)
               ? upload->uri.data + bucket
               : NULL;
}

static int start(upload_t *upload, const char *session_id, apr_time_t deadline)
{
    const files_settings_t *settings = upload->files->settings;
    const s3_owner_t owner = {on_put, upload};
    const s3_object_t object = {.bucket = settings->bucket,
                                .key = make_key(upload, session_id),
                                .content_type = upload->file->media_type,
                                .body = upload->file->bytes,
                                .body_length = upload->file->length,
                                .limits = settings->limits,
                                .deadline = deadline};

    return object.key != NULL && s3_put_start(&upload->put, settings->client, &object, &owner);
}

static void start_all(files_t *files, const char *session_id, apr_time_t deadline)
{
    size_t i;

    files->is_starting = 1;
    for (i = 0; i < files->count && files->failure == REPLY_ANSWER; i++) {
        files->in_flight++;
        if (!start(&files->uploads[i], session_id, deadline)) {
            files->uploads[i].put = NULL;
            fail(files, REPLY_DEPENDENCY_FAILED,
                 "storing a file: it could not be started; memory is out");
        }
    }
    files->is_starting = 0;
}

void files_start(files_t *files, const files_settings_t *settings, const char *session_id,
                 apr_time_t deadline, const files_owner_t *owner)
{
    char reason[REASON_MAX];

    files->settings = settings;
    files->owner = *owner;
    start_all(files, session_id, deadline);
    if (files->failure != REPLY_ANSWER) {
        (void)apr_cpystrn(reason, files->reason, sizeof(reason));
        end(files, files->failure, reason);
    } else if (files->in_flight == 0) {
        end(files, REPLY_ANSWER, "");
    }
}

void files_free(files_t *files)
{
    size_t i;

    if (files == NULL) {
        return;
    }
    for (i = 0; i < files->count; i++) {
        buffer_free(&files->uploads[i].uri);
    }
    free(files);
}
