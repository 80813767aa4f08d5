/*
 * speaker: an InvokeAgent that says 64 words, one every 20 ms. Each word is the
 * time at which it left: "64@123456789;" with microseconds of the monotonic
 * clock, so that who reads it on the same machine knows how long it took.
 *
 *     speaker -p 8001
 *
 * One thread. Runs until it is killed.
 */
#include "server.h"

#include <stdint.h>
#include <time.h>
#include <zlib.h>

#define WORDS       64
#define INTERVAL_US 20000

typedef struct connection_t {
    server_connection_t server;
    unsigned said;
    int64_t due; /* of the next word; 0: it is not speaking */
    struct connection_t *next;
} connection_t;

static connection_t *speaking; /* a list: all of them have the same rhythm */

static int64_t now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

/* ---- an event stream's message ---- */

static unsigned char *put32(unsigned char *at, uint32_t number)
{
    uint32_t big = htonl(number);

    memcpy(at, &big, 4);
    return at + 4;
}

static unsigned char *put_header(unsigned char *at, const char *name, const char *value)
{
    size_t length = strlen(value);

    *at++ = (unsigned char)strlen(name);
    at = (unsigned char *)stpcpy((char *)at, name);
    *at++ = 7;
    *at++ = (unsigned char)(length >> 8);
    *at++ = (unsigned char)length;
    memcpy(at, value, length);
    return at + length;
}

static void base64(char *out, const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = strlen(text);
    size_t i;

    for (i = 0; i < length; i += 3) {
        unsigned a = (unsigned char)text[i];
        unsigned b = i + 1 < length ? (unsigned char)text[i + 1] : 0;
        unsigned c = i + 2 < length ? (unsigned char)text[i + 2] : 0;
        *out++ = digits[a >> 2];
        *out++ = digits[(a & 3) << 4 | b >> 4];
        *out++ = i + 1 < length ? digits[(b & 15) << 2 | c >> 6] : '=';
        *out++ = i + 2 < length ? digits[c & 63] : '=';
    }
    *out = '\0';
}

static size_t make_message(unsigned char *message, const char *text)
{
    char encoded[128];
    char payload[160];
    unsigned char *at = message + 12;
    size_t headers;
    size_t length;

    base64(encoded, text);
    length = (size_t)snprintf(payload, sizeof(payload), "{\"bytes\":\"%s\"}", encoded);
    at = put_header(at, ":event-type", "chunk");
    at = put_header(at, ":content-type", "application/json");
    at = put_header(at, ":message-type", "event");
    headers = (size_t)(at - message) - 12;
    (void)put32(message, (uint32_t)(16 + headers + length));
    (void)put32(message + 4, (uint32_t)headers);
    (void)put32(message + 8, (uint32_t)crc32(0, message, 8));
    memcpy(at, payload, length);
    at += length;
    at = put32(at, (uint32_t)crc32(0, message, (uInt)(at - message)));
    return (size_t)(at - message);
}

/* ---- speaking ---- */

static void send_bytes(const connection_t *connection, const void *bytes, size_t length)
{
    if (send(connection->server.fd, bytes, length, MSG_NOSIGNAL) < 0 && errno != EAGAIN) {
        return; /* its reader is gone: epoll tells */
    }
}

static void say(connection_t *connection)
{
    unsigned char chunk[1024];
    char text[64];
    char size[16];
    size_t head;
    size_t length;

    (void)snprintf(text, sizeof(text), "%u@%lld;", connection->said + 1, (long long)now());
    length = make_message(chunk + 16, text);
    head = (size_t)snprintf(size, sizeof(size), "%zx\r\n", length);
    memcpy(chunk + 16 - head, size, head);
    memcpy(chunk + 16 + length, "\r\n", 2);
    connection->said++;
    connection->due += INTERVAL_US;
    if (connection->said == WORDS) {
        memcpy(chunk + 16 + length + 2, "0\r\n\r\n", 5);
        length += 5;
        connection->due = 0;
    }
    send_bytes(connection, chunk + 16 - head, head + length + 2);
}

static int on_request(server_connection_t *asking)
{
    static const char head[] = "HTTP/1.1 200 OK\r\n"
                               "Content-Type: application/vnd.amazon.eventstream\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    connection_t *connection = (connection_t *)asking;

    send_bytes(connection, head, sizeof(head) - 1);
    connection->said = 0;
    connection->due = now() + INTERVAL_US;
    connection->next = speaking;
    speaking = connection;
    return 1;
}

/* Lets all speak that are due; the time until the next one, in milliseconds. */
static int speak(void)
{
    connection_t **link = &speaking;
    int64_t next = INT64_MAX;
    int64_t left;

    while (*link != NULL) {
        connection_t *connection = *link;
        if (connection->due != 0 && connection->due <= now()) {
            say(connection);
        }
        if (connection->due == 0) {
            *link = connection->next;
            continue;
        }
        next = connection->due < next ? connection->due : next;
        link = &connection->next;
    }
    left = next == INT64_MAX ? 1000000 : next - now();
    return left > 0 ? (int)((left + 999) / 1000) : 0;
}

static void on_close(server_connection_t *leaving)
{
    connection_t *connection = (connection_t *)leaving;
    connection_t **link = &speaking;

    while (*link != NULL && *link != connection) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        *link = connection->next;
    }
}

int main(int argc, char **argv)
{
    server_t server = {.connection_size = sizeof(connection_t),
                       .on_request = on_request,
                       .on_close = on_close,
                       .wait_ms = speak};

    if (argc != 3 || strcmp(argv[1], "-p") != 0) {
        (void)fprintf(stderr, "usage: speaker -p port\n");
        return 2;
    }
    server_run(&server, argv[2]);
    return 0;
}
