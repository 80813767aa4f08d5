#include "base/heap.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_AT_FIRST 64

void heap_free(heap_t *heap)
{
    free(heap->items);
    memset(heap, 0, sizeof(*heap));
}

static void place(heap_t *heap, heap_timer_t *timer, size_t position)
{
    heap->items[position] = timer;
    timer->position = position;
}

static void sift_up(heap_t *heap, heap_timer_t *timer)
{
    size_t position = timer->position;

    while (position > 1 && heap->items[position / 2]->due > timer->due) {
        place(heap, heap->items[position / 2], position);
        position /= 2;
    }
    place(heap, timer, position);
}

static void sift_down(heap_t *heap, heap_timer_t *timer)
{
    size_t position = timer->position;

    for (;;) {
        size_t child = position * 2;

        if (child < heap->count && heap->items[child + 1]->due < heap->items[child]->due) {
            child++;
        }
        if (child > heap->count || heap->items[child]->due >= timer->due) {
            break;
        }
        place(heap, heap->items[child], position);
        position = child;
    }
    place(heap, timer, position);
}

static int grow(heap_t *heap)
{
    size_t capacity = heap->capacity > 0 ? heap->capacity * 2 : CAPACITY_AT_FIRST;
    heap_timer_t **items = realloc(heap->items, capacity * sizeof(void *));

    if (items == NULL) {
        return 0;
    }
    heap->items = items;
    heap->capacity = capacity;
    return 1;
}

int heap_put(heap_t *heap, heap_timer_t *timer)
{
    if (timer->position == 0) {
        if (heap->count + 2 > heap->capacity && !grow(heap)) {
            return 0;
        }
        place(heap, timer, ++heap->count);
    }
    sift_up(heap, timer);
    sift_down(heap, timer);
    return 1;
}

void heap_remove(heap_t *heap, heap_timer_t *timer)
{
    heap_timer_t *last;
    size_t hole = timer->position;

    if (hole == 0) {
        return;
    }
    last = heap->items[heap->count--];
    timer->position = 0;
    if (last != timer) {
        place(heap, last, hole);
        sift_up(heap, last);
        sift_down(heap, last);
    }
}

heap_timer_t *heap_first(const heap_t *heap)
{
    return heap->count > 0 ? heap->items[1] : NULL;
}

int heap_wait_ms(const heap_t *heap, apr_time_t now)
{
    apr_interval_time_t left;

    if (heap->count == 0) {
        return -1;
    }
    left = heap->items[1]->due - now;
    if (left <= 0) {
        return 0;
    }
    left = (left + 999) / 1000;
    return left < INT_MAX ? (int)left : INT_MAX;
}
