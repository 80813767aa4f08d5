/*
 * Our content handlers by the names SetHandler gives them.
 */
#ifndef HTTP_HANDLERS_H
#define HTTP_HANDLERS_H

#include <httpd.h>

/* httpd's hook handler: DECLINED unless r->handler is one of ours. */
int handlers_run(request_rec *r);

/* httpd's hooks translate_name, map_to_storage and fixups: a path that a <Location> gives to one of
 * our handlers is no file, so the walk over directories and .htaccess files is left out for it, as
 * mod_proxy does for its paths. <Location> sections apply as ever. Should the request end at
 * another handler after all (SetHandler with an expression), it is refused: nobody has checked its
 * file. */
int handlers_note_path(request_rec *r);
int handlers_skip_walk(request_rec *r);
int handlers_refuse_unwalked(request_rec *r);

/* httpd's hook header_parser, before access is checked: the headers that all answers of our
 * locations have, refusals by others included. */
int handlers_set_headers(request_rec *r);

#endif
