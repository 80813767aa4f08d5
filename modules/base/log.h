/*
 * Log lines of everything below http/.
 *
 * The server's log is reached through one sink, set once before any other
 * thread runs, so that no code here knows httpd. Every line starts with a tag
 * "CHATnnnn: " (docs/log-messages.md lists them) and says the phase it
 * happened in and what to do. Any thread may log.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

/* The levels of httpd's LogLevel, most severe first; same numbers as syslog. */
typedef enum {
    LOG_AT_EMERG,
    LOG_AT_ALERT,
    LOG_AT_CRIT,
    LOG_AT_ERROR,
    LOG_AT_WARNING,
    LOG_AT_NOTICE,
    LOG_AT_INFO,
    LOG_AT_DEBUG,
    LOG_AT_TRACE
} log_level_e;

/* Where lines go. Both functions may be called from any thread. */
typedef struct {
    int (*enabled)(void *baton, log_level_e level);
    void (*write)(void *baton, log_level_e level, const char *file, int line, const char *text);
    void *baton;
} log_sink_t;

/* Sets the sink; NULL drops every line. Call it before other threads start. */
void log_set_sink(const log_sink_t *sink);

/* Whether a line of this level would be written. */
int log_enabled(log_level_e level);

/* Writes one line, cut at 4 KB. Control characters become "?". */
void log_line(log_level_e level, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#define log_at(level, ...)                                                                         \
    do {                                                                                           \
        if (log_enabled(level)) {                                                                  \
            log_line((level), __FILE__, __LINE__, __VA_ARGS__);                                    \
        }                                                                                          \
    } while (0)

#define log_error(...)  log_at(LOG_AT_ERROR, __VA_ARGS__)
#define log_warn(...)   log_at(LOG_AT_WARNING, __VA_ARGS__)
#define log_notice(...) log_at(LOG_AT_NOTICE, __VA_ARGS__)
#define log_info(...)   log_at(LOG_AT_INFO, __VA_ARGS__)
#define log_debug(...)  log_at(LOG_AT_DEBUG, __VA_ARGS__)
#define log_trace(...)  log_at(LOG_AT_TRACE, __VA_ARGS__)

#endif
