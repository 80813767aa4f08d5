#include "chat/emf.h"

#define DECIMALS 6

/* Which values of the datum come next. */
typedef struct {
    size_t index;
    uint64_t used; /* of counts[index] */
} position_t;

/* ---- one document ---- */

static void put_names(json_writer_t *writer, const emf_place_t *place, const report_datum_t *datum)
{
    size_t i;

    json_name(writer, "Dimensions");
    json_open(writer, '[');
    json_open(writer, '[');
    if (datum->endpoint != NULL) {
        json_put_text(writer, "Endpoint");
    }
    if (datum->label != NULL) {
        json_put_text(writer, datum->label);
    }
    for (i = 0; i < place->dimension_count; i++) {
        json_put_text(writer, place->dimensions[i].name);
    }
    json_close(writer, ']');
    json_close(writer, ']');
}

static void put_metric(json_writer_t *writer, const metrics_info_t *info)
{
    json_name(writer, "Metrics");
    json_open(writer, '[');
    json_open(writer, '{');
    json_put_member(writer, "Name", info->cloudwatch);
    json_put_member(writer, "Unit", info->unit);
    json_close(writer, '}');
    json_close(writer, ']');
}

static void put_directive(json_writer_t *writer, const emf_place_t *place,
                          const report_datum_t *datum, apr_time_t wall)
{
    json_name(writer, "_aws");
    json_open(writer, '{');
    json_name(writer, "Timestamp");
    json_put_integer(writer, apr_time_as_msec(wall));
    json_name(writer, "CloudWatchMetrics");
    json_open(writer, '[');
    json_open(writer, '{');
    json_put_member(writer, "Namespace", place->namespace);
    put_names(writer, place, datum);
    put_metric(writer, datum->info);
    json_close(writer, '}');
    json_close(writer, ']');
    json_close(writer, '}');
}

static void put_dimensions(json_writer_t *writer, const emf_place_t *place,
                           const report_datum_t *datum)
{
    size_t i;

    if (datum->endpoint != NULL) {
        json_put_member(writer, "Endpoint", datum->endpoint);
    }
    if (datum->label != NULL) {
        json_put_member(writer, datum->label, datum->label_value);
    }
    for (i = 0; i < place->dimension_count; i++) {
        json_put_member(writer, place->dimensions[i].name, place->dimensions[i].value);
    }
}

/* The format has no counts: what happened twice stands there twice. */
static void put_values(json_writer_t *writer, const report_datum_t *datum, position_t *position)
{
    int written = 0;

    json_open(writer, '[');
    while (written < EMF_VALUES_MAX && position->index < datum->value_count) {
        json_put_decimal(writer, datum->values[position->index], DECIMALS);
        written++;
        if (++position->used == datum->counts[position->index]) {
            position->index++;
            position->used = 0;
        }
    }
    json_close(writer, ']');
}

static void put_document(json_writer_t *writer, const emf_place_t *place,
                         const report_datum_t *datum, apr_time_t wall, position_t *position)
{
    json_open(writer, '{');
    put_directive(writer, place, datum, wall);
    put_dimensions(writer, place, datum);
    json_name(writer, datum->info->cloudwatch);
    if (datum->is_count) {
        json_put_integer(writer, (int64_t)report_total(datum));
        position->index = datum->value_count;
    } else {
        put_values(writer, datum, position);
    }
    json_close(writer, '}');
}

/* ---- all of them ---- */

int emf_write(const emf_place_t *place, const report_datum_t *datum, apr_time_t wall,
              emf_line_fn write, void *baton)
{
    position_t position = {0, 0};
    json_writer_t writer;
    buffer_t line;
    int fine = 1;

    buffer_init(&line, EMF_LINE_MAX);
    while (fine && position.index < datum->value_count) {
        buffer_clear(&line);
        json_write_to(&writer, &line);
        put_document(&writer, place, datum, wall, &position);
        (void)buffer_puts(&line, "\n");
        fine = !line.failed && write(baton, line.data, line.length);
    }
    buffer_free(&line);
    return fine;
}
