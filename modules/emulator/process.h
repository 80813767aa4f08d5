/*
 * Inside the stand-in's own process: its event loop and its end. It knows no
 * httpd; daemon.c has made the process and set its log.
 */
#ifndef EMULATOR_PROCESS_H
#define EMULATOR_PROCESS_H

#include "emulator/settings.h"

/* Words that the parent writes to the lease, one byte each: while it reads its configuration anew
 * the lease is about to end, and goes on when the new one still wants this process. */
#define PROCESS_LEASE_ENDS    'e'
#define PROCESS_LEASE_GOES_ON 'k'

/* Serves on the listening socket until SIGTERM (which must be blocked), until the lease ends, or
 * until its other end is closed. */
void process_serve(const settings_t *settings, int listen_fd, int lease_fd);

#endif
