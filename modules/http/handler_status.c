#include "http/handler_status.h"

#include "base/clock.h"
#include "base/json.h"
#include "http/answer.h"
#include "http/backend_config.h"
#include "http/child.h"
#include "http/config.h"
#include "http/conversation.h"
#include "http/upstream.h"
#include "http/version.h"

#define BODY_MAX 1024

/* "/readyz/" too: whoever asks for it nearly right must not hear that all is well. */
static int asks_for_readiness(const request_rec *r)
{
    static const char name[] = "/readyz";
    const size_t wanted = sizeof(name) - 1;
    size_t length = strlen(r->uri);

    while (length > 0 && r->uri[length - 1] == '/') {
        length--;
    }
    return length >= wanted && strncmp(r->uri + length - wanted, name, wanted) == 0;
}

static void put_part(json_writer_t *writer, const char *name, int fine, const char *trouble,
                     int *ready)
{
    json_put_member(writer, name, fine ? "ok" : trouble);
    *ready = *ready && fine;
}

static int is_circuit_open(const request_rec *r)
{
    const circuit_t *circuit = conversation_circuit(r);

    return circuit != NULL && config_circuit(config_of_location(r)).percent != 0 &&
           circuit_is_open(circuit, clock_monotonic());
}

/* The parts a chat needs; each says what it lacks. */
static int put_parts(json_writer_t *writer, const request_rec *r)
{
    int ready = 1;

    json_name(writer, "checks");
    json_open(writer, '{');
    put_part(writer, "agent", backend_config_ready(r), "no agent or no region is configured",
             &ready);
    put_part(writer, "credentials",
             !backend_config_is_aws(r) || upstream_has_credentials(r->server), "there are none",
             &ready);
    put_part(writer, "circuit", !is_circuit_open(r), "it is open: the agent fails too often",
             &ready);
    put_part(writer, "io_thread", child_is_ready(), "it did not start", &ready);
    put_part(writer, "drain", !child_is_stopping(), "this server is stopping", &ready);
    json_close(writer, '}');
    return ready;
}

int handler_health(request_rec *r)
{
    int status = answer_other_methods(r, AP_METHOD_BIT << M_GET);
    buffer_t *body = apr_palloc(r->pool, sizeof(*body));
    char timestamp[TEXT_RFC3339_LENGTH + 1];
    int ready = 1;
    json_writer_t writer;

    if (status != DECLINED) {
        return status;
    }
    buffer_init(body, BODY_MAX);
    text_rfc3339(timestamp, clock_wall());
    json_write_to(&writer, body);
    json_open(&writer, '{');
    if (asks_for_readiness(r)) {
        ready = put_parts(&writer, r);
        json_put_member(&writer, "status", ready ? "ready" : "not_ready");
    } else {
        json_put_member(&writer, "status", "healthy");
    }
    json_put_member(&writer, "timestamp", timestamp);
    json_put_member(&writer, "version", CHATBOT_VERSION);
    json_close(&writer, '}');
    answer_json(r, ready ? HTTP_OK : HTTP_SERVICE_UNAVAILABLE, body);
    return OK;
}
