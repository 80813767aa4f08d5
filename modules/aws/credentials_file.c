#include "aws/credentials_file.h"

#include <apr_errno.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    offload_job_t job;
    credentials_file_t *files;
    size_t count;
    void (*done)(void *baton);
    void *baton;
} reading_t;

/* Up to and over the maximum, which buffer_append() refuses. */
static apr_status_t read_all(int fd, buffer_t *content)
{
    char piece[4096];
    apr_status_t status = APR_SUCCESS;
    ssize_t got;

    do {
        got = read(fd, piece, sizeof(piece));
        if (got < 0 && errno != EINTR) {
            status = errno;
        } else if (got > 0 && !buffer_append(content, piece, (size_t)got)) {
            status = EFBIG;
        }
    } while (got != 0 && status == APR_SUCCESS);
    explicit_bzero(piece, sizeof(piece));
    return status;
}

/* Without waiting: opening a pipe would, for a writer. */
static apr_status_t read_file(const char *path, buffer_t *content)
{
    struct stat about;
    apr_status_t status;
    int fd;

    if (path == NULL) {
        return APR_ENOENT;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return errno;
    }
    if (fstat(fd, &about) != 0) {
        status = errno;
    } else {
        status = S_ISREG(about.st_mode) ? read_all(fd, content) : APR_EINVAL;
    }
    (void)close(fd);
    return status;
}

static void work(offload_job_t *job)
{
    reading_t *reading = LOOP_CONTAINER(job, reading_t, job);
    size_t i;

    for (i = 0; i < reading->count; i++) {
        credentials_file_t *file = &reading->files[i];

        file->status = file->content->failed ? APR_ENOMEM : read_file(file->path, file->content);
        if (file->status != APR_SUCCESS) {
            buffer_wipe(file->content);
        }
    }
}

static void on_done(offload_job_t *job)
{
    reading_t *reading = LOOP_CONTAINER(job, reading_t, job);

    reading->done(reading->baton);
}

void credentials_file_read(const credentials_fetch_t *fetch, credentials_file_t *files,
                           size_t count, void (*done)(void *baton), void *baton)
{
    reading_t *reading = apr_pcalloc(fetch->pool, sizeof(*reading));
    size_t i;

    reading->job.work = work;
    reading->job.done = on_done;
    reading->files = files;
    reading->count = count;
    reading->done = done;
    reading->baton = baton;
    for (i = 0; i < count; i++) {
        files[i].content = credentials_source_buffer(fetch, files[i].maximum);
        files[i].status = APR_ENOMEM;
    }
    if (!offload_start(fetch->offload, &reading->job)) {
        done(baton);
    }
}

const char *credentials_file_problem(const credentials_fetch_t *fetch,
                                     const credentials_file_t *file)
{
    char text[128];

    if (file->status == APR_EINVAL) {
        return "it is not a regular file";
    }
    return apr_pstrdup(fetch->pool, apr_strerror(file->status, text, sizeof(text)));
}
