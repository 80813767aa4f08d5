/*
 * epoll, with one record a descriptor number. I/O thread only.
 *
 * The kernel is given a descriptor's number and a generation that grows with
 * each registration, never an address: an event that was fetched before its
 * descriptor was given up, or closed and opened again under the same number,
 * carries an old generation and is dropped. No memory can be stale.
 *
 * Registrations are lazy: giving up interest costs no system call, and asking
 * for the same again costs none either.
 */
#ifndef LOOP_POLLER_H
#define LOOP_POLLER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#define POLLER_BATCH 256

/* `came` are EPOLL… bits. */
typedef void poller_ready_fn(void *baton, int fd, uint32_t came);

typedef struct {
    poller_ready_fn *ready; /* NULL: nobody is interested */
    void *baton;
    uint32_t generation;
    uint32_t events; /* as the kernel was told */
    int registered;  /* the kernel was told, and for all we know it still holds */
    int lasting;     /* poller_keep() */
} poller_slot_t;

typedef struct {
    int epoll_fd;
    poller_slot_t *slots; /* by descriptor number */
    size_t capacity;
    struct epoll_event batch[POLLER_BATCH];
} poller_t;

/* 0 when the system refuses (errno). */
int poller_open(poller_t *poller);
void poller_close(poller_t *poller);

/* Waits for EPOLL… bits on `fd`; replaces an earlier interest. With EPOLLONESHOT the interest ends
 * when `ready` is called. 0 when the system refuses (errno). */
int poller_want(poller_t *poller, int fd, uint32_t events, poller_ready_fn *ready, void *baton);

/* Ends the interest; the kernel is told only if an event comes nevertheless. For descriptors that
 * are about to be used again, or whose next registration is EPOLLONESHOT like this one. */
void poller_forget(poller_t *poller, int fd);

/* Ends the interest and the registration: before `fd` is closed. A duplicate of it in another
 * process would otherwise keep the registration alive. */
void poller_remove(poller_t *poller, int fd);

/* Marks a descriptor as one that poller_remove() will be called for, and asks for the mark. */
int poller_keep(poller_t *poller, int fd);
int poller_is_kept(const poller_t *poller, int fd);

/* Waits `timeout` milliseconds (-1: for ever) and gives the number of events that came. */
size_t poller_wait(poller_t *poller, int timeout);

/* Calls whoever is interested in each of the `count` events of the last poller_wait(). */
void poller_dispatch(poller_t *poller, size_t count);

#endif
