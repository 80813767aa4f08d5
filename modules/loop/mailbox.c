#include "loop/mailbox.h"

/* Its address in `top` says that the mailbox is closed. */
static loop_task_t closed;

void mailbox_init(mailbox_t *mailbox)
{
    atomic_init(&mailbox->top, NULL);
}

mailbox_put_e mailbox_put(mailbox_t *mailbox, loop_task_t *task)
{
    loop_task_t *top = atomic_load_explicit(&mailbox->top, memory_order_relaxed);

    do {
        if (top == &closed) {
            return MAILBOX_CLOSED;
        }
        task->next = top;
    } while (!atomic_compare_exchange_weak_explicit(&mailbox->top, &top, task, memory_order_release,
                                                    memory_order_relaxed));
    return top == NULL ? MAILBOX_FIRST : MAILBOX_MORE;
}

int mailbox_empty(mailbox_t *mailbox)
{
    return atomic_load_explicit(&mailbox->top, memory_order_relaxed) == NULL;
}

static loop_task_t *reverse(loop_task_t *newest)
{
    loop_task_t *oldest = NULL;

    while (newest != NULL) {
        loop_task_t *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

loop_task_t *mailbox_take(mailbox_t *mailbox)
{
    if (mailbox_empty(mailbox)) {
        return NULL;
    }
    return reverse(atomic_exchange_explicit(&mailbox->top, NULL, memory_order_acquire));
}

loop_task_t *mailbox_close(mailbox_t *mailbox)
{
    return reverse(atomic_exchange_explicit(&mailbox->top, &closed, memory_order_acquire));
}
