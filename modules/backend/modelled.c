#include "backend/modelled.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *code;
    backend_end_e end;
} errors[] = {
    {"ThrottlingException", BACKEND_THROTTLED},
    {"TooManyRequestsException", BACKEND_THROTTLED},
    {"RequestLimitExceeded", BACKEND_THROTTLED},
    {"AccessDeniedException", BACKEND_ACCESS_DENIED},
    {"UnauthorizedException", BACKEND_ACCESS_DENIED},
    {"UnrecognizedClientException", BACKEND_ACCESS_DENIED},
    {"InvalidSignatureException", BACKEND_ACCESS_DENIED},
    {"MissingAuthenticationTokenException", BACKEND_ACCESS_DENIED},
    {"ExpiredTokenException", BACKEND_ACCESS_DENIED},
    {"ConflictException", BACKEND_BUSY},
    {"RetryableConflictException", BACKEND_BUSY},
    {"DependencyFailedException", BACKEND_DEPENDENCY_FAILED},
    {"BadGatewayException", BACKEND_DEPENDENCY_FAILED},
    {"RuntimeClientError", BACKEND_DEPENDENCY_FAILED}, /* the code that AgentCore runs */
    {"ModelTimeoutException", BACKEND_TIMEOUT},
    {"ModelNotReadyException", BACKEND_ERROR},
    {"ResourceNotFoundException", BACKEND_ERROR},
    {"ServiceQuotaExceededException", BACKEND_ERROR},
    {"ValidationException", BACKEND_ERROR},
    {"ModelErrorException", BACKEND_UNAVAILABLE},
    {"ModelStreamErrorException", BACKEND_UNAVAILABLE},
    {"ServiceUnavailableException", BACKEND_UNAVAILABLE},
    {"InternalServerException", BACKEND_UNAVAILABLE},
};

backend_end_e modelled_end(const char *code, size_t length, int status)
{
    size_t i;

    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (strlen(errors[i].code) == length && strncasecmp(errors[i].code, code, length) == 0) {
            return errors[i].end;
        }
    }
    switch (status) {
    case 401:
    case 403: return BACKEND_ACCESS_DENIED;
    case 408:
    case 504: return BACKEND_TIMEOUT;
    case 409: return BACKEND_BUSY;
    case 424: return BACKEND_DEPENDENCY_FAILED;
    case 429: return BACKEND_THROTTLED;
    default: return status >= 500 ? BACKEND_UNAVAILABLE : BACKEND_ERROR;
    }
}

backend_end_e modelled_end_of_call(const call_result_t *result)
{
    switch (result->end) {
    case CALL_TIMEOUT: return BACKEND_TIMEOUT;
    case CALL_NO_CREDENTIALS: return BACKEND_NO_CREDENTIALS;
    case CALL_INTERNAL: return BACKEND_INTERNAL;
    case CALL_REFUSED: return modelled_end(result->code, strlen(result->code), result->status);
    case CALL_BROKEN: return result->status != 0 ? BACKEND_PROTOCOL_ERROR : BACKEND_UNAVAILABLE;
    default: return BACKEND_ANSWERED;
    }
}
