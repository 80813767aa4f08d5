/*
 * The tables of DynamoDB as the stand-in's own paths show and change them. One
 * thread.
 */
#ifndef EMULATOR_DYNAMODB_CONTROL_H
#define EMULATOR_DYNAMODB_CONTROL_H

#include "emulator/emulator.h"

/* Writes each table with its counts; one table with its items, 0 when there is none. */
void dynamodb_control_list(const emulator_t *emulator, json_writer_t *writer);
int dynamodb_control_show(const emulator_t *emulator, const char *name, json_writer_t *writer);

/* Makes the table anew from {"key", "sort", "ttl", "items"}, of which key must be there; puts one
 * item into it. 0 and the problem when that cannot be. */
int dynamodb_control_make(const emulator_t *emulator, const char *name,
                          const http_request_t *request, buffer_t *problem);
int dynamodb_control_put(const emulator_t *emulator, const char *name,
                         const http_request_t *request, buffer_t *problem);

/* 0 when there is no such table. */
int dynamodb_control_drop(const emulator_t *emulator, const char *name);

#endif
