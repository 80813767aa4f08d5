/*
 * What a fuzz target is: one function that takes any bytes and aborts when a
 * promise is broken. libFuzzer calls it with bytes it makes up, replay.c with
 * the files of the corpus.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Always 0, as libFuzzer wants it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise that must hold for any input. */
#define PROMISE(truth)                                                                             \
    do {                                                                                           \
        if (!(truth)) {                                                                            \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
