/*
 * What a location says of the model it asks: for backends that ask a model
 * itself, not an agent. Strings live as long as the location.
 */
#ifndef BACKEND_MODEL_H
#define BACKEND_MODEL_H

#include <stddef.h>

typedef struct {
    const char *id;
    const char *system; /* the system prompt, UTF-8; NULL or "": none */
    int max_tokens;     /* of an answer; 0: the model's own limit. A request may ask for less. */
    int has_temperature;
    double temperature;
    int has_top_p;
    double top_p;
    const char *const *stop_sequences;
    size_t stop_count;
} model_t;

/* The most tokens of an answer when a request asks for `asked`, 0: it does not; 0: no limit. */
static inline int model_max_tokens(const model_t *model, int asked)
{
    if (model->max_tokens == 0 || asked == 0) {
        return model->max_tokens + asked;
    }
    return asked < model->max_tokens ? asked : model->max_tokens;
}

#endif
