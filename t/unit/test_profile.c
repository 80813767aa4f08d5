/* aws/profile: the shared files as AWS's SDKs read them. */
#include "aws/profile.h"

#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static apr_pool_t *pool;

static profile_set_t *parse(const char *config, const char *credentials)
{
    profile_set_t *set = profile_set_create(pool);

    OK(profile_parse(set, credentials, strlen(credentials), PROFILE_CREDENTIALS) == NULL &&
           profile_parse(set, config, strlen(config), PROFILE_CONFIG) == NULL,
       "both files are read");
    return set;
}

static const char *problem(const char *text, size_t length, profile_file_e file)
{
    return profile_parse(profile_set_create(pool), text, length, file);
}

static void test_merging(void)
{
    profile_set_t *set = parse("[default]\nregion = a\n[profile default]\nregion = b\n"
                               "[profile web]\nregion = c\noutput = json\nRole_ARN = arn\n"
                               "[profile empty]\n[other]\nregion = d\n",
                               "[web]\nregion = e\naws_access_key_id=AKID\n[profile lost]\nx=y\n");

    IS(profile_property(set, "default", "region"), "b", "[profile default] wins over [default]");
    IS(profile_property(set, "web", "region"), "e", "the credentials file wins");
    IS(profile_property(set, "web", "output"), "json", "the config file adds to it");
    IS(profile_property(set, "web", "aws_access_key_id"), "AKID", "no blanks are needed");
    IS(profile_property(set, "web", "role_arn"), "arn", "names of properties have no case");
    IS(profile_property(set, "web", "none"), NULL, "a property that is not there");
    OK(profile_exists(set, "empty"), "an empty profile exists");
    OK(!profile_exists(set, "other"), "in the config file a profile needs its prefix");
    OK(!profile_exists(set, "lost") && !profile_exists(set, "profile lost"),
       "in the credentials file it must not have it");
    IS(profile_property(set, "none", "region"), NULL, "a profile that is not there");
}

static void test_lines(void)
{
    profile_set_t *set = parse("# comment\r\n; comment\r\n[profile a] # b\r\n"
                               "one = 1 # c\r\ntwo = 2#c\r\nthree =\r\nfour = a=b = c\r\n"
                               "five = x\r\n\t y # z \r\n  \r\n w\r\nin valid = 1\r\n more\r\n"
                               "six = a\r\nsix = b\r\nseven = \xc3\xa9; \t",
                               "");

    IS(profile_property(set, "a", "one"), "1", "a comment follows a blank");
    IS(profile_property(set, "a", "two"), "2#c", "without the blank it is the value's");
    IS(profile_property(set, "a", "three"), "", "an empty value");
    IS(profile_property(set, "a", "four"), "a=b = c", "a value with = in it");
    IS(profile_property(set, "a", "five"), "x\ny # z\nw",
       "continuations are trimmed and keep their comments");
    IS(profile_property(set, "a", "in valid"), NULL, "an invalid name is passed over");
    IS(profile_property(set, "a", "six"), "b", "of two the last counts");
    IS(profile_property(set, "a", "seven"), "\xc3\xa9;", "the last line needs no end");
}

static void test_problems(void)
{
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"a = b", "line 1: Expected a profile definition, found a property"},
        {"\n a", "line 2: Expected a profile definition, found continuation"},
        {"[a", "line 1: Profile definition must end with ']'"},
        {"[", "line 1: Profile definition must end with ']'"},
        {"[a] b", "line 1: Profile definition must end with ']'"},
        {"[a]\nb", "line 2: Expected an '=' sign defining a property"},
        {"[a]\nb # = c", "line 2: Expected an '=' sign defining a property"},
        {"[a]\n= c", "line 2: Property did not have a name"},
        {"[a]\n b", "line 2: Expected a property definition, found continuation"},
        {"[a]\nb = c\n[a]\n d", "line 4: Expected a property definition, found continuation"},
        {"[a]\nb =\n c", "line 3: Expected an '=' sign defining a sub-property"},
        {"[a]\nb =\n = c", "line 3: Sub-property did not have a name"},
        {"[a b c]\nd", "line 2: Expected an '=' sign defining a property"},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        IS(problem(cases[i].text, strlen(cases[i].text), PROFILE_CREDENTIALS), cases[i].expected,
           cases[i].expected);
    }
    IS(problem("[a]\nb = c\0d\n", 12, PROFILE_CREDENTIALS),
       "line 2: Expected text, found a NUL byte", "a NUL byte");
    IS(problem("[]\na = b\n[ ]\nc = d", 18, PROFILE_CONFIG), NULL, "a section without a name");
}

static void test_endpoints(void)
{
    profile_set_t *set =
        parse("[profile a]\nservices = local\nendpoint_url = http://all\n"
              "[profile b]\nservices = none\n[profile c]\nendpoint_url = http://c\n[profile d]\n"
              "[services local]\ndynamodb =\n  endpoint_url = http://old\n"
              "  endpoint_url = http://localhost:8000 # DynamoDB Local\n  other = x\n"
              "bedrock_agent_runtime =\n  other = x\ns3 = x\n",
              "");
    const char *url = "untouched";

    IS(profile_endpoint_url(set, pool, "a", "DYNAMODB", &url), NULL, "a services section");
    IS(url, "http://localhost:8000", "its endpoint_url: the last one, without its comment");
    (void)profile_endpoint_url(set, pool, "a", "BEDROCK_AGENT_RUNTIME", &url);
    IS(url, "http://all", "the profile's own where the section says nothing of the endpoint");
    (void)profile_endpoint_url(set, pool, "a", "S3", &url);
    IS(url, "http://all", "… or has no sub-properties");
    (void)profile_endpoint_url(set, pool, "a", "STS", &url);
    IS(url, "http://all", "… or nothing of the service");
    (void)profile_endpoint_url(set, pool, "c", "STS", &url);
    IS(url, "http://c", "a profile without a services section");
    IS(profile_endpoint_url(set, pool, "d", "STS", &url), NULL, "nothing is said");
    IS(url, NULL, "… and so there is none");
    IS(profile_endpoint_url(set, pool, "b", "STS", &url),
       "the profile \"b\" has services = none, but the config file has no section [services none]",
       "a services section that is not there");
}

static const char *on_variable(void *baton, const char *name)
{
    const char *const *pair;

    for (pair = baton; *pair != NULL; pair += 2) {
        if (strcmp(*pair, name) == 0) {
            return pair[1];
        }
    }
    return NULL;
}

static const char *path(profile_file_e file, const char *const *environment)
{
    return profile_path(pool, file, on_variable, (void *)(uintptr_t)environment);
}

static void test_paths(void)
{
    static const char *const home[] = {"HOME", "/h", "AWS_CONFIG_FILE", "", NULL};
    static const char *const own[] = {
        "HOME", "/h", "AWS_CONFIG_FILE", "~/c", "AWS_SHARED_CREDENTIALS_FILE", "/etc/aws", NULL};
    static const char *const homeless[] = {"AWS_CONFIG_FILE", "~/c", NULL};

    IS(path(PROFILE_CONFIG, home), "/h/.aws/config", "config in the home folder");
    IS(path(PROFILE_CREDENTIALS, home), "/h/.aws/credentials", "credentials in the home folder");
    IS(path(PROFILE_CONFIG, own), "/h/c", "~/ is the home folder");
    IS(path(PROFILE_CREDENTIALS, own), "/etc/aws", "a path of one's own");
    IS(path(PROFILE_CREDENTIALS, homeless), NULL, "no home folder");
    IS(path(PROFILE_CONFIG, homeless), "~/c", "no home folder to put in");
}

static void on_visit(void *text, const char *profile, const char *key, const char *value)
{
    char **all = text;

    *all = apr_pstrcat(pool, *all, profile, key != NULL ? "." : ";", key != NULL ? key : "",
                       value != NULL ? "=" : "", value != NULL ? value : "",
                       value != NULL ? ";" : "", NULL);
}

static void test_walk(void)
{
    const char *all = "";

    profile_each(parse("[profile a]\nb = c\n", "[a]\nb = d\n"), pool, on_visit, &all);
    IS(all, "a;a.b=d;", "each profile and each property once");
    all = "";
    profile_each(parse("[default]\nb = c\n[profile default]\n", ""), pool, on_visit, &all);
    IS(all, "default;", "the default profile that counts");
}

int main(void)
{
    (void)apr_initialize();
    (void)apr_pool_create(&pool, NULL);
    test_merging();
    test_lines();
    test_problems();
    test_endpoints();
    test_paths();
    test_walk();
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
