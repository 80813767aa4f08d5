#include "emulator/poller.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BATCH      256
#define FIRST_ROOM 1024
#define NO_TIMEOUT (-1)

struct poller_t {
    int fd;
    int stopping;
    source_t *retired;
    alarm_t **heap; /* from 1: the earliest */
    size_t alarms;
    size_t room;
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
    free(poller->heap);
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

static void put(poller_t *poller, alarm_t *alarm, size_t place)
{
    poller->heap[place] = alarm;
    alarm->place = place;
}

static void sift_up(poller_t *poller, alarm_t *alarm)
{
    size_t place = alarm->place;

    while (place > 1 && poller->heap[place / 2]->at > alarm->at) {
        put(poller, poller->heap[place / 2], place);
        place /= 2;
    }
    put(poller, alarm, place);
}

static void sift_down(poller_t *poller, alarm_t *alarm)
{
    size_t place = alarm->place;

    for (;;) {
        size_t child = place * 2;
        if (child < poller->alarms && poller->heap[child + 1]->at < poller->heap[child]->at) {
            child++;
        }
        if (child > poller->alarms || poller->heap[child]->at >= alarm->at) {
            break;
        }
        put(poller, poller->heap[child], place);
        place = child;
    }
    put(poller, alarm, place);
}

void poller_unset(poller_t *poller, alarm_t *alarm)
{
    alarm_t *last;

    if (alarm->place == 0) {
        return;
    }
    last = poller->heap[poller->alarms--];
    if (last != alarm) {
        put(poller, last, alarm->place);
        sift_up(poller, last);
        sift_down(poller, last);
    }
    alarm->place = 0;
}

int poller_set(poller_t *poller, alarm_t *alarm, apr_time_t at)
{
    poller_unset(poller, alarm);
    if (poller->alarms + 2 > poller->room) {
        size_t room = poller->room > 0 ? poller->room * 2 : FIRST_ROOM;
        alarm_t **grown = realloc(poller->heap, room * sizeof(alarm_t *));
        if (grown == NULL) {
            return 0;
        }
        poller->heap = grown;
        poller->room = room;
    }
    alarm->at = at;
    put(poller, alarm, ++poller->alarms);
    sift_up(poller, alarm);
    return 1;
}

static void ring_due(poller_t *poller)
{
    apr_time_t now = clock_monotonic();

    while (poller->alarms > 0 && poller->heap[1]->at <= now) {
        alarm_t *alarm = poller->heap[1];
        poller_unset(poller, alarm);
        alarm->on_due(alarm);
    }
}

/* Milliseconds until the next alarm, rounded up so that it is due then. */
static int timeout(const poller_t *poller)
{
    apr_time_t left;

    if (poller->alarms == 0) {
        return NO_TIMEOUT;
    }
    left = poller->heap[1]->at - clock_monotonic();
    return left > 0 ? (int)((left + 999) / 1000) : 0;
}

/* ---- the loop ---- */

void poller_run(poller_t *poller)
{
    struct epoll_event events[BATCH];

    while (!poller->stopping) {
        int count = epoll_wait(poller->fd, events, BATCH, timeout(poller));
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
