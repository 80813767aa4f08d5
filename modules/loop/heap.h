/*
 * The loop's timers: a binary heap of pointers, the soonest on top. Each timer
 * knows its place, so that disarming is as cheap as arming. I/O thread only.
 */
#ifndef LOOP_HEAP_H
#define LOOP_HEAP_H

#include "loop/loop.h"

typedef struct {
    loop_timer_t **items; /* items[0] is unused: a place of 0 means "not in the heap" */
    size_t count;
    size_t capacity;
} heap_t;

/* Frees the array; the timers are their owners'. */
void heap_free(heap_t *heap);

/* Puts a timer in, or moves it after its `due` changed. 0 when memory is out. */
int heap_put(heap_t *heap, loop_timer_t *timer);

/* Takes a timer out; fine when it is not in. */
void heap_remove(heap_t *heap, loop_timer_t *timer);

/* The soonest, or NULL. */
loop_timer_t *heap_first(const heap_t *heap);

#endif
