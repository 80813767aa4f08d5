#include "aws/skew.h"

#include <apr_date.h>
#include <stdlib.h>
#include <string.h>

#define TRUSTED_MAX   apr_time_from_sec(15 * 60)
#define EXPLAINS_FROM (4 * 60) /* seconds; AWS allows 5 minutes */
#define ROUNDING      1        /* by so much two answers may differ though no clock was moved */

/* Some say it is the clock, some may. */
static const char *const candidates[] = {
    "RequestTimeTooSkewed",  "RequestExpired", "RequestInTheFuture",    "InvalidSignatureException",
    "SignatureDoesNotMatch", "AuthFailure",    "AccessDeniedException",
};

apr_time_t skew_signing_time(const skew_t *skew, apr_time_t now)
{
    return now + apr_time_from_sec(skew->seconds);
}

apr_int64_t skew_steady(const skew_t *skew, apr_int64_t before)
{
    return llabs(skew->seconds - before) > ROUNDING ? skew->seconds : before;
}

/* To the nearest second: Date has no finer ones. */
static apr_int64_t round_to_seconds(apr_interval_time_t difference)
{
    apr_interval_time_t half = difference < 0 ? -APR_USEC_PER_SEC / 2 : APR_USEC_PER_SEC / 2;

    return (difference + half) / APR_USEC_PER_SEC;
}

void skew_learn(skew_t *skew, const skew_answer_t *answer)
{
    apr_time_t date;

    if (skew->off || answer->event_stream || answer->age != NULL || answer->date == NULL ||
        answer->took > TRUSTED_MAX) {
        return;
    }
    date = apr_date_parse_http(answer->date);
    if (date != APR_DATE_BAD) {
        skew->seconds = round_to_seconds(date - (answer->received - answer->took / 2));
    }
}

int skew_explains(const skew_t *skew, apr_int64_t signed_with, const char *code)
{
    apr_int64_t change = llabs(skew->seconds - signed_with);
    size_t i;

    /* The SDKs look at the offset alone; but this machine's clock may have been put right, too. */
    if (change <= ROUNDING || (llabs(skew->seconds) < EXPLAINS_FROM && change < EXPLAINS_FROM)) {
        return 0;
    }
    for (i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
        if (strcmp(candidates[i], code) == 0) {
            return 1;
        }
    }
    return 0;
}
