#include "emulator/effects.h"

#include <string.h>
#include <strings.h>

#define SUFFIX "Exception"

static int same_name(const char *modelled, const char *name)
{
    size_t length = strlen(modelled);
    size_t bare = length > strlen(SUFFIX) ? length - strlen(SUFFIX) : length;

    return strcasecmp(modelled, name) == 0 ||
           (strlen(name) == bare && strcasecmp(modelled + bare, SUFFIX) == 0 &&
            strncasecmp(modelled, name, bare) == 0);
}

const effects_exception_t *effects_find(const effects_exception_t *modelled, const char *name)
{
    for (; modelled->name != NULL; modelled++) {
        if (same_name(modelled->name, name)) {
            return modelled;
        }
    }
    return NULL;
}

static answer_t *commanded_error(const script_t *script, const effects_exception_t *modelled,
                                 effects_error_fn error)
{
    const char *name = script_word(script, SCRIPT_ERROR);
    const effects_exception_t *found = effects_find(modelled, name);
    int status = (int)script_number(script, SCRIPT_ERROR);

    if (status == 0) {
        status = found != NULL ? found->status : 400;
    }
    return error(status, found != NULL ? found->name : name, "This error was asked for.");
}

static answer_t *html_page(size_t status)
{
    static const char page[] = "<html>\r\n<head><title>Error</title></head>\r\n<body>\r\n"
                               "<center><h1>Error</h1></center>\r\n</body>\r\n</html>\r\n";
    answer_t *answer = answer_create((int)status, "text/html");

    if (answer != NULL) {
        answer_send(answer, page, sizeof(page) - 1);
    }
    return answer;
}

answer_t *effects_silent(answer_step_e kind)
{
    answer_t *answer = answer_create(200, NULL);

    if (answer != NULL) {
        answer->mute = 1;
        answer_step(answer, kind, 0);
    }
    return answer;
}

answer_t *effects_replace(const script_t *script, const effects_exception_t *modelled,
                          effects_error_fn error)
{
    if (script_has(script, SCRIPT_RESET)) {
        return effects_silent(ANSWER_RESET);
    }
    if (script_has(script, SCRIPT_HANG)) {
        return effects_silent(ANSWER_HANG);
    }
    if (script_has(script, SCRIPT_ERROR)) {
        return commanded_error(script, modelled, error);
    }
    if (script_has(script, SCRIPT_STATUS)) {
        return answer_create((int)script_number(script, SCRIPT_STATUS), NULL);
    }
    if (script_has(script, SCRIPT_HTML)) {
        return html_page(script_number(script, SCRIPT_HTML));
    }
    return script_has(script, SCRIPT_GARBAGE) ? html_page(200) : NULL;
}

static void apply_headers(const script_t *script, answer_t *answer)
{
    if (script_has(script, SCRIPT_AMZ_RETRY_AFTER)) {
        answer_header(answer, "x-amz-retry-after", script_word(script, SCRIPT_AMZ_RETRY_AFTER));
    }
    if (script_has(script, SCRIPT_RETRY_AFTER)) {
        answer_header(answer, "Retry-After", script_text(script, SCRIPT_RETRY_AFTER));
    }
    if (script_has(script, SCRIPT_HEADER)) {
        answer_header(answer, script_word(script, SCRIPT_HEADER),
                      script_text(script, SCRIPT_HEADER));
    }
    if (script_has(script, SCRIPT_NO_REQUEST_ID)) {
        answer_drop_header(answer, "x-amzn-RequestId");
        answer_drop_header(answer, "x-amz-request-id");
        answer_drop_header(answer, "x-request-id");
    }
    answer->clock_offset = apr_time_from_sec(script_offset(script, SCRIPT_DATE_OFFSET));
    answer->dateless = script_has(script, SCRIPT_NO_DATE);
}

void effects_apply(const script_t *script, answer_t *answer)
{
    if (script_has(script, SCRIPT_CUT)) {
        answer_cut(answer, script_number(script, SCRIPT_CUT), ANSWER_SEND);
    }
    if (script_has(script, SCRIPT_CUT_HARD)) {
        answer_cut(answer, script_number(script, SCRIPT_CUT_HARD), ANSWER_CLOSE);
    }
    if (script_has(script, SCRIPT_RESET_AFTER)) {
        answer_cut(answer, script_number(script, SCRIPT_RESET_AFTER), ANSWER_RESET);
    }
    apply_headers(script, answer);
    answer->delay_ms = script_number(script, SCRIPT_DELAY);
    answer->split = script_number(script, SCRIPT_SPLIT);
    answer->drop = script_has(script, SCRIPT_DROP);
    if (script_has(script, SCRIPT_HTTP10)) {
        answer->close_framed = 1;
        answer->streamed = 0;
    }
}
