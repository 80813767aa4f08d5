/*
 * The sources of credentials in their order: environment, profile of the shared
 * files, web identity, container, instance. The first that gives any wins; one
 * that is set up but gives none is an error, never a reason to go on with
 * another identity. I/O thread.
 */
#ifndef AWS_CREDENTIALS_CHAIN_H
#define AWS_CREDENTIALS_CHAIN_H

#include "aws/credentials_source.h"

/* Asks them, or the one that the settings choose. `done` is called exactly once, perhaps from
 * within, and never with CREDENTIALS_ABSENT. */
void credentials_chain_start(credentials_fetch_t *fetch, const credentials_done_t *done);

#endif
