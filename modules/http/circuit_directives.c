#include "http/circuit_directives.h"

#include "http/config.h"
#include "http/values.h"

#include <apr_strings.h>

static const char *set_time(cmd_parms *cmd, const char *word, size_t name_length,
                            apr_interval_time_t *value)
{
    if (ap_timeout_parameter_parse(word + name_length, value, "s") != APR_SUCCESS ||
        *value < apr_time_from_msec(10) || *value > apr_time_from_sec(86400)) {
        return values_complain(cmd, "\"%s\" is no time; write 10ms to 24h, as in 30, 500ms or 2min",
                               word);
    }
    return NULL;
}

/* One part of ChatbotCircuitBreaker. */
static const char *set_part(cmd_parms *cmd, circuit_settings_t *circuit, const char *word)
{
    apr_off_t number;

    if (strncasecmp(word, "errors=", 7) == 0) {
        char *digits = apr_pstrdup(cmd->temp_pool, word + 7);
        size_t length = strlen(digits);
        if (length > 0 && digits[length - 1] == '%') {
            digits[length - 1] = '\0';
        }
        if (!values_number(digits, 0, 1, 100, &number)) {
            return values_complain(cmd, "\"%s\": write 1%% to 100%%, as in errors=50%%", word);
        }
        circuit->percent = (unsigned)number;
    } else if (strncasecmp(word, "min=", 4) == 0) {
        if (!values_number(word + 4, 0, 1, 1000000, &number)) {
            return values_complain(cmd, "\"%s\": write 1 to 1000000 calls, as in min=20", word);
        }
        circuit->min = (unsigned)number;
    } else if (strncasecmp(word, "window=", 7) == 0) {
        return set_time(cmd, word, 7, &circuit->window);
    } else if (strncasecmp(word, "open=", 5) == 0) {
        return set_time(cmd, word, 5, &circuit->open);
    } else {
        return values_complain(cmd,
                               "\"%s\" is no part of it; write Off, or any of errors= min= window= "
                               "open=, as in errors=50%% min=20 window=30s open=10s",
                               word);
    }
    return NULL;
}

const char *circuit_directives_set(cmd_parms *cmd, void *location, int argc, char *const argv[])
{
    config_location_t *config = location;
    circuit_settings_t circuit = CONFIG_CIRCUIT_DEFAULT;
    const char *problem = NULL;
    int i;

    if (argc == 1 && strcasecmp(argv[0], "Off") == 0) {
        circuit.percent = 0;
    } else {
        problem =
            argc == 0
                ? values_complain(cmd, "write Off, or any of errors= min= window= open=, as in "
                                       "errors=50%% min=20 window=30s open=10s")
                : NULL;
        for (i = 0; i < argc && problem == NULL; i++) {
            problem = set_part(cmd, &circuit, argv[i]);
        }
    }
    if (problem == NULL) {
        config->circuit = circuit;
        config->circuit_is_set = 1;
    }
    return problem;
}
