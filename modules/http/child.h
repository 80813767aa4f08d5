/*
 * What one child process has: its I/O thread and its place in shared memory.
 */
#ifndef HTTP_CHILD_H
#define HTTP_CHILD_H

#include "loop/loop.h"

#include <httpd.h>

/* Parent, once the configuration was read: makes (or keeps, over a graceful restart) the shared
 * memory. OK or HTTP_INTERNAL_SERVER_ERROR with the reason in the log. */
int child_prepare(apr_pool_t *pconf, server_rec *main_server);

/* Child, while it starts: starts the I/O thread; it is joined when `pchild` goes. `abandon_chats`
 * is called on the I/O thread when there is no more time for the chats in flight. */
void child_start(apr_pool_t *pchild, server_rec *main_server, void (*abandon_chats)(void));

/* Child, when it begins to stop: idle connections are closed. Gracefully, chats in flight are
 * answered, and those that come on connections already accepted too, each with "Connection: close";
 * else new chats are refused. */
void child_stopping(apr_pool_t *pchild, int graceful);

/* Whether this child can take a chat, or is on its way out. Any thread. */
int child_is_ready(void);
int child_is_stopping(void);

/* Whether it has no time for a new chat. While a graceful stop goes on it still has: a connection
 * it has accepted can be answered nowhere else. Any thread. */
int child_refuses_chats(void);

/* Counts a chat in and out over all children; 0 when there are ChatbotMaxInFlight already. Any
 * thread. */
int child_enter_chat(void);
void child_leave_chat(void);

/* The I/O thread's. */
loop_t *child_loop(void);

#endif
