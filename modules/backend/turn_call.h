/*
 * A turn whose transport is one AWS call. I/O thread only.
 */
#ifndef BACKEND_TURN_CALL_H
#define BACKEND_TURN_CALL_H

#include "backend/turn.h"

typedef struct {
    backend_turn_t turn; /* first: a backend_turn_t of this kind is one of these */
    call_t *call;        /* NULL before it starts and once it is over */
} turn_call_t;

extern const turn_transport_t turn_call_transport;

/* Makes a turn of `size` bytes, which starts with a turn_call_t. */
turn_call_t *turn_call_make(size_t size, const turn_reader_t *reader, const backend_owner_t *owner);

/* Starts the call with the turn's body. 0 when it cannot be (logged): the turn is gone. */
int turn_call_start(turn_call_t *turn, call_client_t *client, const call_request_t *request);

#endif
