#include "chat/keeper.h"

#include "base/clock.h"
#include "base/log.h"

#include <string.h>

/* When a store is left alone for a while: half of at least five calls within ten seconds failed. */
static const circuit_settings_t limits = {50, 5, apr_time_from_sec(10), apr_time_from_sec(5)};

void keeper_init(keeper_t *keeper, const keeper_settings_t *settings, const char *session_id)
{
    memset(keeper, 0, sizeof(*keeper));
    keeper->settings = settings;
    session_init(&keeper->session, session_id);
}

void keeper_free(keeper_t *keeper)
{
    session_free(&keeper->session);
}

int keeper_is_for_loop(const keeper_t *keeper)
{
    return keeper->settings->store != NULL && !keeper->settings->store->blocks;
}

int keeper_is_for_worker(const keeper_t *keeper)
{
    return keeper->settings->store != NULL && keeper->settings->store->blocks;
}

/* ---- one question at a time ---- */

static int is_allowed(const keeper_t *keeper)
{
    apr_interval_time_t wait;

    return keeper->settings->circuit == NULL ||
           circuit_allows(keeper->settings->circuit, &limits, clock_monotonic(), &wait);
}

static void report(const keeper_t *keeper, int failed)
{
    const keeper_settings_t *settings = keeper->settings;

    if (settings->circuit != NULL &&
        circuit_report(settings->circuit, &limits, clock_monotonic(), failed)) {
        log_warn("CHAT0306: %s failed too often: it is left alone for %d s; chats are answered, "
                 "their sessions are not saved",
                 settings->store->name, (int)apr_time_sec(limits.open));
    }
}

static void forget_question(keeper_t *keeper)
{
    keeper->operation = NULL;
    if (keeper->loop != NULL) {
        loop_timer_disarm(keeper->loop, &keeper->timer);
    }
}

static void tell(keeper_t *keeper, session_end_e end, const char *reason)
{
    session_owner_t owner = keeper->owner;

    keeper->owner.on_end = NULL;
    owner.on_end(owner.baton, end, reason);
}

static void on_answer(void *baton, session_end_e end, const char *reason)
{
    keeper_t *keeper = baton;

    forget_question(keeper);
    report(keeper, end == SESSION_FAILED);
    tell(keeper, end, reason);
}

static void cancel(keeper_t *keeper)
{
    session_operation_t *operation = keeper->operation;

    forget_question(keeper);
    if (operation != NULL) {
        keeper->settings->store->cancel(operation);
    }
}

void keeper_give_up(keeper_t *keeper)
{
    if (keeper->owner.on_end != NULL) {
        cancel(keeper);
        on_answer(keeper, SESSION_FAILED, "asking the session store: it did not answer in time");
    }
}

static void on_silence(loop_timer_t *timer)
{
    keeper_give_up(LOOP_CONTAINER(timer, keeper_t, timer));
}

/* 0 when the store is given a rest: the owner was told. */
static int begin(keeper_t *keeper, loop_t *loop, apr_interval_time_t time,
                 const session_owner_t *owner)
{
    keeper->loop = loop;
    keeper->owner = *owner;
    if (!is_allowed(keeper)) {
        tell(keeper, SESSION_FAILED,
             "asking the session store: it failed too often and is given a rest");
        return 0;
    }
    if (loop != NULL) {
        loop_timer_arm(loop, &keeper->timer, time > 0 ? time : 0, on_silence);
    }
    return 1;
}

/* ---- the questions ---- */

static void on_opened(void *baton, session_end_e end, const char *reason)
{
    keeper_t *keeper = baton;

    keeper->is_claimed = end == SESSION_OK;
    on_answer(keeper, end, reason);
}

void keeper_open(keeper_t *keeper, loop_t *loop, apr_interval_time_t time,
                 const session_owner_t *owner)
{
    const session_store_t *store = keeper->settings->store;
    const session_owner_t own = {on_opened, keeper};

    if (begin(keeper, loop, time, owner)) {
        keeper->is_claimed = 1;
        store->open(store, &keeper->operation, &keeper->session, &keeper->asker, &own);
    }
}

static void on_saved(void *baton, session_end_e end, const char *reason)
{
    keeper_t *keeper = baton;

    keeper->is_claimed = keeper->is_claimed && end != SESSION_OK;
    on_answer(keeper, end, reason);
}

void keeper_save(keeper_t *keeper, loop_t *loop, apr_interval_time_t time,
                 const session_owner_t *owner)
{
    const session_store_t *store = keeper->settings->store;
    const session_owner_t own = {on_saved, keeper};

    if (begin(keeper, loop, time, owner)) {
        store->save(store, &keeper->operation, &keeper->session, &keeper->asker, &keeper->turn,
                    &own);
    }
}

int keeper_must_release(const keeper_t *keeper)
{
    return keeper->is_claimed && keeper->settings->store->release != NULL;
}

static void on_released(void *baton, session_end_e end, const char *reason)
{
    keeper_t *keeper = baton;

    keeper->is_claimed = end != SESSION_OK;
    on_answer(keeper, end, reason);
}

void keeper_release(keeper_t *keeper, loop_t *loop, apr_interval_time_t time,
                    const session_owner_t *owner)
{
    const session_store_t *store = keeper->settings->store;
    const session_owner_t own = {on_released, keeper};

    if (begin(keeper, loop, time, owner)) {
        store->release(store, &keeper->operation, &keeper->session, &keeper->asker, &own);
    }
}

void keeper_stop(keeper_t *keeper)
{
    const session_store_t *store = keeper->settings->store;

    cancel(keeper);
    keeper->owner.on_end = NULL;
    if (keeper_must_release(keeper)) {
        keeper->is_claimed = 0;
        store->release(store, NULL, &keeper->session, &keeper->asker, NULL);
    }
}
