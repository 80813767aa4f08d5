/*
 * The stand-in's HTTP server: accepts on one listening socket and has each
 * connection read requests and play answers. All in the poller's thread.
 */
#ifndef EMULATOR_SERVER_H
#define EMULATOR_SERVER_H

#include "emulator/emulator.h"
#include "emulator/poller.h"

typedef struct server_t server_t;

/* Serves on `listen_fd`, which stays the caller's; NULL and errno on failure. */
server_t *server_create(poller_t *poller, emulator_t *emulator, int listen_fd);

/* Closes all connections. */
void server_destroy(server_t *server);

#endif
