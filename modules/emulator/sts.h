/*
 * The stand-in for the Security Token Service: AssumeRole and
 * GetCallerIdentity, signed, and AssumeRoleWithWebIdentity, which is not.
 */
#ifndef EMULATOR_STS_H
#define EMULATOR_STS_H

#include "emulator/emulator.h"

extern const service_t sts_service;
extern const service_t sts_federation_service;

#endif
