#include "emulator/cloudwatch_request.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VALUE_MAX      0x1p360 /* either way */
#define SECONDS_MAX    1e11
#define DIMENSIONS_MAX 30
#define DIMENSION_MAX  1024

static int refuse_value(cloudwatch_request_t *request, const char *value, const char *at)
{
    return refusal_set(&request->refusal, CLOUDWATCH_INVALID,
                       "The value %.200s for parameter %s is invalid.", value, at);
}

/* ---- numbers and times ---- */

/* A number's text, as it came. */
static const char *text_of(const cloudwatch_request_t *request, const json_t *value)
{
    const char *text = json_text(value, NULL);
    json_writer_t writer;
    buffer_t buffer;

    if (text != NULL) {
        return text;
    }
    buffer_init(&buffer, DIMENSION_MAX);
    if (json_kind(value) == JSON_NUMBER) {
        json_write_to(&writer, &buffer);
        json_put_value(&writer, value);
    }
    text = apr_pstrmemdup(request->pool, buffer_text(&buffer), buffer.length);
    buffer_free(&buffer);
    return text;
}

int cloudwatch_request_number(cloudwatch_request_t *request, const json_t *value, const char *at,
                              double *out)
{
    const char *text = text_of(request, value);
    char *end;

    *out = strtod(text, &end);
    return (end != text && *end == '\0' && *out >= -VALUE_MAX && *out <= VALUE_MAX) ||
           refuse_value(request, text, at);
}

int cloudwatch_request_integer(cloudwatch_request_t *request, const json_t *value, const char *at,
                               int64_t least, int64_t most, int64_t *out)
{
    double number;

    if (!cloudwatch_request_number(request, value, at, &number)) {
        return 0;
    }
    if (number < (double)least || number > (double)most || (double)(int64_t)number < number) {
        return refuse_value(request, text_of(request, value), at);
    }
    *out = (int64_t)number;
    return 1;
}

/* 2026-01-31T12:34:56Z, with or without a fraction. */
static int read_instant(const char *text, int64_t *seconds)
{
    struct tm moment = {.tm_year = 0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &moment);

    if (end == NULL) {
        return 0;
    }
    if (*end == '.') {
        end += 1 + strspn(end + 1, "0123456789");
    }
    *seconds = (int64_t)timegm(&moment);
    return strcmp(end, "Z") == 0 || strcmp(end, "+00:00") == 0;
}

int cloudwatch_request_time(cloudwatch_request_t *request, const json_t *value, const char *at,
                            int64_t *seconds)
{
    const char *text = text_of(request, value);
    char *end;
    double number;

    if (request->protocol == METRICS_QUERY) {
        return read_instant(text, seconds) || refuse_value(request, text, at);
    }
    number = strtod(text, &end);
    if (json_kind(value) != JSON_NUMBER || *end != '\0' ||
        !(number >= 0 && number <= SECONDS_MAX)) {
        return refuse_value(request, text, at);
    }
    *seconds = (int64_t)number;
    return 1;
}

/* ---- texts ---- */

static int is_ascii(const char *text)
{
    int inked = 0;

    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~') {
            return 0;
        }
        inked |= *text != ' ';
    }
    return inked;
}

const char *cloudwatch_request_text(cloudwatch_request_t *request, const json_t *value,
                                    const char *at, size_t most)
{
    size_t length = 0;
    const char *text = json_text(value, &length);

    if (text == NULL) {
        (void)refusal_set(&request->refusal, CLOUDWATCH_MISSING, "The parameter %s is required.",
                          at);
        return NULL;
    }
    if (length == 0 || length > most || strlen(text) != length) {
        (void)refusal_set(&request->refusal, CLOUDWATCH_INVALID,
                          "The parameter %s must be between 1 and %d characters long.", at,
                          (int)most);
        return NULL;
    }
    if (!is_ascii(text) || *text == ':') {
        (void)refuse_value(request, text, at);
        return NULL;
    }
    return text;
}

const char *cloudwatch_request_name_space(cloudwatch_request_t *request)
{
    static const char aws[] = "AWS/";
    const char *name = cloudwatch_request_text(
        request, json_member(request->parameters, "Namespace"), "Namespace", CLOUDWATCH_NAME_MAX);

    if (name != NULL && strncmp(name, aws, sizeof(aws) - 1) == 0) {
        (void)refuse_value(request, name, "Namespace");
        return NULL;
    }
    return name;
}

const char *cloudwatch_request_unit(cloudwatch_request_t *request, const json_t *value,
                                    const char *at)
{
    static const char units[] =
        " Seconds, Microseconds, Milliseconds, Bytes, Kilobytes, Megabytes, Gigabytes, Terabytes, "
        "Bits, Kilobits, Megabits, Gigabits, Terabits, Percent, Count, Bytes/Second, "
        "Kilobytes/Second, Megabytes/Second, Gigabytes/Second, Terabytes/Second, Bits/Second, "
        "Kilobits/Second, Megabits/Second, Gigabits/Second, Terabits/Second, Count/Second, None, ";
    const char *unit = value != NULL ? text_of(request, value) : "None";

    if (strpbrk(unit, " ,") != NULL ||
        strstr(units, apr_pstrcat(request->pool, " ", unit, ", ", NULL)) == NULL) {
        (void)refusal_set(&request->refusal, CLOUDWATCH_INVALID,
                          "The parameter %s must be a value in the set [%.*s].", at,
                          (int)sizeof(units) - 4, units + 1);
        return NULL;
    }
    return unit;
}

/* ---- dimensions ---- */

static int on_compare(const void *one, const void *other)
{
    return strcmp(((const metric_dimension_t *)one)->name,
                  ((const metric_dimension_t *)other)->name);
}

static int check_unique(cloudwatch_request_t *request, const metric_key_t *key, const char *at)
{
    size_t i;

    for (i = 1; i < key->dimension_count; i++) {
        if (strcmp(key->dimensions[i - 1].name, key->dimensions[i].name) == 0) {
            return refusal_set(&request->refusal, CLOUDWATCH_INVALID,
                               "The dimension %.255s in %s is given more than once.",
                               key->dimensions[i].name, at);
        }
    }
    return 1;
}

int cloudwatch_request_dimensions(cloudwatch_request_t *request, const json_t *value,
                                  const char *at, metric_key_t *key)
{
    size_t count = json_length(value);
    metric_dimension_t *dimensions = apr_pcalloc(request->pool, (count + 1) * sizeof(*dimensions));
    size_t i;

    if (count > DIMENSIONS_MAX) {
        return refusal_set(&request->refusal, CLOUDWATCH_INVALID,
                           "The collection %s must not have a size greater than %d.", at,
                           DIMENSIONS_MAX);
    }
    for (i = 0; i < count; i++) {
        const char *place = apr_psprintf(request->pool, "%s.member.%d", at, (int)i + 1);
        const json_t *one = json_item(value, i);
        dimensions[i].name = cloudwatch_request_text(
            request, json_member(one, "Name"), apr_pstrcat(request->pool, place, ".Name", NULL),
            CLOUDWATCH_NAME_MAX);
        dimensions[i].value = cloudwatch_request_text(
            request, json_member(one, "Value"), apr_pstrcat(request->pool, place, ".Value", NULL),
            DIMENSION_MAX);
        if (dimensions[i].name == NULL || dimensions[i].value == NULL) {
            return 0;
        }
    }
    qsort(dimensions, count, sizeof(*dimensions), on_compare);
    key->dimensions = dimensions;
    key->dimension_count = count;
    return check_unique(request, key, at);
}
