#include "loop/transfer_private.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

/* Of one answer's head: the largest that AWS sends are well under 8 KB. */
#define HEAD_MAX 16384

/* A spare transfer is about 10 KB; a burst's surplus goes back to the heap. */
#define SPARE_MAX 256

/* ---- deadlines ---- */

static apr_time_t sooner(apr_time_t one, apr_time_t other)
{
    return one == 0 || (other != 0 && other < one) ? other : one;
}

static apr_time_t idle_deadline(const transfer_t *transfer)
{
    int runs = transfer->idle > 0 && transfer->phase >= PHASE_HEAD && !transfer->paused;

    return runs ? transfer->last_piece + transfer->idle : 0;
}

static apr_time_t first_deadline(const transfer_t *transfer)
{
    return transfer->phase < PHASE_HEAD ? transfer->first_by : 0;
}

static void on_deadline(loop_timer_t *timer);

static void arm_soonest(transfer_t *transfer)
{
    loop_t *loop = transfer->home->loop;
    apr_time_t due =
        sooner(sooner(first_deadline(transfer), idle_deadline(transfer)), transfer->total_by);

    if (due == 0 || transfer->state > TRANSFER_RUNNING) {
        loop_timer_disarm(loop, &transfer->timer);
    } else {
        loop_timer_arm(loop, &transfer->timer, due - loop->now, on_deadline);
    }
}

/* A piece of the answer only notes the time: the timer may come early, and is then set again. */
static void on_deadline(loop_timer_t *timer)
{
    transfer_t *transfer = LOOP_CONTAINER(timer, transfer_t, timer);
    apr_time_t now = transfer->home->loop->now;
    apr_time_t first = first_deadline(transfer);
    apr_time_t idle = idle_deadline(transfer);

    if (transfer->total_by != 0 && now >= transfer->total_by) {
        transfer->verdict = TRANSFER_TOTAL_TIMEOUT;
    } else if (first != 0 && now >= first) {
        transfer->verdict = TRANSFER_FIRST_TIMEOUT;
    } else if (idle != 0 && now >= idle) {
        transfer->verdict = TRANSFER_IDLE_TIMEOUT;
    } else {
        arm_soonest(transfer);
        return;
    }
    transfer_finish(transfer, CURLE_OPERATION_TIMEDOUT);
}

/* ---- what libcurl calls ---- */

static void begin_answer(transfer_t *transfer)
{
    transfer->last_piece = transfer->home->loop->now;
    if (transfer->phase < PHASE_HEAD) {
        transfer->phase = PHASE_HEAD;
        arm_soonest(transfer);
    }
}

static size_t end_early(transfer_t *transfer, transfer_end_e verdict)
{
    transfer->verdict = verdict;
    return CURL_WRITEFUNC_ERROR;
}

static int is_blank(const char *line)
{
    return line[0] == '\r' || line[0] == '\n';
}

/* The head is whole, unless it is an interim one (1xx, RFC 9110 section 15.2). */
static int on_head_end(transfer_t *transfer)
{
    const transfer_owner_t *owner = &transfer->owner;
    long status = 0;

    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200) {
        return 1;
    }
    transfer->phase = PHASE_BODY;
    return owner->on_head == NULL || owner->on_head(owner->baton, transfer, (int)status);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *baton)
{
    transfer_t *transfer = baton;
    size_t length = size * count;

    if (transfer->state == TRANSFER_CANCELLED) {
        return CURL_WRITEFUNC_ERROR;
    }
    begin_answer(transfer);
    transfer->head_bytes += length;
    if (transfer->head_bytes > HEAD_MAX) {
        return end_early(transfer, TRANSFER_PROTOCOL_FAILED);
    }
    if (transfer->phase == PHASE_HEAD && is_blank(bytes) && !on_head_end(transfer)) {
        return end_early(transfer, TRANSFER_REFUSED_BY_OWNER);
    }
    return transfer->state == TRANSFER_CANCELLED ? CURL_WRITEFUNC_ERROR : length;
}

static size_t on_write(char *bytes, size_t size, size_t count, void *baton)
{
    transfer_t *transfer = baton;
    size_t length = size * count;

    if (transfer->state == TRANSFER_CANCELLED) {
        return CURL_WRITEFUNC_ERROR;
    }
    if (transfer->paused) {
        transfer->held = 1;
        return CURL_WRITEFUNC_PAUSE;
    }
    begin_answer(transfer);
    if (!transfer->owner.on_body(transfer->owner.baton, transfer, bytes, length)) {
        return end_early(transfer, TRANSFER_REFUSED_BY_OWNER);
    }
    return transfer->state == TRANSFER_CANCELLED ? CURL_WRITEFUNC_ERROR : length;
}

/* Called each time that the request is about to be sent. A second time is libcurl's own idea: it
 * repeats what it sent on a pooled connection that ended without a byte of an answer
 * (Curl_retry_request in libcurl's transfer.c). */
static int on_send(void *baton, char *peer, char *local, int peer_port, int local_port)
{
    transfer_t *transfer = baton;

    log_debug("sending a request to %s port %d from %s port %d", peer, peer_port, local,
              local_port);
    transfer->resent = transfer->phase != PHASE_CONNECTING;
    if (transfer->resent && transfer->single_send) {
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->phase = PHASE_SENDING;
    return CURL_PREREQFUNC_OK;
}

static curl_socket_t on_open_socket(void *baton, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    transfer_t *transfer = baton;

    (void)purpose;
    transfer->resent = transfer->phase != PHASE_CONNECTING;
    if (transfer->resent && transfer->single_send) {
        return CURL_SOCKET_BAD;
    }
    return shard_open_socket(transfer->home, address);
}

/* ---- making, ending, pooling ---- */

static void set_callbacks(transfer_t *transfer)
{
    CURL *easy = transfer->easy;

    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->said);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    /* A connection outlives the transfer that opened it. */
    (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, shard_close_socket);
    (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->home);
}

static transfer_t *make(transfers_t *transfers)
{
    transfer_t *transfer = calloc(1, sizeof(*transfer));

    if (transfer == NULL) {
        return NULL;
    }
    transfer->home = transfers;
    transfer->easy = easy_create(transfers);
    if (transfer->easy == NULL) {
        free(transfer);
        return NULL;
    }
    set_callbacks(transfer);
    return transfer;
}

/* A spare one or a new one, in the list of those in use. */
static transfer_t *take(transfers_t *transfers)
{
    transfer_t *transfer = transfers->spare;

    if (transfer != NULL) {
        transfers->spare = transfer->next;
        transfers->spare_count--;
    } else if ((transfer = make(transfers)) == NULL) {
        return NULL;
    }
    transfer->in_use_next = transfers->in_use;
    transfer->in_use_link = &transfers->in_use;
    if (transfer->in_use_next != NULL) {
        transfer->in_use_next->in_use_link = &transfer->in_use_next;
    }
    transfers->in_use = transfer;
    return transfer;
}

static void destroy(transfer_t *transfer)
{
    curl_easy_cleanup(transfer->easy);
    free(transfer);
}

static void recycle(transfer_t *transfer)
{
    transfers_t *home = transfer->home;
    transfer_t blank = {.home = home, .easy = transfer->easy, .state = TRANSFER_SPARE};

    *transfer->in_use_link = transfer->in_use_next;
    if (transfer->in_use_next != NULL) {
        transfer->in_use_next->in_use_link = transfer->in_use_link;
    }
    easy_clear(transfer);
    if (home->spare_count >= SPARE_MAX) {
        destroy(transfer);
        return;
    }
    *transfer = blank;
    transfer->next = home->spare;
    home->spare = transfer;
    home->spare_count++;
}

/* Takes it from libcurl, and so from the network. */
static long detach(transfer_t *transfer)
{
    long connections = 0;

    loop_timer_disarm(transfer->home->loop, &transfer->timer);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connections);
    if (transfer->shard != NULL) {
        shard_remove(transfer);
        transfer->home->connections_opened += (unsigned long)connections;
    }
    return connections;
}

void transfer_finish(transfer_t *transfer, CURLcode code)
{
    transfer_result_t result = {0};
    char error[CURL_ERROR_SIZE + 64];

    result.new_connections = detach(transfer);
    if (transfer->state != TRANSFER_CANCELLED) {
        ending_describe(transfer, code, &result, error, sizeof(error));
        transfer->state = TRANSFER_ENDING;
        transfer->owner.on_end(transfer->owner.baton, &result);
    }
    transfer->state = TRANSFER_CANCELLED;
    if (!transfer->listed) {
        recycle(transfer);
    }
}

void transfer_destroy_all(transfers_t *transfers)
{
    transfer_t *transfer = transfers->in_use;
    transfer_t *next;

    for (; transfer != NULL; transfer = next) {
        next = transfer->in_use_next;
        transfer->state = TRANSFER_CANCELLED;
        (void)detach(transfer);
        recycle(transfer);
    }
    for (transfer = transfers->spare; transfer != NULL; transfer = next) {
        next = transfer->next;
        destroy(transfer);
    }
}

/* ---- what has to wait until libcurl has returned ---- */

static void on_later(loop_timer_t *timer)
{
    transfer_settle(LOOP_CONTAINER(timer, transfers_t, later_timer));
}

static void do_later(transfer_t *transfer)
{
    transfers_t *home = transfer->home;

    if (transfer->listed) {
        return;
    }
    transfer->listed = 1;
    transfer->next = NULL;
    *home->later_end = transfer;
    home->later_end = &transfer->next;
    if (!home->in_curl) {
        loop_timer_arm(home->loop, &home->later_timer, 0, on_later);
    }
}

/* libcurl hands out what it held from within curl_easy_pause(). */
static void unpause(transfer_t *transfer)
{
    transfers_t *home = transfer->home;
    CURLcode code;

    transfer->held = 0;
    home->in_curl = 1;
    code = curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
    home->in_curl = 0;
    if (code != CURLE_OK && transfer->state == TRANSFER_RUNNING) {
        transfer_finish(transfer, code);
    }
}

static void settle(transfer_t *transfer)
{
    transfer->listed = 0;
    switch (transfer->state) {
    case TRANSFER_STARTING:
        transfer->state = TRANSFER_RUNNING;
        if (!shard_add(transfer)) {
            transfer->verdict = TRANSFER_INTERNAL;
            transfer_finish(transfer, CURLE_OUT_OF_MEMORY);
        }
        break;
    case TRANSFER_RUNNING:
        if (transfer->held && !transfer->paused) {
            unpause(transfer);
        }
        break;
    default: (void)detach(transfer); recycle(transfer);
    }
}

void transfer_settle(transfers_t *transfers)
{
    while (transfers->later != NULL) {
        transfer_t *transfer = transfers->later;

        transfers->later = transfer->next;
        if (transfers->later == NULL) {
            transfers->later_end = &transfers->later;
        }
        settle(transfer);
    }
}

/* ---- the interface ---- */

static apr_time_t deadline(const transfers_t *transfers, apr_interval_time_t timeout)
{
    return timeout > 0 ? transfers->loop->now + timeout : 0;
}

static int begin(transfer_t *transfer)
{
    if (transfer->home->in_curl) {
        transfer->state = TRANSFER_STARTING;
        do_later(transfer);
        return 1;
    }
    transfer->state = TRANSFER_RUNNING;
    return shard_add(transfer);
}

transfer_t *transfer_start(loop_t *loop, const transfer_request_t *request,
                           const transfer_owner_t *owner)
{
    transfers_t *transfers = loop->transfers;
    transfer_t *transfer = take(transfers);

    if (transfer == NULL) {
        log_error("CHAT0054: starting an HTTP exchange: out of memory");
        return NULL;
    }
    transfer->owner = *owner;
    transfer->single_send = request->single_send;
    transfer->first_by = deadline(transfers, request->first_timeout);
    transfer->total_by = deadline(transfers, request->total_timeout);
    transfer->idle = request->idle_timeout;
    if (!easy_prepare(transfer, request) || !begin(transfer)) {
        log_error("CHAT0055: starting an HTTP exchange: libcurl refuses; out of memory or of open "
                  "files");
        recycle(transfer);
        return NULL;
    }
    arm_soonest(transfer);
    return transfer;
}

void transfer_cancel(transfer_t *transfer)
{
    if (transfer->state == TRANSFER_ENDING) {
        return;
    }
    transfer->state = TRANSFER_CANCELLED;
    loop_timer_disarm(transfer->home->loop, &transfer->timer);
    if (transfer->home->in_curl) {
        do_later(transfer);
        return;
    }
    (void)detach(transfer);
    if (!transfer->listed) {
        recycle(transfer);
    }
}

const char *transfer_header(transfer_t *transfer, const char *name)
{
    struct curl_header *header;

    return curl_easy_header(transfer->easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK
               ? header->value
               : NULL;
}

void transfer_pause(transfer_t *transfer)
{
    transfer->paused = 1;
    arm_soonest(transfer);
}

void transfer_resume(transfer_t *transfer)
{
    if (!transfer->paused) {
        return;
    }
    transfer->paused = 0;
    transfer->last_piece = transfer->home->loop->now;
    arm_soonest(transfer);
    if (transfer->held) {
        do_later(transfer);
    }
}

unsigned long transfer_connections_opened(const loop_t *loop)
{
    return loop->transfers->connections_opened;
}
