/*
 * Credentials of the EC2 instance's role, and its region, from the instance
 * metadata service, version 2 only: each fetch begins with a session token
 * (EC2 user guide, "Use the Instance Metadata Service").
 */
#ifndef AWS_CREDENTIALS_IMDS_H
#define AWS_CREDENTIALS_IMDS_H

#include "aws/credentials_source.h"

/* Where the service is, without a slash at the end and in `pool`: from the environment, then the
 * profile of the shared files, then AWS's address for the mode. NULL and `*problem` when what they
 * say makes no sense. */
const char *credentials_imds_endpoint(const credentials_fetch_t *fetch, const char **problem);

/* Calls `done` exactly once, perhaps from within. I/O thread. */
void credentials_imds_start(const credentials_fetch_t *fetch, const credentials_done_t *done);

/* Asks for the region of this instance: `done` is called exactly once, perhaps from within, with
 * its name or with NULL and the reason, both in the fetch's pool. I/O thread. */
void credentials_imds_region(const credentials_fetch_t *fetch,
                             void (*done)(void *baton, const char *region, const char *reason),
                             void *baton);

#endif
