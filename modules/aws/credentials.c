#include "aws/credentials.h"

#include "aws/credentials_chain.h"
#include "aws/credentials_timing.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <apr_strings.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#define FOREVER    CREDENTIALS_TIMING_FOREVER
#define REASON_MAX 1024

/* The same failure is told again after so long. */
#define TELL_AGAIN apr_time_from_sec(5 * 60)

/* What a failed refresh leaves. */
typedef enum { LEFT_NOTHING, LEFT_VALID, LEFT_EXPIRED } left_e;

struct credentials_provider_t {
    loop_t *loop;
    offload_t *offload;
    const credentials_settings_t *settings;
    credentials_waiter_t *waiters;
    loop_task_t start;

    const credentials_t *current;  /* held; NULL: none yet */
    apr_interval_time_t lifetime;  /* that it had when it came */
    _Atomic apr_time_t good_until; /* wall clock, for credentials_ready(); 0: nothing */

    credentials_fetch_t fetch; /* its pool is NULL when no refresh is in flight */
    credentials_result_t outcome;
    loop_timer_t settle;      /* takes the outcome when no source is on the stack any more */
    loop_timer_t next;        /* the next refresh */
    int rejected;             /* AWS refused the current set, and a refresh is in flight */
    int rejections;           /* in a row that brought nothing new */
    apr_time_t may_reject_at; /* monotonic */
    int failures;             /* in a row */
    char reason[REASON_MAX];  /* of the last one */
    apr_time_t told_at;       /* monotonic; when it was logged */
    left_e told_left;         /* what it left then */
};

/* In [0, 1). Should the system have no random number yet, the middle does. */
static double random_part(void)
{
    uint16_t number;

    return getrandom(&number, sizeof(number), GRND_NONBLOCK) == (ssize_t)sizeof(number)
               ? (double)number / (UINT16_MAX + 1)
               : 0.5;
}

/* ---- what is usable ---- */

/* Microseconds until it expires; 0 or less when it has, or is none. */
static apr_interval_time_t time_left(const credentials_t *set)
{
    if (set == NULL) {
        return 0;
    }
    return set->expires == 0 ? FOREVER : set->expires - clock_wall();
}

static int is_usable(const credentials_provider_t *provider)
{
    return !provider->rejected &&
           time_left(provider->current) > credentials_timing_margin(provider->lifetime);
}

/* When nothing better comes: what has not expired, or may be used nevertheless. */
static const credentials_t *second_best(const credentials_provider_t *provider)
{
    const credentials_t *set = provider->current;

    return set != NULL && (time_left(set) > 0 || set->static_stability) ? set : NULL;
}

static void publish(credentials_provider_t *provider)
{
    const credentials_t *set = provider->current;
    int is_lasting = set->expires == 0 || set->static_stability;

    atomic_store_explicit(&provider->good_until, is_lasting ? FOREVER : set->expires,
                          memory_order_relaxed);
}

int credentials_ready(const credentials_provider_t *provider)
{
    return clock_wall() < atomic_load_explicit(&provider->good_until, memory_order_relaxed);
}

/* ---- those who wait ---- */

static void enqueue(credentials_waiter_t **list, credentials_waiter_t *waiter)
{
    waiter->next = *list;
    waiter->link = list;
    if (waiter->next != NULL) {
        waiter->next->link = &waiter->next;
    }
    *list = waiter;
}

void credentials_forget_waiter(credentials_waiter_t *waiter)
{
    if (waiter->link != NULL) {
        *waiter->link = waiter->next;
        if (waiter->next != NULL) {
            waiter->next->link = waiter->link;
        }
        waiter->link = NULL;
    }
}

/* The one who is told may ask again, forget another, or hold the set. */
static void tell(const credentials_provider_t *provider, const credentials_waiter_t *waiter)
{
    const credentials_t *set =
        credentials_set_hold(is_usable(provider) ? provider->current : second_best(provider));

    waiter->fn(waiter->baton, set, set == NULL ? provider->reason : NULL);
    credentials_set_release(set);
}

/* Those who ask anew meanwhile are not in this round. */
static void tell_all(credentials_provider_t *provider)
{
    credentials_waiter_t *list = provider->waiters;

    provider->waiters = NULL;
    if (list != NULL) {
        list->link = &list;
    }
    while (list != NULL) {
        credentials_waiter_t *waiter = list;

        credentials_forget_waiter(waiter);
        tell(provider, waiter);
    }
}

/* ---- the log ---- */

static void describe_expiry(char *out, const credentials_t *set)
{
    if (set->expires == 0) {
        (void)apr_cpystrn(out, "never", TEXT_RFC3339_LENGTH + 1);
    } else {
        text_rfc3339(out, set->expires);
    }
}

static void log_new(const credentials_t *set)
{
    char key[CREDENTIALS_SHORT_LENGTH + 1];
    char expiry[TEXT_RFC3339_LENGTH + 1];

    credentials_set_shorten(key, set->access_key_id);
    describe_expiry(expiry, set);
    log_info("CHAT0111: using AWS credentials of %s: access key %s, expiry: %s", set->source, key,
             expiry);
}

static left_e what_is_left(const credentials_provider_t *provider)
{
    const credentials_t *set = second_best(provider);

    if (set == NULL) {
        return LEFT_NOTHING;
    }
    return time_left(set) > 0 ? LEFT_VALID : LEFT_EXPIRED;
}

static void log_failure(const credentials_provider_t *provider, apr_interval_time_t delay)
{
    const credentials_t *set = provider->current;
    char expiry[TEXT_RFC3339_LENGTH + 1];
    long seconds = (long)apr_time_sec(delay + APR_USEC_PER_SEC - 1);

    if (provider->told_left == LEFT_NOTHING) {
        log_warn("CHAT0112: fetching AWS credentials: %s; until there are any, chats are answered "
                 "with 503 no_credentials; next try in %ld s",
                 provider->reason, seconds);
        return;
    }
    describe_expiry(expiry, set);
    if (provider->told_left == LEFT_VALID) {
        log_warn("CHAT0113: renewing AWS credentials: %s; those of %s (expiry: %s) stay in use; "
                 "next try in %ld s",
                 provider->reason, set->source, expiry, seconds);
    } else {
        log_warn("CHAT0114: renewing AWS credentials: %s; those of %s stay in use though they "
                 "expired at %s; next try in %ld s",
                 provider->reason, set->source, expiry, seconds);
    }
}

/* Reasons may have durations and ports in them. */
static int same_but_digits(const char *one, const char *other)
{
    static const char digits[] = "0123456789";

    while (*one != '\0' && *one == *other) {
        one += 1 + strspn(one + 1, digits);
        other += 1 + strspn(other + 1, digits);
    }
    return *one == *other;
}

/* A failure that lasts is told once, again now and then, and when it gets worse. */
static void report(credentials_provider_t *provider, const char *reason, apr_interval_time_t delay)
{
    apr_time_t now = loop_now(provider->loop);
    left_e left = what_is_left(provider);
    int is_old = provider->failures > 1 && now - provider->told_at < TELL_AGAIN &&
                 left == provider->told_left && same_but_digits(provider->reason, reason);

    (void)apr_cpystrn(provider->reason, reason, REASON_MAX);
    if (is_old) {
        log_debug("CHAT0115: fetching AWS credentials: %s", provider->reason);
        return;
    }
    provider->told_at = now;
    provider->told_left = left;
    log_failure(provider, delay);
}

/* ---- the refresh ---- */

static void on_next(loop_timer_t *timer);

/* Instance metadata may well give a set that has expired: it is good all the same. */
static int is_alive(const credentials_t *set)
{
    return time_left(set) > 0 || set->static_stability;
}

static void fail(credentials_provider_t *provider, const char *reason)
{
    const credentials_t *set = provider->current;
    apr_interval_time_t delay;

    provider->failures++;
    if (set != NULL && set->static_stability) {
        delay = credentials_timing_retry_stable(provider->lifetime, random_part());
    } else {
        delay = credentials_timing_retry(provider->failures, time_left(set), random_part());
    }
    report(provider, reason, delay);
    loop_timer_arm(provider->loop, &provider->next, delay, on_next);
}

static void take(credentials_provider_t *provider, const credentials_t *set)
{
    credentials_set_release(provider->current);
    provider->current = credentials_set_hold(set);
    if (time_left(set) > 0 || provider->lifetime == 0) {
        provider->lifetime = time_left(set) > 0 ? time_left(set) : FOREVER;
    }
    provider->rejections = 0;
    publish(provider);
    log_new(set);
}

static void succeed(credentials_provider_t *provider, const credentials_t *set)
{
    if (!credentials_set_equal(set, provider->current)) {
        take(provider, set);
    } else if (provider->rejected) {
        provider->rejections++;
    }
    if (time_left(set) <= 0) {
        fail(provider, "the instance metadata service gave credentials that have expired");
        return;
    }
    provider->failures = 0;
    loop_timer_arm(provider->loop, &provider->next,
                   credentials_timing_refresh(time_left(set), random_part()), on_next);
}

/* The sources' memory goes here: none of them is on the stack. */
static void on_settle(loop_timer_t *timer)
{
    credentials_provider_t *provider = LOOP_CONTAINER(timer, credentials_provider_t, settle);
    const credentials_result_t *outcome = &provider->outcome;

    if (outcome->end != CREDENTIALS_FOUND) {
        fail(provider, outcome->reason);
    } else if (is_alive(outcome->set)) {
        succeed(provider, outcome->set);
    } else {
        fail(provider, apr_psprintf(provider->fetch.pool,
                                    "those that %s gave have expired; is this machine's clock "
                                    "right?",
                                    outcome->set->source));
    }
    provider->may_reject_at =
        loop_now(provider->loop) + credentials_timing_retry(provider->rejections + 1, 0, 0);
    provider->rejected = 0;
    apr_pool_destroy(provider->fetch.pool);
    provider->fetch.pool = NULL;
    provider->fetch.profiles = NULL;
    tell_all(provider);
}

static void on_chain_end(void *baton, const credentials_result_t *result)
{
    credentials_provider_t *provider = baton;

    provider->outcome = *result;
    loop_timer_arm(provider->loop, &provider->settle, 0, on_settle);
}

static void refresh(credentials_provider_t *provider)
{
    const credentials_done_t done = {on_chain_end, provider};
    credentials_fetch_t *fetch = &provider->fetch;

    if (fetch->pool != NULL) {
        return;
    }
    loop_timer_disarm(provider->loop, &provider->next);
    (void)apr_pool_create(&fetch->pool, NULL);
    credentials_chain_start(fetch, &done);
}

static void on_next(loop_timer_t *timer)
{
    refresh(LOOP_CONTAINER(timer, credentials_provider_t, next));
}

/* ---- the interface ---- */

void credentials_get(credentials_provider_t *provider, credentials_waiter_t *waiter)
{
    waiter->link = NULL;
    if (is_usable(provider) || (provider->failures > 0 && !provider->rejected)) {
        tell(provider, waiter);
        return;
    }
    enqueue(&provider->waiters, waiter);
    refresh(provider);
}

void credentials_reject(credentials_provider_t *provider, const credentials_t *set)
{
    char key[CREDENTIALS_SHORT_LENGTH + 1];

    if (set != provider->current || provider->rejected ||
        loop_now(provider->loop) < provider->may_reject_at) {
        return;
    }
    credentials_set_shorten(key, set->access_key_id);
    log_warn("CHAT0116: AWS does not take the credentials of %s (access key %s) any more: asking "
             "for new ones",
             set->source, key);
    provider->rejected = 1;
    refresh(provider);
}

apr_interval_time_t credentials_retry_in(const credentials_provider_t *provider)
{
    apr_interval_time_t delay = provider->next.timer.due - loop_now(provider->loop);

    return provider->fetch.pool == NULL && delay > 0 ? delay : 0;
}

static void on_start(loop_task_t *task)
{
    refresh(LOOP_CONTAINER(task, credentials_provider_t, start));
}

void credentials_start(credentials_provider_t *provider)
{
    provider->start.run = on_start;
    (void)loop_post(provider->loop, &provider->start);
}

/* What a refresh in flight had under way on the loop is gone with the loop; its files are waited
 * for. */
static apr_status_t on_pool_end(void *data)
{
    credentials_provider_t *provider = data;

    loop_stop(provider->loop);
    offload_wait(provider->offload);
    if (provider->fetch.pool != NULL) {
        apr_pool_destroy(provider->fetch.pool);
    }
    credentials_set_release(provider->current);
    return APR_SUCCESS;
}

credentials_provider_t *credentials_create(loop_t *loop, const credentials_settings_t *settings,
                                           apr_pool_t *pool)
{
    credentials_provider_t *provider = apr_pcalloc(pool, sizeof(*provider));

    provider->loop = loop;
    provider->offload = offload_create(loop, pool);
    provider->settings = settings;
    provider->fetch.loop = loop;
    provider->fetch.offload = provider->offload;
    provider->fetch.settings = settings;
    apr_pool_cleanup_register(pool, provider, on_pool_end, apr_pool_cleanup_null);
    return provider;
}
