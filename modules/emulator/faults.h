/*
 * Rules that give commands to calls whose text has none: "the next three calls
 * of InvokeAgent wait 100 ms", "a tenth of all calls are throttled".
 *
 * Which calls a percentage hits follows from the rule's seed alone. One thread.
 */
#ifndef EMULATOR_FAULTS_H
#define EMULATOR_FAULTS_H

#include "base/buffer.h"
#include "base/json.h"
#include "emulator/script.h"

#define FAULTS_MAX 64

typedef struct faults_t faults_t;

/* NULL when memory is out. */
faults_t *faults_create(void);
void faults_destroy(faults_t *faults);
void faults_clear(faults_t *faults);

/* Replaces the rules by those of a JSON text, an object or an array of objects; else 0, the old
 * rules stay, and `problem` has the reason. */
int faults_replace(faults_t *faults, const char *text, size_t length, buffer_t *problem);

/* Adds the commands of the rules that hit this call to the script. The text of the last rule that
 * did, or NULL. */
const char *faults_take(faults_t *faults, const char *operation, script_t *script);

/* Writes the rules and what is left of them as an array. */
void faults_write(const faults_t *faults, json_writer_t *writer);

#endif
