/*
 * A page of a bucket's objects, as ListObjectsV2 asks for it. No state: one
 * thread.
 */
#ifndef EMULATOR_S3_LIST_H
#define EMULATOR_S3_LIST_H

#include "emulator/answer.h"
#include "emulator/http_parse.h"
#include "emulator/s3_store.h"

/* NULL when memory is out. */
answer_t *s3_list_answer(const http_request_t *request, const s3_bucket_t *bucket);

#endif
