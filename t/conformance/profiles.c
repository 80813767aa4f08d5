/*
 * Reads AWS's shared files: {"config": "…", "credentials": "…"}, either may be
 * absent, is answered by {"profiles": {name: {key: value}}} or {"problem"};
 * {"environment": {name: value}} by where they are, {"config", "credentials"}.
 */
#include "aws/profile.h"

#include "lines.h"

static void on_visit(void *writer, const char *profile, const char *key, const char *value)
{
    if (key != NULL) {
        json_put_member(writer, key, value);
        return;
    }
    json_close(writer, '}');
    json_name(writer, profile);
    json_open(writer, '{');
}

static const char *on_variable(void *environment, const char *name)
{
    return json_member_text(environment, name, NULL);
}

static const char *parse(profile_set_t *set, const json_t *question, const char *name,
                         profile_file_e file)
{
    size_t length;
    const char *text = json_member_text(question, name, &length);

    return text != NULL ? profile_parse(set, text, length, file) : NULL;
}

static void answer_profiles(apr_pool_t *pool, const json_t *question, json_writer_t *answer)
{
    profile_set_t *set = profile_set_create(pool);
    const char *problem = parse(set, question, "config", PROFILE_CONFIG);

    if (problem == NULL) {
        problem = parse(set, question, "credentials", PROFILE_CREDENTIALS);
    }
    json_put_member(answer, "problem", problem);
    json_name(answer, "profiles");
    json_open(answer, '{');
    json_name(answer, "");
    json_open(answer, '{');
    profile_each(set, pool, on_visit, answer);
    json_close(answer, '}');
    json_close(answer, '}');
}

static void answer(apr_pool_t *pool, const json_t *question, json_writer_t *writer)
{
    void *environment = (void *)(uintptr_t)json_member(question, "environment");

    if (environment == NULL) {
        answer_profiles(pool, question, writer);
        return;
    }
    json_put_member(writer, "config", profile_path(pool, PROFILE_CONFIG, on_variable, environment));
    json_put_member(writer, "credentials",
                    profile_path(pool, PROFILE_CREDENTIALS, on_variable, environment));
}

int main(void)
{
    return lines_answer(answer);
}
