#include "http/values.h"

#include <apr_strings.h>

const char *values_complain(cmd_parms *cmd, const char *format, ...)
{
    va_list args;
    const char *text;

    va_start(args, format);
    text = apr_pvsprintf(cmd->pool, format, args);
    va_end(args);
    return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", text, NULL);
}

int values_number(const char *text, int units, apr_off_t min, apr_off_t max, apr_off_t *number)
{
    char *end;
    apr_off_t factor = 1;
    apr_off_t value;

    if (*text < '0' || *text > '9' || apr_strtoff(&value, text, &end, 10) != APR_SUCCESS) {
        return 0;
    }
    if (units && (*end == 'k' || *end == 'K')) {
        factor = 1024;
        end++;
    } else if (units && (*end == 'm' || *end == 'M')) {
        factor = 1024 * 1024;
        end++;
    }
    if (*end != '\0' || value > max / factor || value * factor < min) {
        return 0;
    }
    *number = value * factor;
    return 1;
}
