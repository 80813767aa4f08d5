/*
 * The words that an expression may not use as an attribute's name without a
 * placeholder. Source: DynamoDB Developer Guide, "Reserved words". No state:
 * any thread.
 */
#ifndef EMULATOR_RESERVED_WORDS_H
#define EMULATOR_RESERVED_WORDS_H

/* In any case. */
int reserved_words_has(const char *word);

#endif
