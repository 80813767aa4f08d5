#include "http/presence.h"

#include <apr_portable.h>
#include <http_core.h>
#include <http_ssl.h>
#include <string.h>
#include <sys/socket.h>

#define NO_LIMIT ((apr_interval_time_t)-1)

/* Nothing else may be on its way out, or the probe would land in its midst. */
static int may_probe(const request_rec *r)
{
    conn_rec *c = r->connection;

    return r->proto_num >= HTTP_VERSION(1, 1) && !c->data_in_output_filters && c->master == NULL &&
           !ap_ssl_conn_is_ssl(c);
}

void presence_prepare(presence_t *presence, request_rec *r)
{
    apr_os_sock_t descriptor = -1;

    memset(presence, 0, sizeof(*presence));
    (void)apr_os_sock_get(&descriptor, ap_get_conn_socket(r->connection));
    presence->descriptor = descriptor;
    presence->may_probe = may_probe(r);
}

/* 1 when the client may still be there. */
static int probe(presence_t *presence)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    ssize_t sent;

    if (!presence->may_probe) {
        return 0;
    }
    presence->may_probe = 0;
    presence->has_shut = 1;
    sent = send(presence->descriptor, interim, sizeof(interim) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent == (ssize_t)sizeof(interim) - 1;
}

void presence_expect(presence_t *presence, void (*on_half_closed)(void *baton))
{
    presence->may_probe = 0;
    presence->on_half_closed = on_half_closed;
}

static void on_event(void *baton, unsigned came)
{
    presence_t *presence = baton;

    presence->watch = NULL;
    if (!(came & WATCH_ERROR) && presence->on_half_closed != NULL && !presence->has_shut) {
        presence->has_shut = 1;
        presence->on_half_closed(presence->baton);
        return;
    }
    if (!(came & WATCH_ERROR) && probe(presence)) {
        presence->watch =
            watch_start(presence->loop, presence->descriptor, 0, NO_LIMIT, on_event, presence);
        return;
    }
    presence->on_gone(presence->baton);
}

void presence_start(presence_t *presence, loop_t *loop, void (*on_gone)(void *baton), void *baton)
{
    presence->loop = loop;
    presence->on_gone = on_gone;
    presence->baton = baton;
    presence->watch =
        watch_start(loop, presence->descriptor, presence->has_shut ? 0 : WATCH_PEER_SHUT, NO_LIMIT,
                    on_event, presence);
}

void presence_stop(presence_t *presence)
{
    if (presence->watch != NULL) {
        watch_stop(presence->watch);
        presence->watch = NULL;
    }
}
