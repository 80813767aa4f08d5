/*
 * The bodies of answers, and the one table of errors.
 *
 * Nothing of the inside is in them: no name of AWS's, no path, no state. The
 * log has the rest, under the request id. Pure; any thread.
 */
#ifndef CHAT_REPLY_H
#define CHAT_REPLY_H

#include "base/buffer.h"

#include <apr_time.h>
#include <stdint.h>

/*      name                status  error_code                  Retry-After, text for the visitor */
#define REPLY_ERRORS(X)                                                                            \
    X(BAD_REQUEST, 400, "bad_request", 0, "The request body could not be read")                    \
    X(METHOD_NOT_ALLOWED, 405, "method_not_allowed", 0,                                            \
      "This method is not allowed here; see the Allow header")                                     \
    X(BODY_TOO_LARGE, 413, "body_too_large", 0, "The request body is too large")                   \
    X(UNSUPPORTED_MEDIA_TYPE, 415, "unsupported_media_type", 0,                                    \
      "Send the request as application/json in UTF-8, not compressed")                             \
    X(VALIDATION_ERROR, 422, "validation_error", 0, "The request is not valid; see detail")        \
    X(SESSION_FORBIDDEN, 403, "session_forbidden", 0, "This session belongs to somebody else")     \
    X(SESSION_NOT_FOUND, 404, "session_not_found", 0,                                              \
      "There is no such session, or it has expired")                                               \
    X(MODEL_NOT_FOUND, 404, "model_not_found", 0, "There is no such model here")                   \
    X(UNKNOWN_PATH, 404, "unknown_url", 0, "There is nothing at this path")                        \
    X(SESSION_BUSY, 409, "session_busy", 1,                                                        \
      "Another message of this session is still being answered")                                   \
    X(RATE_LIMITED, 429, "rate_limited", 1,                                                        \
      "You have sent too many messages; please wait before you send another one")                  \
    X(UPSTREAM_TIMEOUT, 408, "upstream_timeout", 0,                                                \
      "The chatbot did not answer in time; please try again")                                      \
    X(UPSTREAM_THROTTLED, 429, "upstream_throttled", 5,                                            \
      "The chatbot is asked too often right now; please try again later")                          \
    X(INTERNAL_ERROR, 500, "internal_error", 0, "The server failed to handle the request")         \
    X(UPSTREAM_ERROR, 502, "upstream_error", 0, "The chatbot answered with an error")              \
    X(UPSTREAM_PROTOCOL_ERROR, 502, "upstream_protocol_error", 0,                                  \
      "The chatbot's answer could not be understood")                                              \
    X(UPSTREAM_ACCESS_DENIED, 502, "upstream_access_denied", 0,                                    \
      "This server may not use the chatbot; its operator has to look")                             \
    X(DEPENDENCY_FAILED, 502, "dependency_failed", 0, "Something the chatbot depends on failed")   \
    X(OVERLOADED, 503, "overloaded", 1, "Too many chats are in flight; please try again shortly")  \
    X(CIRCUIT_OPEN, 503, "circuit_open", 10,                                                       \
      "The chatbot failed too often; it is given a rest, please try again later")                  \
    X(NO_CREDENTIALS, 503, "no_credentials", 30,                                                   \
      "The chatbot is not available; its operator has to look")                                    \
    X(NOT_CONFIGURED, 503, "not_configured", 60,                                                   \
      "The chatbot is not set up yet; its operator has to look")                                   \
    X(SHUTTING_DOWN, 503, "shutting_down", 1, "This server is restarting; please try again")

typedef enum {
    REPLY_ANSWER, /* no error */
#define REPLY_ENUM(name, status, code, retry_after, text) REPLY_##name,
    REPLY_ERRORS(REPLY_ENUM)
#undef REPLY_ENUM
        REPLY_CLIENT_GONE, /* nobody is there to read an answer */
    REPLY_COUNT
} reply_e;

/* One row of the table. */
typedef struct {
    const char *code; /* "error_code", and the outcome in the log */
    const char *text;
    int status;
    int retry_after; /* seconds for Retry-After; 0: no such header */
} reply_error_t;

/* The row of an error; of REPLY_ANSWER and REPLY_CLIENT_GONE as well, for status and code. */
const reply_error_t *reply_error(reply_e reply);

/* Writes an error's body. `issues` is the JSON array of a validation error, else NULL. */
void reply_write_error(buffer_t *out, reply_e reply, const char *request_id, const char *issues,
                       apr_time_t now);

/* A chat's answer. */
typedef struct {
    const char *text;
    size_t text_length;
    const char *session_id;
    int64_t tokens; /* negative: unknown */
    apr_interval_time_t took;
    int is_unsaved; /* say so: where no header can */
} reply_answer_t;

void reply_write_answer(buffer_t *out, const reply_answer_t *answer, apr_time_t now);

#endif
