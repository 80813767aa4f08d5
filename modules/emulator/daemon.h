/*
 * The stand-in's own process: started and watched by httpd's parent.
 *
 * One process for all: its sessions and counters are simply in memory, it
 * outlives a graceful restart whose settings are the same, it is started again
 * when it dies, and it ends with httpd, however that ends. All functions but
 * daemon_forget_in_child() are for the parent.
 */
#ifndef EMULATOR_DAEMON_H
#define EMULATOR_DAEMON_H

#include "emulator/settings.h"

#include <httpd.h>

/* Whether the address can be listened on: httpd's first pass, which still has the terminal, is to
 * fail when it cannot. Starts nothing. OK, or a status and a line in the log. */
int daemon_try(apr_pool_t *pool, server_rec *server, const settings_t *settings);

/* Sees to it that a daemon with exactly these settings runs, or none when they have no address.
 * OK, or a status and a line in the error log. To be called in each generation. */
int daemon_ensure(apr_pool_t *pconf, server_rec *server, const settings_t *settings);

/* For httpd's children: lets go of what they inherited. */
void daemon_forget_in_child(void);

#endif
