/*
 * ChatbotFileBucket: where files that come with a message are put. The
 * directive, and what it means for a request.
 */
#ifndef HTTP_FILE_CONFIG_H
#define HTTP_FILE_CONFIG_H

#include "chat/flow.h"

#include <httpd.h>

#include <http_config.h>

/* What the directive says; NULL is unset. */
typedef struct {
    const char *bucket; /* "": Off */
    const char *prefix;
} file_location_t;

void file_config_merge(file_location_t *merged, const file_location_t *base,
                       const file_location_t *over);

/* httpd's function of the directive: NULL, or what is wrong and what to write. */
const char *file_config_set_bucket(cmd_parms *cmd, void *location, const char *bucket,
                                   const char *prefix);

/* Takes up the files of a request whose settings are filled in: REPLY_ANSWER; or the error to
 * answer, of REPLY_VALIDATION_ERROR with what is wrong in `issues`. Worker. */
reply_e file_config_take(request_rec *r, flow_t *flow, buffer_t *issues);

#endif
