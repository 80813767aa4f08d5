#include "chat/openapi.h"

#include "chat/openapi_write.h"

#include <stdio.h>
#include <string.h>

void openapi_put(json_writer_t *writer, const char *json)
{
    size_t start = writer->out->length;

    json_put_raw(writer, json, strlen(json));
    for (; !writer->out->failed && start < writer->out->length; start++) {
        if (writer->out->data[start] == '\'') {
            writer->out->data[start] = '"';
        }
    }
}

void openapi_put_named(json_writer_t *writer, const char *name, const char *json)
{
    json_name(writer, name);
    openapi_put(writer, json);
}

openapi_suffix_t openapi_suffix(const openapi_t *api, const openapi_location_t *location)
{
    const openapi_location_t *other;
    openapi_suffix_t suffix = {""};
    int number = 1;

    for (other = api->locations; other < location; other++) {
        number += other->kind == location->kind;
    }
    if (number > 1) {
        (void)snprintf(suffix.text, sizeof(suffix.text), "_%d", number);
    }
    return suffix;
}

static void put_info(json_writer_t *writer, const openapi_t *api)
{
    json_put_member(writer, "openapi", "3.1.1");
    json_name(writer, "info");
    json_open(writer, '{');
    json_put_member(writer, "title", "mod_chatbot");
    json_put_member(writer, "summary", "A chatbot service");
    json_put_member(writer, "description",
                    "What this server offers, as it is configured. Any access control of the "
                    "server applies as well: it may ask who you are, or refuse you, before an "
                    "operation is reached.");
    json_put_member(writer, "version", api->version);
    json_close(writer, '}');
    json_name(writer, "servers");
    json_open(writer, '[');
    json_open(writer, '{');
    json_put_member(writer, "url", "/");
    json_close(writer, '}');
    json_close(writer, ']');
    /* Behind a proxy that adds a prefix. A relative URL of a server would say it, but tools append
     * paths to it, which gives two slashes. */
    json_put_member(writer, "x-root", api->root);
}

static void put_untold(json_writer_t *writer, const openapi_t *api)
{
    size_t i;

    if (api->untold_count == 0) {
        return;
    }
    json_name(writer, "x-untold-locations");
    json_open(writer, '[');
    for (i = 0; i < api->untold_count; i++) {
        json_open(writer, '{');
        json_put_member(writer, "handler", api->untold[i].handler);
        json_put_member(writer, "pattern", api->untold[i].pattern);
        json_put_member(writer, "why", api->untold[i].why);
        json_close(writer, '}');
    }
    json_close(writer, ']');
}

int openapi_write(buffer_t *out, const openapi_t *api)
{
    json_writer_t writer;
    size_t i;

    json_write_to(&writer, out);
    json_open(&writer, '{');
    put_info(&writer, api);
    json_name(&writer, "paths");
    json_open(&writer, '{');
    for (i = 0; i < api->location_count; i++) {
        openapi_put_paths(&writer, api, &api->locations[i]);
    }
    json_close(&writer, '}');
    openapi_put_components(&writer, api);
    put_untold(&writer, api);
    json_close(&writer, '}');
    return !out->failed;
}
