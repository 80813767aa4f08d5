/*
 * The loop's mailbox: tasks from any thread, taken by the I/O thread in the
 * order posted. Lock-free: a stack that is detached whole and then reversed.
 */
#ifndef LOOP_MAILBOX_H
#define LOOP_MAILBOX_H

#include "loop/loop.h"

#include <stdatomic.h>

typedef struct {
    _Atomic(loop_task_t *) top; /* the newest task */
} mailbox_t;

typedef enum {
    MAILBOX_CLOSED, /* the task was not taken */
    MAILBOX_FIRST,  /* the mailbox was empty: somebody must wake the reader */
    MAILBOX_MORE
} mailbox_put_e;

void mailbox_init(mailbox_t *mailbox);

/* Any thread. */
mailbox_put_e mailbox_put(mailbox_t *mailbox, loop_task_t *task);

/* Whether nothing waits. The reader. */
int mailbox_empty(mailbox_t *mailbox);

/* Detaches all tasks, the oldest first, linked by `next`. The reader. */
loop_task_t *mailbox_take(mailbox_t *mailbox);

/* The same, and no task is taken from now on. The reader. */
loop_task_t *mailbox_close(mailbox_t *mailbox);

#endif
