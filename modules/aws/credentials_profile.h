/*
 * Credentials of a profile of the shared files: its keys, or a role that other
 * credentials assume for it, one after the other (AWS SDKs and Tools reference,
 * "Assume role credential provider").
 */
#ifndef AWS_CREDENTIALS_PROFILE_H
#define AWS_CREDENTIALS_PROFILE_H

#include "aws/credentials_source.h"

/* Reads the shared files into `fetch->profiles`. `done` is called exactly once, perhaps from
 * within: with NULL, or with what is wrong, in the fetch's pool. A file that is not there, or one
 * at its default place that httpd's user may not read, is no error. */
void credentials_profile_load(credentials_fetch_t *fetch,
                              void (*done)(void *baton, const char *problem), void *baton);

/* Calls `done` exactly once, perhaps from within; after credentials_profile_load(). */
void credentials_profile_start(const credentials_fetch_t *fetch, const credentials_done_t *done);

#endif
