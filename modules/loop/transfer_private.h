/*
 * What the files behind transfer.h share. I/O thread only.
 *
 *   transfer.c   a transfer's life: start, deadlines, pause, end, cancel
 *   easy.c       libcurl's easy handle: the options, and what a request sets
 *   shard.c      libcurl's multi handles, driven by the loop's epoll and timers
 *   ending.c     what libcurl's result means
 *   transfers.c  what all of them share
 *
 * libcurl forbids most calls from within its callbacks. `in_curl` says that
 * one may be running; what an owner asks for meanwhile goes on the list
 * `later` and is done when libcurl has returned.
 */
#ifndef LOOP_TRANSFER_PRIVATE_H
#define LOOP_TRANSFER_PRIVATE_H

#include "loop/private.h"
#include "loop/transfer.h"

#include <curl/curl.h>

typedef struct shard_t shard_t;

typedef enum {
    TRANSFER_STARTING,  /* on the list `later`: not given to libcurl yet */
    TRANSFER_RUNNING,   /* libcurl has it */
    TRANSFER_ENDING,    /* its owner is being told */
    TRANSFER_CANCELLED, /* no callback any more; on the list `later`, or about to be */
    TRANSFER_SPARE
} transfer_state_e;

/* How far the exchange has got: an error line starts with it. */
typedef enum {
    PHASE_CONNECTING,
    PHASE_SENDING, /* a connection is there: the request is on its way, or left */
    PHASE_HEAD,    /* the answer has begun */
    PHASE_BODY
} transfer_phase_e;

struct transfer_t {
    transfers_t *home;
    CURL *easy;       /* lives as long as this struct, which is pooled with it */
    shard_t *shard;   /* while libcurl has it */
    transfer_t *next; /* in `spare` or `later` */
    transfer_t *in_use_next;
    transfer_t **in_use_link;
    transfer_state_e state;
    transfer_phase_e phase;
    transfer_owner_t owner;

    struct curl_slist *headers; /* one block: the nodes and their texts */
    size_t headers_size;
    size_t body_length;
    size_t head_bytes; /* of the answer */
    int single_send;
    int resent;             /* libcurl gave up a dead pooled connection and began anew */
    int listed;             /* on the list `later` */
    int paused;             /* by the owner */
    int held;               /* libcurl keeps a piece of the body for a paused owner */
    transfer_end_e verdict; /* why we ended it ourselves, else TRANSFER_OK */

    loop_timer_t timer;  /* the soonest of the deadlines */
    apr_time_t first_by; /* 0: none; so are the others */
    apr_time_t total_by;
    apr_interval_time_t idle;
    apr_time_t last_piece;

    char said[CURL_ERROR_SIZE]; /* by libcurl */
};

struct transfers_t {
    loop_t *loop;
    CURLSH *share;       /* names and TLS sessions, for all shards */
    const char *ca_file; /* the system's */
    shard_t **shards;
    size_t shard_count;
    size_t first_open; /* every shard before it is full */
    transfer_t *in_use;
    transfer_t *spare;
    size_t spare_count;
    transfer_t *later;
    transfer_t **later_end;
    loop_timer_t later_timer;
    int in_curl;
    unsigned long connections_opened;
};

/* easy.c: all but the callbacks, which transfer.c sets. */
CURL *easy_create(const transfers_t *transfers);
int easy_prepare(transfer_t *transfer, const transfer_request_t *request); /* 0: memory is out */
void easy_clear(transfer_t *transfer);

/* shard.c: 0 when libcurl refuses. */
int shard_add(transfer_t *transfer);
void shard_remove(transfer_t *transfer);
void shard_destroy_all(transfers_t *transfers);

/* The sockets of libcurl's connections. */
curl_socket_t shard_open_socket(transfers_t *transfers, const struct curl_sockaddr *address);
int shard_close_socket(void *transfers, curl_socket_t fd);

/* ending.c: all of `result` but new_connections; its text is put into `error`. */
void ending_describe(const transfer_t *transfer, CURLcode code, transfer_result_t *result,
                     char *error, size_t size);

/* transfer.c: libcurl is done with it; and all that had to wait for libcurl to return. */
void transfer_finish(transfer_t *transfer, CURLcode code);
void transfer_settle(transfers_t *transfers);
void transfer_destroy_all(transfers_t *transfers);

#endif
