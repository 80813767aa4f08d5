/*
 * The Chatbot… directives: their table for httpd, and what each value must be.
 */
#ifndef HTTP_DIRECTIVES_H
#define HTTP_DIRECTIVES_H

#include <httpd.h>

#include <http_config.h>

extern const command_rec directives_table[];

#endif
