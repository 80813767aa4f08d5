/* chat/session_json: any bytes are a record or none; a record is written and read as it was. */
#include "chat/session_json.h"

#include "fuzz.h"

#include <string.h>

/* Each byte of a text may become an escape. */
#define JSON_MAX (32 * SESSION_BYTES_MAX)

static void check_again(const session_t *session)
{
    session_t again;
    buffer_t json;
    buffer_t twice;

    buffer_init(&json, JSON_MAX);
    buffer_init(&twice, JSON_MAX);
    session_json_write(&json, session, 0);
    PROMISE(!json.failed);
    session_init(&again, session->id);
    PROMISE(session_json_read(&again, json.data, json.length));
    session_json_write(&twice, &again, 0);
    PROMISE(json.length == twice.length && memcmp(json.data, twice.data, json.length) == 0);
    session_free(&again);
    buffer_free(&json);
    buffer_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    session_t session;

    session_init(&session, "s:1");
    if (session_json_read(&session, (const char *)data, size)) {
        check_again(&session);
    } else {
        PROMISE(session.turns == 0 && session.history_count == 0);
    }
    session_free(&session);
    return 0;
}
