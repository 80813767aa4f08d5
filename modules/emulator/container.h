/*
 * The stand-in for the credentials endpoint of a container (the ECS agent's, or
 * the EKS Pod Identity Agent's): each GET gives a set of its own.
 */
#ifndef EMULATOR_CONTAINER_H
#define EMULATOR_CONTAINER_H

#include "emulator/emulator.h"

extern const service_t container_service;

#endif
