#include "loop/watch.h"

#include "base/log.h"
#include "loop/private.h"

#include <apr_errno.h>
#include <errno.h>
#include <stdlib.h>

struct watch_t {
    loop_t *loop;
    watch_t *next; /* in loop->watches */
    watch_t **link;
    loop_timer_t timer;
    int fd;
    void (*fn)(void *baton, unsigned came);
    void *baton;
};

static const struct {
    unsigned watched;
    uint32_t polled;
} bits[] = {{WATCH_READABLE, EPOLLIN},
            {WATCH_WRITABLE, EPOLLOUT},
            {WATCH_PEER_SHUT, EPOLLRDHUP},
            {WATCH_ERROR, EPOLLERR | EPOLLHUP}};

static uint32_t to_polled(unsigned watched)
{
    uint32_t polled = 0;
    size_t i;

    for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
        polled |= (watched & bits[i].watched) != 0 ? bits[i].polled : 0;
    }
    return polled;
}

static unsigned to_watched(uint32_t polled)
{
    unsigned watched = 0;
    size_t i;

    for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
        watched |= (polled & bits[i].polled) != 0 ? bits[i].watched : 0;
    }
    return watched;
}

static void release(watch_t *watch)
{
    *watch->link = watch->next;
    if (watch->next != NULL) {
        watch->next->link = watch->link;
    }
    loop_timer_disarm(watch->loop, &watch->timer);
    free(watch);
}

static void fire(watch_t *watch, unsigned came)
{
    void (*fn)(void *baton, unsigned came) = watch->fn;
    void *baton = watch->baton;

    release(watch);
    fn(baton, came);
}

static void on_ready(void *baton, int fd, uint32_t came)
{
    (void)fd;
    fire(baton, to_watched(came));
}

static void on_timeout(loop_timer_t *timer)
{
    watch_t *watch = LOOP_CONTAINER(timer, watch_t, timer);

    poller_forget(&watch->loop->poller, watch->fd);
    fire(watch, WATCH_TIMEOUT);
}

watch_t *watch_start(loop_t *loop, int descriptor, unsigned interest, apr_interval_time_t timeout,
                     void (*fn)(void *baton, unsigned came), void *baton)
{
    watch_t *watch = calloc(1, sizeof(*watch));
    char reason[128];

    if (watch == NULL || !poller_want(&loop->poller, descriptor, to_polled(interest) | EPOLLONESHOT,
                                      on_ready, watch)) {
        log_error("CHAT0052: watching a client's socket: %s; look at the limits of memory and "
                  "fs.epoll.max_user_watches",
                  apr_strerror(watch == NULL ? APR_ENOMEM : errno, reason, sizeof(reason)));
        free(watch);
        return NULL;
    }
    watch->loop = loop;
    watch->fd = descriptor;
    watch->fn = fn;
    watch->baton = baton;
    watch->next = loop->watches;
    watch->link = &loop->watches;
    if (watch->next != NULL) {
        watch->next->link = &watch->next;
    }
    loop->watches = watch;
    if (timeout >= 0) {
        loop_timer_arm(loop, &watch->timer, timeout, on_timeout);
    }
    return watch;
}

void watch_stop(watch_t *watch)
{
    poller_forget(&watch->loop->poller, watch->fd);
    release(watch);
}

void watch_stop_all(loop_t *loop)
{
    watch_t *watch = loop->watches;

    while (watch != NULL) {
        watch_t *next = watch->next;

        watch_stop(watch);
        watch = next;
    }
}
