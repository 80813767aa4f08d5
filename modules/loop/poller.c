#include "loop/poller.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CAPACITY_AT_FIRST 256

int poller_open(poller_t *poller)
{
    memset(poller, 0, sizeof(*poller));
    poller->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return poller->epoll_fd >= 0;
}

void poller_close(poller_t *poller)
{
    (void)close(poller->epoll_fd);
    free(poller->slots);
    poller->slots = NULL;
    poller->capacity = 0;
}

/* The record of a descriptor, made when it is the first of its number; NULL when memory is out. */
static poller_slot_t *slot_of(poller_t *poller, int fd)
{
    size_t index = (size_t)fd;
    size_t capacity = poller->capacity > 0 ? poller->capacity : CAPACITY_AT_FIRST;
    poller_slot_t *slots;

    if (index < poller->capacity) {
        return &poller->slots[index];
    }
    while (capacity <= index) {
        capacity *= 2;
    }
    slots = realloc(poller->slots, capacity * sizeof(slots[0]));
    if (slots == NULL) {
        return NULL;
    }
    memset(slots + poller->capacity, 0, (capacity - poller->capacity) * sizeof(slots[0]));
    poller->slots = slots;
    poller->capacity = capacity;
    return &slots[index];
}

static int control(poller_t *poller, int operation, int fd)
{
    poller_slot_t *slot = &poller->slots[fd];
    struct epoll_event event = {.events = slot->events};

    event.data.u64 = (uint64_t)slot->generation << 32 | (uint32_t)fd;
    return epoll_ctl(poller->epoll_fd, operation, fd, &event) == 0;
}

/* What we believe about the registration may be out of date: an owner closes its descriptor without
 * telling, and a number comes back as another file. */
static int apply(poller_t *poller, int fd)
{
    if (poller->slots[fd].registered) {
        return control(poller, EPOLL_CTL_MOD, fd) ||
               (errno == ENOENT && control(poller, EPOLL_CTL_ADD, fd));
    }
    return control(poller, EPOLL_CTL_ADD, fd) ||
           (errno == EEXIST && control(poller, EPOLL_CTL_MOD, fd));
}

int poller_want(poller_t *poller, int fd, uint32_t events, poller_ready_fn *ready, void *baton)
{
    poller_slot_t *slot = slot_of(poller, fd);

    if (slot == NULL) {
        errno = ENOMEM;
        return 0;
    }
    if (!slot->registered || slot->events != events || (events & EPOLLONESHOT) != 0) {
        slot->generation++;
        slot->events = events;
        slot->ready = NULL;
        slot->registered = apply(poller, fd);
        if (!slot->registered) {
            return 0;
        }
    }
    slot->ready = ready;
    slot->baton = baton;
    return 1;
}

void poller_forget(poller_t *poller, int fd)
{
    if ((size_t)fd < poller->capacity) {
        poller->slots[fd].ready = NULL;
    }
}

void poller_remove(poller_t *poller, int fd)
{
    poller_slot_t *slot;

    if ((size_t)fd >= poller->capacity) {
        return;
    }
    slot = &poller->slots[fd];
    slot->ready = NULL;
    slot->lasting = 0;
    slot->generation++;
    if (slot->registered) {
        slot->registered = 0;
        (void)control(poller, EPOLL_CTL_DEL, fd);
    }
}

int poller_keep(poller_t *poller, int fd)
{
    poller_slot_t *slot = slot_of(poller, fd);

    if (slot == NULL) {
        return 0;
    }
    slot->lasting = 1;
    return 1;
}

int poller_is_kept(const poller_t *poller, int fd)
{
    return (size_t)fd < poller->capacity && poller->slots[fd].lasting;
}

size_t poller_wait(poller_t *poller, int timeout)
{
    int count = epoll_wait(poller->epoll_fd, poller->batch, POLLER_BATCH, timeout);

    return count > 0 ? (size_t)count : 0;
}

static void deliver(poller_t *poller, const struct epoll_event *event)
{
    int fd = (int)(uint32_t)event->data.u64;
    poller_slot_t *slot = &poller->slots[fd];
    poller_ready_fn *ready = slot->ready;
    int once = (slot->events & EPOLLONESHOT) != 0;

    if (slot->generation != (uint32_t)(event->data.u64 >> 32)) {
        return;
    }
    if (ready == NULL) {
        if (!once) {
            slot->registered = 0;
            (void)control(poller, EPOLL_CTL_DEL, fd);
        }
        return;
    }
    if (once) {
        slot->ready = NULL;
    }
    ready(slot->baton, fd, event->events);
}

void poller_dispatch(poller_t *poller, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        deliver(poller, &poller->batch[i]);
    }
}
