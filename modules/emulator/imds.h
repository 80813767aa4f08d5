/*
 * The stand-in for the EC2 instance metadata service, version 2: session
 * tokens, the attached role, its credentials, the availability zone.
 * Source: EC2 User Guide, "Use IMDS to access instance metadata". One thread.
 */
#ifndef EMULATOR_IMDS_H
#define EMULATOR_IMDS_H

#include "emulator/emulator.h"

/* The session tokens; NULL when memory is out. */
imds_t *imds_create(void);
void imds_destroy(imds_t *imds);

extern const service_t imds_service;

#endif
