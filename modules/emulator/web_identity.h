/*
 * A web identity token: a JSON Web Token (RFC 7519) whose claims are read.
 * Its signature is not checked: the stand-in knows no identity provider. No
 * state: one thread.
 */
#ifndef EMULATOR_WEB_IDENTITY_H
#define EMULATOR_WEB_IDENTITY_H

#include <apr_time.h>

#define WEB_IDENTITY_CLAIM_MAX 256

typedef struct {
    char subject[WEB_IDENTITY_CLAIM_MAX];
    char audience[WEB_IDENTITY_CLAIM_MAX];
    char issuer[WEB_IDENTITY_CLAIM_MAX];
    const char *code; /* why it is refused: the error of STS */
    char message[WEB_IDENTITY_CLAIM_MAX];
} web_identity_t;

/* 1 when the token may be used at `now`, else 0 and code and message. */
int web_identity_read(const char *token, apr_time_t now, web_identity_t *identity);

#endif
