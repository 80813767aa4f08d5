/*
 * libcurl 7.88 looks through all connections of a multi handle when a transfer
 * starts, when it ends, and once a second: with thousands in one handle that is
 * most of the CPU time of a chat. So the transfers are spread over several
 * multi handles of a bounded size, the first that has room; each keeps its own
 * idle connections, names and TLS sessions are shared.
 */
#include "base/log.h"
#include "loop/transfer_private.h"

#include <apr_time.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SHARD_SIZE
#define SHARD_SIZE 128
#endif

/* A shard without transfers closes its idle connections after this; AWS closes them after 60 s. */
#define IDLE_TIME apr_time_from_sec(50)

struct shard_t {
    transfers_t *home;
    size_t index;
    CURLM *multi; /* NULL while there is nothing to keep */
    size_t count;
    loop_timer_t curl_timer;
    loop_timer_t idle_timer;
};

/* Lets libcurl work, then tells the owners what ended. The caller is not inside libcurl. */
static void act(shard_t *shard, curl_socket_t fd, int mask)
{
    transfers_t *home = shard->home;
    CURLMsg *message;
    int number;

    home->in_curl = 1;
    (void)curl_multi_socket_action(shard->multi, fd, mask, &number);
    home->in_curl = 0;
    while ((message = curl_multi_info_read(shard->multi, &number)) != NULL) {
        CURLcode code = message->data.result;
        transfer_t *transfer = NULL;

        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        transfer_finish(transfer, code);
    }
    transfer_settle(home);
}

static void on_ready(void *baton, int fd, uint32_t came)
{
    int mask = 0;

    if ((came & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
        mask |= CURL_CSELECT_IN;
    }
    if ((came & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
        mask |= CURL_CSELECT_OUT;
    }
    act(baton, fd, mask);
}

static void on_curl_timer(loop_timer_t *timer)
{
    act(LOOP_CONTAINER(timer, shard_t, curl_timer), CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout_wanted(CURLM *multi, long milliseconds, void *baton)
{
    shard_t *shard = baton;

    (void)multi;
    if (milliseconds < 0) {
        loop_timer_disarm(shard->home->loop, &shard->curl_timer);
    } else {
        loop_timer_arm(shard->home->loop, &shard->curl_timer,
                       (apr_interval_time_t)milliseconds * 1000, on_curl_timer);
    }
    return 0;
}

/* A connection that libcurl puts aside is mostly used again: its registration stays. Other
 * descriptors (the resolver's) are closed behind our back, so theirs goes. */
static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *baton, void *of_socket)
{
    shard_t *shard = baton;
    poller_t *poller = &shard->home->loop->poller;
    uint32_t events = 0;

    (void)easy;
    (void)of_socket;
    if (what == CURL_POLL_REMOVE) {
        if (poller_is_kept(poller, fd)) {
            poller_forget(poller, fd);
        } else {
            poller_remove(poller, fd);
        }
        return 0;
    }
    events |= (what & CURL_POLL_IN) != 0 ? (uint32_t)EPOLLIN : 0;
    events |= (what & CURL_POLL_OUT) != 0 ? (uint32_t)EPOLLOUT : 0;
    if (!poller_want(poller, fd, events, on_ready, shard)) {
        log_error("CHAT0053: waiting for an upstream connection: epoll refuses; look at the limits "
                  "of memory and fs.epoll.max_user_watches");
    }
    return 0;
}

curl_socket_t shard_open_socket(transfers_t *transfers, const struct curl_sockaddr *address)
{
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    address->protocol);

    if (fd >= 0 && !poller_keep(&transfers->loop->poller, fd)) {
        (void)close(fd);
        fd = -1;
    }
    return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

int shard_close_socket(void *transfers, curl_socket_t fd)
{
    poller_remove(&((transfers_t *)transfers)->loop->poller, fd);
    return close(fd);
}

static int open_multi(shard_t *shard)
{
    CURLM *multi = curl_multi_init();

    if (multi == NULL) {
        return 0;
    }
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, shard);
    (void)curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted);
    (void)curl_multi_setopt(multi, CURLMOPT_TIMERDATA, shard);
    (void)curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    (void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)SHARD_SIZE);
    shard->multi = multi;
    return 1;
}

static void close_multi(shard_t *shard)
{
    loop_t *loop = shard->home->loop;

    if (shard->multi != NULL) {
        (void)curl_multi_cleanup(shard->multi);
        shard->multi = NULL;
    }
    loop_timer_disarm(loop, &shard->curl_timer);
    loop_timer_disarm(loop, &shard->idle_timer);
}

static void on_idle(loop_timer_t *timer)
{
    close_multi(LOOP_CONTAINER(timer, shard_t, idle_timer));
}

static shard_t *add_shard(transfers_t *transfers)
{
    size_t count = transfers->shard_count;
    shard_t **shards = realloc(transfers->shards, (count + 1) * sizeof(void *));

    if (shards == NULL) {
        return NULL;
    }
    transfers->shards = shards;
    shards[count] = calloc(1, sizeof(**shards));
    if (shards[count] == NULL) {
        return NULL;
    }
    shards[count]->home = transfers;
    shards[count]->index = count;
    transfers->shard_count++;
    return shards[count];
}

/* The first shard with room: so the fewest are in use, and idle connections are found again. */
static shard_t *with_room(transfers_t *transfers)
{
    shard_t *shard;

    while (transfers->first_open < transfers->shard_count &&
           transfers->shards[transfers->first_open]->count == SHARD_SIZE) {
        transfers->first_open++;
    }
    shard = transfers->first_open < transfers->shard_count
                ? transfers->shards[transfers->first_open]
                : add_shard(transfers);
    return shard != NULL && (shard->multi != NULL || open_multi(shard)) ? shard : NULL;
}

int shard_add(transfer_t *transfer)
{
    shard_t *shard = with_room(transfer->home);

    if (shard == NULL || curl_multi_add_handle(shard->multi, transfer->easy) != CURLM_OK) {
        return 0;
    }
    loop_timer_disarm(shard->home->loop, &shard->idle_timer);
    shard->count++;
    transfer->shard = shard;
    return 1;
}

void shard_remove(transfer_t *transfer)
{
    shard_t *shard = transfer->shard;
    transfers_t *home = transfer->home;

    (void)curl_multi_remove_handle(shard->multi, transfer->easy);
    transfer->shard = NULL;
    shard->count--;
    if (shard->index < home->first_open) {
        home->first_open = shard->index;
    }
    if (shard->count == 0) {
        loop_timer_arm(home->loop, &shard->idle_timer, IDLE_TIME, on_idle);
    }
}

void shard_destroy_all(transfers_t *transfers)
{
    size_t i;

    for (i = 0; i < transfers->shard_count; i++) {
        close_multi(transfers->shards[i]);
        free(transfers->shards[i]);
    }
    free(transfers->shards);
}
