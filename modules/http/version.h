/*
 * The project's version, the only place that has it.
 */
#ifndef HTTP_VERSION_H
#define HTTP_VERSION_H

#define CHATBOT_VERSION "0.1.0"

#endif
