/*
 * One client's connection: reads requests one after the other, asks for the
 * answer of each, and plays its steps: bytes, pauses, silence, violent ends.
 * A client that leaves while its answer is pending is noticed at once. All in
 * the poller's thread.
 */
#ifndef EMULATOR_CONNECTION_H
#define EMULATOR_CONNECTION_H

#include "emulator/emulator.h"
#include "emulator/poller.h"

typedef struct connection_t connection_t;

/* Where a server keeps its connections. */
typedef struct {
    poller_t *poller;
    emulator_t *emulator;
    connection_t *first;
} connections_t;

/* Takes over the accepted, non-blocking socket; 0 when it cannot, the socket is closed then. */
int connection_open(connections_t *all, int fd);

/* Closes every connection; answers under way count as closed by us. */
void connection_close_all(connections_t *all);

#endif
