/*
 * Puts objects into S3: each question is answered by {"stored", "code",
 * "reason", "aws_request_id"}.
 *
 *     {"url": "http://…", "bucket", "key", "type", "body"}
 */
#include "aws/s3.h"
#include "base/clock.h"

#include "aws_client.h"
#include "lines.h"

#include <semaphore.h>

typedef struct {
    loop_task_t task;
    call_client_t client;
    s3_put_t *put;
    s3_object_t object;
    json_writer_t *writer;
    sem_t done;
} asking_t;

static void on_end(void *baton, const s3_result_t *result)
{
    asking_t *asking = baton;

    json_name(asking->writer, "stored");
    json_put_boolean(asking->writer, result->stored);
    json_put_member(asking->writer, "code", result->code);
    json_put_member(asking->writer, "reason", result->reason);
    json_put_member(asking->writer, "aws_request_id", result->aws_request_id);
    (void)sem_post(&asking->done);
}

static void on_task(loop_task_t *task)
{
    asking_t *asking = LOOP_CONTAINER(task, asking_t, task);
    const s3_owner_t owner = {on_end, asking};

    asking->object.deadline = clock_monotonic() + apr_time_from_sec(20);
    if (!s3_put_start(&asking->put, &asking->client, &asking->object, &owner)) {
        json_put_member(asking->writer, "reason", "not started");
        (void)sem_post(&asking->done);
    }
}

static void answer(apr_pool_t *pool, const json_t *question, json_writer_t *writer)
{
    asking_t asking = {.task = {.run = on_task}, .writer = writer};
    loop_t *loop;

    asking.object.bucket = json_member_text(question, "bucket", NULL);
    asking.object.key = json_member_text(question, "key", NULL);
    asking.object.content_type = json_member_text(question, "type", NULL);
    asking.object.body = json_member_text(question, "body", &asking.object.body_length);
    (void)sem_init(&asking.done, 0, 0);
    if (loop_create(&loop, pool) != APR_SUCCESS || loop_start(loop) != APR_SUCCESS) {
        json_put_member(writer, "reason", "no loop");
        return;
    }
    aws_client_make(&asking.client, loop, pool, "s3", json_member_text(question, "url", NULL));
    (void)loop_post(loop, &asking.task);
    while (sem_wait(&asking.done) != 0) {
    }
    loop_stop(loop);
}

int main(void)
{
    return lines_answer(answer);
}
