#include "chat/outbox.h"

#include "base/text.h"

#include <string.h>

/* What one read of the upstream can add to a full one is far below. */
#define PENDING_MAX ((size_t)64 * 1024 * 1024)

void outbox_init(outbox_t *outbox)
{
    memset(outbox, 0, sizeof(*outbox));
    buffer_init(&outbox->pending, PENDING_MAX);
    buffer_init(&outbox->sending, PENDING_MAX);
}

void outbox_free(outbox_t *outbox)
{
    buffer_free(&outbox->pending);
    buffer_free(&outbox->sending);
}

int outbox_put(outbox_t *outbox, const char *text, size_t length)
{
    const char *fresh;
    size_t added;

    if (!buffer_append(&outbox->pending, text, length)) {
        return 0;
    }
    fresh = outbox->pending.data + outbox->whole;
    added = outbox->pending.length - outbox->whole;
    added -= text_utf8_pending(fresh, added);
    if (text_utf8_length(fresh, added) == TEXT_NOT_UTF8) {
        return 0;
    }
    outbox->whole += added;
    return 1;
}

int outbox_is_full(const outbox_t *outbox)
{
    return outbox->pending.length > OUTBOX_FULL;
}

int outbox_has_rest(const outbox_t *outbox)
{
    return outbox->whole < outbox->pending.length;
}

void outbox_hand_over(outbox_t *outbox)
{
    buffer_t sent = outbox->sending;

    buffer_clear(&sent);
    if (outbox_has_rest(outbox)) {
        if (!buffer_append(&sent, outbox->pending.data, outbox->whole)) {
            outbox->sending = sent; /* memory is out: the next one takes it */
            return;
        }
        buffer_consume(&outbox->pending, outbox->whole);
        outbox->sending = sent;
    } else {
        outbox->sending = outbox->pending;
        outbox->pending = sent;
    }
    outbox->whole = 0;
    outbox->beat_sending = outbox->beat_pending;
    outbox->beat_pending = 0;
}
