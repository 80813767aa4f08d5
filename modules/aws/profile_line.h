/*
 * One line of AWS's shared files, taken apart where it stands. The bytes are
 * the caller's; no state.
 */
#ifndef AWS_PROFILE_LINE_H
#define AWS_PROFILE_LINE_H

#include <stddef.h>

/* A line without its newline, or a part of one. */
typedef struct {
    char *at;
    size_t length;
} profile_line_t;

/* A space, a tab, or the carriage return of a line that ends in CR LF. */
int profile_line_is_blank(char c);

/* Without the blanks at its ends. */
profile_line_t profile_line_trim(profile_line_t line);

/* Takes "[prefix name] # comment" apart, the prefix empty when there is one word. 0 when the
 * bracket is not closed. The line starts with "[". */
int profile_line_header(profile_line_t line, profile_line_t *prefix, profile_line_t *name);

/* Takes "key = value # comment" apart; either may be empty. 0 when there is no "=". */
int profile_line_property(profile_line_t line, profile_line_t *key, profile_line_t *value);

int profile_line_equals(profile_line_t line, const char *word);

/* Makes capital letters small ones, in place. */
void profile_line_lower(profile_line_t line);

/* The part as a string: the byte that followed it becomes NUL. */
char *profile_line_end(profile_line_t line);

#endif
