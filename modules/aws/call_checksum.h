/*
 * The checksum that an answer carries in x-amz-crc32: the CRC-32 of its body,
 * in decimal. No state but the struct's: any thread.
 *
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
 */
#ifndef AWS_CALL_CHECKSUM_H
#define AWS_CALL_CHECKSUM_H

#include <stddef.h>

#define CALL_CHECKSUM_MAX 12 /* 32 bits in decimal, and what is longer than that */

typedef struct {
    char wanted[CALL_CHECKSUM_MAX]; /* "": the answer carries none */
    unsigned long crc;              /* of the body so far */
} call_checksum_t;

/* At the answer's head; `header` is NULL when it is not there. */
void call_checksum_start(call_checksum_t *checksum, const char *header);

/* For each piece of the body. */
void call_checksum_add(call_checksum_t *checksum, const char *bytes, size_t length);

/* Once the body is whole: whether it is another than the one that was sent. */
int call_checksum_differs(const call_checksum_t *checksum);

#endif
