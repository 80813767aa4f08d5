/*
 * upstream: answers every HTTP/1.1 request at once with the same bytes, so that a server in front
 * of it is what is measured.
 *
 *     upstream -p 8001 file-with-the-answer
 *
 * The answer must be small enough for a socket's send buffer. Runs until it is killed.
 */
#include "server.h"

#define ANSWER_MAX 65536

static char answer[ANSWER_MAX];
static size_t answer_length;

static int on_request(server_connection_t *connection)
{
    return send(connection->fd, answer, answer_length, MSG_NOSIGNAL) == (ssize_t)answer_length;
}

static void read_answer(const char *path)
{
    FILE *file = fopen(path, "rb");

    answer_length = file != NULL ? fread(answer, 1, sizeof(answer), file) : 0;
    if (answer_length == 0 || answer_length == sizeof(answer)) {
        server_fail(path);
    }
    (void)fclose(file);
}

int main(int argc, char **argv)
{
    server_t server = {.connection_size = sizeof(server_connection_t), .on_request = on_request};

    if (argc != 4 || strcmp(argv[1], "-p") != 0) {
        (void)fprintf(stderr, "usage: upstream -p port file-with-the-answer\n");
        return 2;
    }
    read_answer(argv[3]);
    server_run(&server, argv[2]);
    return 0;
}
