/*
 * Timers: a binary heap of pointers, the soonest on top. Each timer knows its
 * place, so that taking it out is as cheap as putting it in. One thread.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <apr_time.h>
#include <stddef.h>

/* Embedded by its owner and zeroed first. */
typedef struct {
    apr_time_t due;  /* of clock_monotonic() */
    size_t position; /* in the heap, from 1; 0 when not in it */
} heap_timer_t;

typedef struct {
    heap_timer_t **items; /* items[0] is unused: a place of 0 means "not in the heap" */
    size_t count;
    size_t capacity;
} heap_t;

/* Frees the array; the timers are their owners'. */
void heap_free(heap_t *heap);

/* Puts a timer in, or moves it after its `due` changed. 0 when memory is out. */
int heap_put(heap_t *heap, heap_timer_t *timer);

/* Takes a timer out; fine when it is not in. */
void heap_remove(heap_t *heap, heap_timer_t *timer);

/* The soonest, or NULL. */
heap_timer_t *heap_first(const heap_t *heap);

/* Milliseconds from now until the soonest is due; rounded up, or who waits so long would spin
 * through the last one. -1 when there is none. */
int heap_wait_ms(const heap_t *heap, apr_time_t now);

#endif
