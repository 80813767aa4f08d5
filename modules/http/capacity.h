/*
 * Whether the MPM and the system can hold the chats that ChatbotMaxInFlight allows.
 */
#ifndef HTTP_CAPACITY_H
#define HTTP_CAPACITY_H

#include <httpd.h>

/* Tells the operator what does not fit: a warning when the number was set, else for information.
 * While httpd starts, once the MPM knows its own numbers. */
void capacity_check(server_rec *main_server);

#endif
