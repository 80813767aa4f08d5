/*
 * What the files of loop/ share: the loop itself. Nobody outside loop/
 * includes it. I/O thread only, but for `mailbox` and `wake_fd`.
 */
#ifndef LOOP_PRIVATE_H
#define LOOP_PRIVATE_H

#include "loop/loop.h"
#include "loop/mailbox.h"
#include "loop/poller.h"
#include "loop/watch.h"

#include <pthread.h>

typedef struct transfers_t transfers_t;

struct loop_t {
    mailbox_t mailbox; /* any thread */
    int wake_fd;       /* any thread writes; open as long as the pool lives, for late posters */

    poller_t poller;
    heap_t timers;
    apr_time_t now;
    int firing;   /* timers are being fired */
    int stopping; /* this round is the last */
    void (*on_round_end)(void *baton);
    void *round_end_baton;
    watch_t *watches; /* all that have not fired */
    transfers_t *transfers;

    pthread_t thread; /* loop_start() and loop_stop() */
    int started;
    int stopped;
    loop_task_t stop_task;
};

/* Frees all watches without a word to their owners. */
void watch_stop_all(loop_t *loop);

/* The transfers' share of the loop; destroying ends all of them without a word to their owners. */
apr_status_t transfers_create(transfers_t **result, loop_t *loop);
void transfers_destroy(transfers_t *transfers);

#endif
