#include "emulator/poller.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BATCH 256

struct poller_t {
    int fd;
    int stopping;
    source_t *retired;
    heap_t alarms;
};

poller_t *poller_create(void)
{
    poller_t *poller = calloc(1, sizeof(*poller));

    if (poller == NULL) {
        return NULL;
    }
    poller->fd = epoll_create1(EPOLL_CLOEXEC);
    if (poller->fd < 0) {
        free(poller);
        return NULL;
    }
    return poller;
}

static void free_retired(poller_t *poller)
{
    while (poller->retired != NULL) {
        source_t *source = poller->retired;
        poller->retired = source->next_retired;
        free(source);
    }
}

void poller_destroy(poller_t *poller)
{
    free_retired(poller);
    (void)close(poller->fd);
    heap_free(&poller->alarms);
    free(poller);
}

/* ---- descriptors ---- */

int poller_watch(poller_t *poller, source_t *source, uint32_t interest)
{
    struct epoll_event event = {.events = interest, .data = {.ptr = source}};

    if (source->watched && source->interest == interest) {
        return 1;
    }
    if (epoll_ctl(poller->fd, source->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, source->fd,
                  &event) != 0) {
        return 0;
    }
    source->watched = 1;
    source->interest = interest;
    return 1;
}

void poller_unwatch(poller_t *poller, source_t *source)
{
    if (source->watched) {
        (void)epoll_ctl(poller->fd, EPOLL_CTL_DEL, source->fd, NULL);
        source->watched = 0;
    }
}

void poller_retire(poller_t *poller, source_t *source)
{
    poller_unwatch(poller, source);
    (void)close(source->fd);
    source->on_events = NULL;
    source->next_retired = poller->retired;
    poller->retired = source;
}

/* ---- alarms ---- */

void poller_unset(poller_t *poller, alarm_t *alarm)
{
    heap_remove(&poller->alarms, &alarm->timer);
}

int poller_set(poller_t *poller, alarm_t *alarm, apr_time_t at)
{
    alarm->timer.due = at;
    return heap_put(&poller->alarms, &alarm->timer);
}

static void ring_due(poller_t *poller)
{
    apr_time_t now = clock_monotonic();
    heap_timer_t *timer;

    while ((timer = heap_first(&poller->alarms)) != NULL && timer->due <= now) {
        alarm_t *alarm = (alarm_t *)timer; /* its first member */
        poller_unset(poller, alarm);
        alarm->on_due(alarm);
    }
}

/* ---- the loop ---- */

void poller_run(poller_t *poller)
{
    struct epoll_event events[BATCH];

    while (!poller->stopping) {
        int count =
            epoll_wait(poller->fd, events, BATCH, heap_wait_ms(&poller->alarms, clock_monotonic()));
        int i;
        for (i = 0; i < count; i++) {
            source_t *source = events[i].data.ptr;
            if (source->on_events != NULL) {
                source->on_events(source, events[i].events);
            }
        }
        ring_due(poller);
        free_retired(poller);
        if (count < 0 && errno != EINTR) {
            break;
        }
    }
}

void poller_stop(poller_t *poller)
{
    poller->stopping = 1;
}
