#include "emulator/daemon.h"

#include "base/clock.h"
#include "base/log.h"
#include "emulator/process.h"

#include <apr_sha1.h>
#include <apr_thread_proc.h>
#include <dirent.h>
#include <errno.h>
#include <http_config.h>
#include <http_log.h>
#include <http_main.h>
#include <mpm_common.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

APLOG_USE_MODULE(aws_emulator);

#define RETAINED_KEY    "aws_emulator_daemon"
#define BACKLOG         4096
#define STOP_TIMEOUT_MS 3000
#define QUICK_DEATH     apr_time_from_sec(5)
#define QUICK_DEATHS    5 /* so many in a row, and it is not started again */

/* What outlives a generation: it is in the process pool, while this code is loaded anew. */
typedef struct {
    apr_proc_t proc; /* its pid stays behind when it is dead */
    int running;
    int noted;    /* the process pool ends it */
    int lease_fd; /* the parent's end of the pair */
    unsigned char fingerprint[APR_SHA1_DIGESTSIZE];
    apr_time_t started;
    int quick_deaths;
} keeper_t;

static keeper_t *keeper;
static const settings_t *current_settings;
static server_rec *current_server;
static apr_pool_t *current_pool;

static int start(void);

/* ---- in the daemon: its log ---- */

static int on_log_enabled(void *baton, log_level_e level)
{
    const server_rec *server = baton;

    return APLOG_IS_LEVEL(server, (int)level);
}

static void on_log_write(void *baton, log_level_e level, const char *file, int line,
                         const char *text)
{
    const server_rec *server = baton;

    ap_log_error(file, line, APLOG_MODULE_INDEX, (int)level, 0, server, "%s", text);
}

/* ---- in the daemon: becoming one ---- */

/* httpd's listening sockets would otherwise stay bound as long as this process lives. */
static void close_other_listeners(int ours)
{
    DIR *directory = opendir("/proc/self/fd");
    struct dirent *entry;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        int listening = 0;
        socklen_t length = sizeof(listening);
        if (fd > STDERR_FILENO && fd != ours &&
            getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0 && listening) {
            (void)close(fd);
        }
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
}

/* Signals that go to httpd's whole process group are the parent's business. */
static void set_signals(void)
{
    static const int ignored[] = {SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGWINCH, SIGPIPE};
    size_t i;

    for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        (void)signal(ignored[i], SIG_IGN);
    }
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGCHLD, SIG_DFL);
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* 0 when it must not go on. */
static int settle(apr_pool_t *pool, pid_t parent, int listen_fd)
{
    const log_sink_t sink = {on_log_enabled, on_log_write, current_server};

    set_signals();
    close_other_listeners(listen_fd);
    raise_descriptor_limit();
    log_set_sink(&sink);
    if (ap_run_drop_privileges(pool, current_server) != 0) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, current_server,
                     "EMUL0001: starting the AWS stand-in's process failed: it could not change to "
                     "the User and Group of the configuration");
        return 0;
    }
    (void)prctl(PR_SET_NAME, "aws_emulator");
    /* After the change of user, which would undo it. */
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    return getppid() == parent;
}

/* SIGTERM is blocked since before the fork: none is lost to the parent's handler. */
static void run_daemon(pid_t parent, int listen_fd, int lease_fd)
{
    apr_pool_t *pool = NULL;

    if (apr_pool_create(&pool, NULL) == APR_SUCCESS) {
        apr_pool_tag(pool, "aws_emulator");
        if (settle(pool, parent, listen_fd)) {
            process_serve(current_settings, listen_fd, lease_fd);
        }
        apr_pool_destroy(pool);
    }
    exit(0);
}

/* ---- in the parent: starting and stopping ---- */

static int complain(apr_status_t status, const char *what)
{
    ap_log_error(
        APLOG_MARK, APLOG_CRIT, status, current_server,
        "EMUL0005: starting the AWS stand-in failed while %s %s:%d: choose a free loopback "
        "address and port with EmulatorListen",
        what, current_settings->address, (int)current_settings->port);
    return HTTP_INTERNAL_SERVER_ERROR;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

/* A bound socket in `*fd`: made in the parent, so that a failure stops httpd's start. */
static int listen_on(const settings_t *settings, int *fd)
{
    apr_sockaddr_t *address = NULL;
    int on = 1;
    apr_status_t status = apr_sockaddr_info_get(&address, settings->address, APR_UNSPEC,
                                                settings->port, 0, current_pool);

    if (status != APR_SUCCESS) {
        return complain(status, "reading the address");
    }
    *fd = socket(address->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0) {
        return complain(errno, "making a socket for");
    }
    (void)setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(*fd, (struct sockaddr *)&address->sa, address->salen) != 0 ||
        listen(*fd, BACKLOG) != 0) {
        status = errno;
        close_fd(fd);
        return complain(status, "listening on");
    }
    return OK;
}

static void tell(char word)
{
    if (keeper->lease_fd >= 0) {
        (void)send(keeper->lease_fd, &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

static void on_child_event(int reason, void *data, int status)
{
    (void)status;
    if (reason == APR_OC_REASON_UNREGISTER) {
        tell(PROCESS_LEASE_ENDS);
        return;
    }
    if (reason != APR_OC_REASON_DEATH && reason != APR_OC_REASON_LOST) {
        return;
    }
    keeper->running = 0;
    apr_proc_other_child_unregister(data);
    keeper->quick_deaths =
        clock_monotonic() - keeper->started < QUICK_DEATH ? keeper->quick_deaths + 1 : 0;
    if (keeper->quick_deaths >= QUICK_DEATHS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, current_server,
                     "EMUL0006: the AWS stand-in's process died %d times in a row right after its "
                     "start: it is not started again before the next restart",
                     keeper->quick_deaths);
        return;
    }
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, current_server,
                 "EMUL0007: the AWS stand-in's process died: starting it again; its sessions and "
                 "counters are lost");
    (void)start();
}

static void block_term(sigset_t *old)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &set, old);
}

static void adopt(pid_t pid, int lease_fd)
{
    keeper->proc.pid = pid;
    keeper->running = 1;
    keeper->started = clock_monotonic();
    close_fd(&keeper->lease_fd);
    keeper->lease_fd = lease_fd;
    if (!keeper->noted) {
        apr_pool_note_subprocess(current_server->process->pool, &keeper->proc,
                                 APR_KILL_AFTER_TIMEOUT);
        keeper->noted = 1;
    }
    apr_proc_other_child_register(&keeper->proc, on_child_event, keeper, NULL, current_pool);
}

/* Forks; the child does not return. The parent keeps its end of the pair only: were it to hold the
 * listening socket too, so would httpd's children, and the port were taken when this one is gone.
 */
static int fork_daemon(int listen_fd, const int *pair)
{
    pid_t parent = getpid();
    apr_proc_t proc;
    sigset_t old;
    apr_status_t status;

    block_term(&old);
    status = apr_proc_fork(&proc, current_pool);
    if (status == APR_INCHILD) {
        (void)close(pair[0]);
        close_fd(&keeper->lease_fd);
        run_daemon(parent, listen_fd, pair[1]);
    }
    (void)sigprocmask(SIG_SETMASK, &old, NULL);
    if (status != APR_INPARENT) {
        (void)close(pair[0]);
        return complain(status, "forking the process for");
    }
    adopt(proc.pid, pair[0]);
    return OK;
}

static int start(void)
{
    int listen_fd = -1;
    int pair[2];
    int status;

    if (listen_on(current_settings, &listen_fd) != OK) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        status = complain(errno, "making a socket pair for");
    } else {
        status = fork_daemon(listen_fd, pair);
        (void)close(pair[1]);
    }
    close_fd(&listen_fd);
    return status;
}

/* Whether it still runs; a dead one is reaped. */
static int is_alive(void)
{
    if (keeper->running && waitpid(keeper->proc.pid, NULL, WNOHANG) != 0) {
        keeper->running = 0;
    }
    return keeper->running;
}

/* The daemon's end of the pair closes when it ends. */
static void stop(void)
{
    struct pollfd lease = {.fd = keeper->lease_fd, .events = POLLIN};

    if (is_alive()) {
        (void)kill(keeper->proc.pid, SIGTERM);
        if (poll(&lease, 1, STOP_TIMEOUT_MS) <= 0) {
            (void)kill(keeper->proc.pid, SIGKILL);
        }
        (void)waitpid(keeper->proc.pid, NULL, 0);
        keeper->running = 0;
    }
    close_fd(&keeper->lease_fd);
}

/* ---- in the parent: from one generation to the next ---- */

static void hash_text(apr_sha1_ctx_t *hash, const char *text)
{
    text = text != NULL ? text : "";
    apr_sha1_update(hash, text, (unsigned int)strlen(text) + 1);
}

static void fingerprint(const settings_t *settings, unsigned char *out)
{
    apr_sha1_ctx_t hash;
    int i;

    apr_sha1_init(&hash);
    hash_text(&hash, settings->address);
    apr_sha1_update_binary(&hash, (const unsigned char *)&settings->port, sizeof(settings->port));
    hash_text(&hash, settings->region);
    hash_text(&hash, settings->openai_key);
    for (i = 0; i < settings->key_count; i++) {
        hash_text(&hash, settings->keys[i].id);
        hash_text(&hash, settings->keys[i].secret);
        hash_text(&hash, settings->keys[i].token);
    }
    for (i = 0; i < settings->table_count; i++) {
        hash_text(&hash, settings->tables[i].name);
        hash_text(&hash, settings->tables[i].key);
    }
    for (i = 0; i < settings->bucket_count; i++) {
        hash_text(&hash, settings->buckets[i]);
    }
    apr_sha1_final(out, &hash);
}

static keeper_t *find_keeper(void)
{
    keeper_t *found = ap_retained_data_get(RETAINED_KEY);

    if (found == NULL) {
        found = ap_retained_data_create(RETAINED_KEY, sizeof(*found));
        found->lease_fd = -1;
    }
    return found;
}

static void set_current(apr_pool_t *pool, server_rec *server, const settings_t *settings)
{
    current_settings = settings;
    current_server = server;
    current_pool = pool;
}

int daemon_try(apr_pool_t *pool, server_rec *server, const settings_t *settings)
{
    int fd = -1;
    int status = OK;

    set_current(pool, server, settings);
    if (settings->address != NULL) {
        status = listen_on(settings, &fd);
        close_fd(&fd);
    }
    return status;
}

int daemon_ensure(apr_pool_t *pconf, server_rec *server, const settings_t *settings)
{
    unsigned char now[APR_SHA1_DIGESTSIZE];

    keeper = find_keeper();
    set_current(pconf, server, settings);
    keeper->quick_deaths = 0;
    fingerprint(settings, now);
    if (is_alive() && memcmp(now, keeper->fingerprint, sizeof(now)) == 0) {
        tell(PROCESS_LEASE_GOES_ON);
        apr_proc_other_child_register(&keeper->proc, on_child_event, keeper, NULL, pconf);
        return OK;
    }
    memcpy(keeper->fingerprint, now, sizeof(now));
    stop();
    return settings->address != NULL ? start() : OK;
}

void daemon_forget_in_child(void)
{
    if (keeper != NULL) {
        close_fd(&keeper->lease_fd);
    }
}
