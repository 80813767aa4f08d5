/*
 * What mod_status shows of this module: a section of the page, and lines for
 * programs under ?auto.
 */
#ifndef HTTP_STATUS_SECTION_H
#define HTTP_STATUS_SECTION_H

#include <httpd.h>

/* Registers it; without mod_status nothing comes of it. */
void status_section_register(void);

#endif
