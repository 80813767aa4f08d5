/* aws/credentials: the provider. One refresh at a time, ahead of expiry, and what failures do. */
#include "credentials_fixture.h"

static atomic_int served;     /* sets given out */
static atomic_int failing;    /* the service answers with 500 */
static atomic_llong constant; /* not 0: it gives the same set again and again, until then */
static atomic_llong lifetime;
static sem_t may_answer; /* when `held_back` */
static atomic_int held_back;

static void answer_container(const char *request, char *answer)
{
    (void)request;
    if (atomic_load(&held_back)) {
        wait_for(&may_answer);
    }
    if (atomic_load(&failing)) {
        answer_with(answer, "403 Forbidden", "{\"code\":\"NoRole\",\"message\":\"of this task\"}");
        return;
    }
    if (atomic_load(&constant) != 0) {
        answer_keys(answer, 7, atomic_load(&constant) - standing_wall());
    } else {
        answer_keys(answer, atomic_fetch_add(&served, 1) + 1, atomic_load(&lifetime));
    }
}

static void begin_container(apr_interval_time_t life)
{
    begin(answer_container);
    settings.container_relative_uri = "/v2/credentials/idSECRET";
    atomic_store(&served, 0);
    atomic_store(&failing, 0);
    atomic_store(&constant, 0);
    atomic_store(&held_back, 0);
    atomic_store(&lifetime, life);
    (void)sem_init(&may_answer, 0, 0);
}

/* Waits until the provider has settled what it began. */
static void is_settled(void *baton)
{
    atomic_int *settled = baton;

    atomic_store(settled, credentials_retry_in(provider) > 0);
}

static void settle(void)
{
    atomic_int settled = 0;

    while (!atomic_load(&settled)) {
        on_loop(is_settled, &settled);
    }
}

static void one_fetch_for_all(void)
{
    static question_t questions[MANY];
    int same = 0;
    int i;

    begin_container(HOURS(6));
    atomic_store(&held_back, 1);
    OK(!credentials_ready(provider), "nothing is ready at first");
    for (i = 0; i < MANY; i++) {
        prepare_question(&questions[i]);
        on_loop(start_asking, &questions[i]);
    }
    (void)sem_post(&may_answer);
    for (i = 0; i < MANY; i++) {
        wait_for(&questions[i].done);
        same += strcmp(questions[i].key, "ASIAEXAMPLE00001") == 0;
    }
    IS_NUMBER(same, MANY, "a hundred that wait get the same set");
    IS_NUMBER(server_requests(services), 1, "  by one request");
    IS(questions[0].secret, "keySECRET1", "  the secret of it");
    IS(questions[0].token, "tokenSECRET1", "  the token");
    IS_NUMBER(questions[0].expires, standing_wall() + HOURS(6), "  the expiry");
    OK(credentials_ready(provider), "then it is ready");
    OK(ask().told_at_once, "and whoever asks later is told at once");
    IS_NUMBER(logged("<6> CHAT0111: using AWS credentials of the container's role: access key "
                     "ASIA...0001, expiry: 2026-08-22T"),
              1, "one line says what is in use");
    end();
}

static void prefetched(void)
{
    begin_container(HOURS(6));
    credentials_start(provider);
    settle();
    OK(ask().told_at_once, "fetched before anybody asks");
    IS_NUMBER(server_requests(services), 1, "  once");
    end();
}

static void renewed_ahead(void)
{
    question_t question;

    begin_container(HOURS(6));
    (void)ask();
    pass(HOURS(6) - MINUTES(15) - SECONDS(1));
    IS_NUMBER(server_requests(services), 1, "no refresh 15 minutes before the expiry");
    atomic_store(&held_back, 1);
    pass(MINUTES(5) + SECONDS(2));
    question = ask();
    IS(question.key, "ASIAEXAMPLE00001", "during the refresh the old set is in use");
    OK(question.told_at_once, "  without waiting");
    atomic_store(&held_back, 0);
    (void)sem_post(&may_answer);
    settle();
    IS(ask().key, "ASIAEXAMPLE00002", "10 minutes before the expiry there is a new one");
    IS_NUMBER(server_requests(services), 2, "  by one request");
    end();
}

static void short_lives(void)
{
    int waited = 0;
    int wrong = 0;
    int i;

    begin_container(SECONDS(3));
    (void)ask();
    for (i = 0; i < 300; i++) {
        question_t question;

        pass(MS(100));
        settle();
        question = ask();
        waited += !question.told_at_once;
        wrong += question.expires <= standing_wall();
    }
    IS_NUMBER(waited, 0, "sets that live 3 s: nobody waits in 30 s");
    IS_NUMBER(wrong, 0, "  and nobody gets an expired one");
    OK(server_requests(services) >= 10 && server_requests(services) <= 31,
       "  with a refresh every second or two");
    end();
}

static void nearly_expired(void)
{
    begin_container(HOURS(6));
    (void)ask();
    /* As if the machine had slept: the wall clock runs on, the loop's timers have not fired. */
    (void)atomic_fetch_add(&forward, HOURS(6) - SECONDS(5));
    IS(ask().key, "ASIAEXAMPLE00002", "with 5 s left, the next set is waited for");
    end();
}

static void unchanged(void)
{
    int requests;

    begin_container(0);
    atomic_store(&constant, standing_wall() + HOURS(1));
    (void)ask();
    pass(MINUTES(50) + SECONDS(1));
    settle();
    IS_NUMBER(server_requests(services), 2, "a source that has nothing new yet");
    IS_NUMBER(logged("CHAT0111"), 1, "  is no news");
    OK(ask().told_at_once, "  and what is held is in use");
    for (requests = 2; standing_wall() < atomic_load(&constant) - SECONDS(20);) {
        pass(SECONDS(10));
        settle();
    }
    requests = server_requests(services);
    printf("#   %d requests in the last ten minutes\n", requests - 2);
    OK(requests > 3 && requests < 20, "  it is asked again, more often towards the expiry");
    atomic_store(&constant, 0);
    atomic_store(&lifetime, HOURS(1));
    pass(SECONDS(15));
    settle();
    IS(ask().key, "ASIAEXAMPLE00001", "  and gives a new one in time");
    end();
}

/* ---- failures ---- */

static void nothing_to_be_had(void)
{
    question_t question;
    int i;

    begin_container(HOURS(6));
    atomic_store(&failing, 1);
    question = ask();
    IS_NUMBER(question.told, 1, "a source that fails: told once");
    OK(has(question.reason, "asking the container's credentials service http://127.0.0.1:"),
       "  with the phase");
    OK(has(question.reason, "HTTP 403: NoRole: of this task; does the task"), "  and the reason");
    for (i = 0; i < MANY; i++) {
        question = ask();
    }
    OK(question.told_at_once, "who asks again is told at once");
    IS_NUMBER(server_requests(services), 1, "  and the source is left alone");
    OK(!credentials_ready(provider), "  nothing is ready");
    pass(MS(990));
    IS_NUMBER(server_requests(services), 1, "  for a second");
    IS_NUMBER(logged("<4> CHAT0112: fetching AWS credentials: asking the container's"), 1,
              "one warning");
    atomic_store(&failing, 0);
    pass(MS(300));
    settle();
    IS(ask().key, "ASIAEXAMPLE00001", "then it is asked again");
    end();
}

static void paced(void)
{
    int i;

    begin_container(HOURS(6));
    atomic_store(&failing, 1);
    credentials_start(provider);
    settle();
    for (i = 0; i < 600; i++) {
        pass(MS(100));
        settle();
        (void)ask();
    }
    printf("#   %d requests in a minute\n", server_requests(services));
    OK(server_requests(services) >= 10 && server_requests(services) <= 17,
       "a broken source is asked every five seconds or so");
    IS_NUMBER(logged("CHAT0112"), 1, "  with one warning");
    pass(MINUTES(5));
    settle();
    IS_NUMBER(logged("CHAT0112"), 2, "  and another after five minutes");
    end();
}

static void failing_while_valid(void)
{
    question_t question;

    begin_container(HOURS(1));
    (void)ask();
    atomic_store(&failing, 1);
    pass(MINUTES(50) + SECONDS(1));
    settle();
    question = ask();
    IS(question.key, "ASIAEXAMPLE00001", "a refresh that fails: the old set stays in use");
    OK(question.told_at_once, "  without waiting");
    IS_NUMBER(logged("<4> CHAT0113: renewing AWS credentials: asking"), 1, "  with a warning");
    pass(MINUTES(10) - SECONDS(7));
    settle();
    IS(ask().key, "ASIAEXAMPLE00001", "  also in its last seconds");
    pass(SECONDS(7));
    settle();
    question = ask();
    OK(has(question.reason, "HTTP 403") && question.key[0] == '\0', "  but not beyond");
    OK(!credentials_ready(provider), "  and nothing is ready");
    atomic_store(&failing, 0);
    pass(SECONDS(70));
    settle();
    IS(ask().key, "ASIAEXAMPLE00002", "  until the source is back");
    end();
}

static void expired_from_the_start(void)
{
    begin_container(-SECONDS(10));
    OK(has(ask().reason, "those that the container's role gave have expired; is this machine's"),
       "a set that has expired is none");
    end();
}

/* ---- the instance ---- */

static void answer_imds(const char *request, char *answer)
{
    if (has(request, "PUT /latest/api/token ")) {
        answer_with(answer, "200 OK", "imdsSECRET");
    } else if (has(request, "/security-credentials/ ")) {
        answer_with(answer, "200 OK", "chat");
    } else {
        answer_container(request, answer);
    }
}

static void begin_imds(apr_interval_time_t life)
{
    begin_container(life);
    answering = answer_imds;
    settings.container_relative_uri = NULL;
    settings.imds_disabled = NULL;
    settings.imds_endpoint = base_url;
}

static void static_stability(void)
{
    question_t question;
    int before;

    begin_imds(HOURS(6));
    (void)ask();
    atomic_store(&failing, 1);
    pass(HOURS(6) - MINUTES(10) + SECONDS(1));
    settle();
    before = server_requests(services);
    IS_NUMBER(before, 6, "a refresh that fails at the instance metadata service");
    pass(MINUTES(5) - SECONDS(2));
    settle();
    IS_NUMBER(server_requests(services), before, "  is not repeated for 5 minutes");
    pass(MINUTES(5) + SECONDS(3));
    settle();
    IS_NUMBER(server_requests(services), before + 3, "  but in 10");
    question = ask();
    IS(question.key, "ASIAEXAMPLE00001", "beyond its expiry the instance's set stays in use");
    OK(question.told_at_once && question.expires < standing_wall(), "  without waiting");
    OK(credentials_ready(provider), "  and counts as ready");
    pass(MINUTES(10));
    settle();
    OK(logged("<4> CHAT0114: renewing AWS credentials: asking the instance metadata") >= 1,
       "  with a warning");
    atomic_store(&failing, 0);
    pass(MINUTES(11));
    settle();
    IS(ask().key, "ASIAEXAMPLE00002", "  until the service is back");
    end();
}

static void expired_from_imds(void)
{
    question_t question;

    begin_imds(-SECONDS(10));
    question = ask();
    IS(question.key, "ASIAEXAMPLE00001", "expired credentials of the instance are used");
    pass(MINUTES(5) - SECONDS(1));
    settle();
    OK(ask().told_at_once, "  without waiting");
    IS_NUMBER(server_requests(services), 3, "  for 5 minutes at least");
    end();
}

/* ---- refused by AWS ---- */

static void reject(void *set)
{
    credentials_reject(provider, set);
}

static void release(void *set)
{
    credentials_set_release(set);
}

static void *mutable(const credentials_t *set)
{
    return (void *)(uintptr_t)set;
}

static question_t ask_and_keep(void)
{
    question_t question;

    prepare_question(&question);
    question.keep = 1;
    on_loop(start_asking, &question);
    wait_for(&question.done);
    on_loop(do_nothing, NULL);
    return question;
}

static void rejected(void)
{
    question_t first, second, again;

    begin_container(HOURS(6));
    first = ask_and_keep();
    pass(SECONDS(2));
    on_loop(reject, mutable(first.set));
    on_loop(reject, mutable(first.set));
    second = ask_and_keep();
    IS(second.key, "ASIAEXAMPLE00002", "after a refusal the next set is waited for");
    IS_NUMBER(server_requests(services), 2, "  and fetched once");
    IS_NUMBER(logged("<4> CHAT0116: AWS does not take the credentials of the container's role "
                     "(access key ASIA...0001)"),
              1, "  and the log says so");
    pass(SECONDS(2));
    on_loop(reject, mutable(first.set));
    OK(ask().told_at_once, "a refusal of a set that is no longer in use means nothing");
    IS_NUMBER(server_requests(services), 2, "  and fetches nothing");

    atomic_store(&constant, standing_wall() + HOURS(6));
    on_loop(reject, mutable(second.set));
    again = ask_and_keep();
    IS(again.key, "ASIAEXAMPLE00007", "refused again");
    pass(SECONDS(2));
    on_loop(reject, mutable(again.set));
    IS(ask().key, "ASIAEXAMPLE00007", "a source that has no other set: it is given again");
    IS_NUMBER(server_requests(services), 4, "  after asking");
    pass(SECONDS(1));
    on_loop(reject, mutable(again.set));
    OK(ask().told_at_once, "  but not every second");
    IS_NUMBER(server_requests(services), 4, "  as it was to no avail");
    pass(SECONDS(1));
    on_loop(reject, mutable(again.set));
    IS(ask().key, "ASIAEXAMPLE00007", "  though later again");
    IS_NUMBER(server_requests(services), 5, "  with one more fetch");
    on_loop(release, mutable(again.set));
    on_loop(release, mutable(first.set));
    on_loop(release, mutable(second.set));
    end();
}

static void rejected_and_failing(void)
{
    question_t first, second;

    begin_container(HOURS(6));
    first = ask_and_keep();
    pass(SECONDS(2));
    atomic_store(&failing, 1);
    on_loop(reject, mutable(first.set));
    second = ask();
    IS(second.key, "ASIAEXAMPLE00001", "refused, and nothing new: what is held is given again");
    on_loop(release, mutable(first.set));
    end();
}

/* ---- leaving ---- */

static void forget(void *question)
{
    credentials_forget_waiter(&((question_t *)question)->waiter);
}

static void forgotten(void)
{
    question_t one, two, three;

    begin_container(HOURS(6));
    atomic_store(&held_back, 1);
    prepare_question(&one);
    prepare_question(&two);
    prepare_question(&three);
    on_loop(start_asking, &one);
    on_loop(start_asking, &two);
    on_loop(start_asking, &three);
    on_loop(forget, &two);
    on_loop(forget, &two);
    (void)sem_post(&may_answer);
    wait_for(&one.done);
    wait_for(&three.done);
    on_loop(forget, &one);
    IS_NUMBER(one.told + three.told, 2, "those who wait are told");
    IS_NUMBER(two.told, 0, "who does not any more is not");
    end();
}

/* One who is told asks again, and takes back what another asked. */
static question_t *other;

static void on_told_and_busy(void *baton, const credentials_t *set, const char *reason)
{
    question_t *question = baton;

    credentials_forget_waiter(&other->waiter);
    question->waiter.fn = on_told;
    credentials_get(provider, &question->waiter);
    (void)set;
    (void)reason;
}

static void busy_ones(void)
{
    question_t one, two;

    begin_container(HOURS(6));
    atomic_store(&held_back, 1);
    prepare_question(&one);
    prepare_question(&two);
    one.waiter.fn = on_told_and_busy;
    other = &two;
    on_loop(start_asking, &two);
    on_loop(start_asking, &one);
    (void)sem_post(&may_answer);
    wait_for(&one.done);
    on_loop(do_nothing, NULL);
    IS(one.key, "ASIAEXAMPLE00001", "one who is told may ask again");
    IS_NUMBER(two.told, 0, "  and make another go");
    end();
}

static void stopped_on_the_way(void)
{
    question_t question;

    begin_container(HOURS(6));
    atomic_store(&held_back, 1);
    prepare_question(&question);
    on_loop(start_asking, &question);
    stop_loop();
    IS_NUMBER(question.told, 0, "the loop stops during a fetch: nobody is told");
    (void)sem_post(&may_answer);
    server_stop(services);
    forget_log();
}

static void outlives_its_provider(void)
{
    question_t question;

    begin_container(HOURS(6));
    question = ask_and_keep();
    end();
    IS(question.set->secret_access_key, "keySECRET1", "a set that is held stays when all is gone");
    credentials_set_release(question.set);
}

int main(void)
{
    credentials_fixture_begin();
    one_fetch_for_all();
    prefetched();
    renewed_ahead();
    short_lives();
    nearly_expired();
    unchanged();
    nothing_to_be_had();
    paced();
    failing_while_valid();
    expired_from_the_start();
    static_stability();
    expired_from_imds();
    rejected();
    rejected_and_failing();
    forgotten();
    busy_ones();
    stopped_on_the_way();
    outlives_its_provider();
    OK(1, "no secret was in the log");
    return tap_done();
}
