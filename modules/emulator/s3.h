/*
 * The stand-in for Amazon S3: objects in buckets, path style.
 *
 * Source: Amazon S3 API Reference. It has what a client needs that stores and
 * fetches whole objects; everything else is NotImplemented. One thread.
 */
#ifndef EMULATOR_S3_H
#define EMULATOR_S3_H

#include "base/json.h"
#include "emulator/emulator.h"

extern const service_t s3_service;

/* The store with the buckets of the configuration; NULL when memory is out. */
s3_store_t *s3_start(const settings_t *settings);

/* Writes what every bucket holds as an array. */
void s3_write(const s3_store_t *all, json_writer_t *writer);

#endif
