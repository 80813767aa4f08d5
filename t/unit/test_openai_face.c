/* chat/completion_request and chat/completion_reply: what OpenAI's API may be asked, every refusal,
 * and the bodies and chunks it answers. */
#include "base/json.h"
#include "chat/completion_reply.h"
#include "chat/completion_request.h"

#include "tap.h"

#include <apr_general.h>
#include <stdlib.h>

static apr_pool_t *pool;

static const completion_rules_t rules = {"bot", 8, 1};

static completion_request_t request;
static char problem[2048];

static reply_e parse_bytes(const char *body, size_t length, const completion_rules_t *under)
{
    buffer_t out;
    reply_e reply;

    buffer_init(&out, sizeof(problem) - 1);
    reply = completion_request_parse(&request, pool, body, length, under, &out);
    (void)strcpy(problem, buffer_text(&out));
    buffer_free(&out);
    return reply;
}

static reply_e parse(const char *body)
{
    return parse_bytes(body, strlen(body), &rules);
}

/* ---- requests ---- */

static void a_request_is_read(void)
{
    OK(parse("{\"model\":\"bot\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}") ==
           REPLY_ANSWER,
       "the least there can be");
    IS(request.model, "bot", "the model");
    IS(request.message, "hi", "the message");
    IS_NUMBER(request.history_count, 0, "nothing before it");
    OK(!request.stream && !request.include_usage && !request.has_temperature &&
           request.max_tokens == 0 && request.user == NULL,
       "nothing else was asked for");
    IS(problem, "", "nothing is wrong");

    OK(parse("{\"model\":\"bot\",\"messages\":[{\"role\":\"user\",\"content\":\"a\\u0000b\"}],"
             "\"stream\":true,\"stream_options\":{\"include_usage\":true,\"more\":1},"
             "\"user\":\"u\",\"temperature\":0.5,\"max_tokens\":7,\"max_completion_tokens\":9,"
             "\"n\":1,\"tools\":[{}],\"stop\":[\"x\"]}") == REPLY_ANSWER,
       "all there can be");
    IS_NUMBER(request.message_length, 3, "a message may hold a NUL");
    OK(request.stream && request.include_usage, "streamed, with usage");
    IS(request.user, "u", "the user");
    OK(request.has_temperature && request.temperature == 0.5, "the temperature");
    IS_NUMBER(request.max_tokens, 9, "max_completion_tokens goes before max_tokens");

    OK(parse("{\"model\":\"bot\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"n\":null,"
             "\"stream\":null,\"stream_options\":null,\"user\":null,\"temperature\":null,"
             "\"max_tokens\":null,\"max_completion_tokens\":null}") == REPLY_ANSWER,
       "null counts as absent");
}

static void the_conversation_is_read(void)
{
    static const char body[] =
        "{\"model\":\"bot\",\"messages\":["
        "{\"role\":\"system\",\"content\":\"A long text of the application's own.\"},"
        "{\"role\":\"developer\",\"content\":[{\"type\":\"text\",\"text\":\"b\"}]},"
        "{\"role\":\"user\",\"content\":\"c\",\"name\":\"x\"},"
        "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{}]},"
        "{\"role\":\"tool\",\"content\":\"found\",\"tool_call_id\":\"1\"},"
        "{\"role\":\"assistant\",\"content\":\"e\",\"refusal\":null},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"f\"},{\"type\":\"text\","
        "\"text\":\"\"},{\"type\":\"text\",\"text\":\"\\u00e9g\"}]}]}";
    static const struct {
        backend_role_e role;
        const char *text;
    } expected[] = {{BACKEND_SYSTEM, "A long text of the application's own."},
                    {BACKEND_SYSTEM, "b"},
                    {BACKEND_USER, "c"},
                    {BACKEND_ASSISTANT, ""},
                    {BACKEND_USER, "found"},
                    {BACKEND_ASSISTANT, "e"}};
    size_t i;

    OK(parse(body) == REPLY_ANSWER, "a conversation");
    IS(request.message, "f\n\n\xc3\xa9g", "its last message, the parts by lines");
    IS_NUMBER(request.message_length, 6, "of so many bytes");
    IS_NUMBER(request.history_count, 6, "all others are its history");
    for (i = 0; i < request.history_count && i < 6; i++) {
        OK(request.history[i].role == expected[i].role, "in its role");
        IS(request.history[i].text, expected[i].text, "with its text");
    }
}

#define ASKED    "\"model\":\"bot\",\"messages\":"
#define MESSAGES "[{\"role\":\"user\",\"content\":\"hi\"}]"

static void refusals(void)
{
    static const struct {
        const char *body;
        const char *param;
        const char *code;
    } cases[] = {
        {"", NULL, "invalid_json"},
        {"{", NULL, "invalid_json"},
        {"{\"model\":\"\xff\"}", NULL, "invalid_json"},
        {"{\"model\":\"\\ud800\"}", NULL, "invalid_json"},
        {"null", NULL, "invalid_type"},
        {"[]", NULL, "invalid_type"},
        {"{}", "model", "missing_required_parameter"},
        {"{\"model\":1}", "model", "invalid_type"},
        {"{\"model\":\"bot\"}", "messages", "missing_required_parameter"},
        {"{" ASKED "{}}", "messages", "invalid_type"},
        {"{" ASKED "[]}", "messages", "invalid_value"},
        {"{" ASKED "[1]}", "messages[0]", "invalid_type"},
        {"{" ASKED "[{}]}", "messages[0].role", "invalid_value"},
        {"{" ASKED "[{\"role\":\"judge\"}]}", "messages[0].role", "invalid_value"},
        {"{" ASKED "[{\"role\":\"user\"}]}", "messages[0].content", "invalid_type"},
        {"{" ASKED "[{\"role\":\"user\",\"content\":7}]}", "messages[0].content", "invalid_type"},
        {"{" ASKED "[{\"role\":\"user\",\"content\":\"\"}]}", "messages[0].content",
         "invalid_value"},
        {"{" ASKED "[{\"role\":\"user\",\"content\":[]}]}", "messages[0].content", "invalid_value"},
        {"{" ASKED "[{\"role\":\"user\",\"content\":[1]}]}", "messages[0].content[0]",
         "invalid_type"},
        {"{" ASKED "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}",
         "messages[0].content[0].type", "invalid_value"},
        {"{" ASKED "[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]}",
         "messages[0].content[0].text", "invalid_type"},
        {"{" ASKED "[{\"role\":\"user\",\"content\":\"123456789\"}]}", "messages[0].content",
         "string_above_max_length"},
        {"{" ASKED "[{\"role\":\"user\",\"content\":\"123456789\"},{\"role\":\"user\",\"content\":"
         "\"x\"}]}",
         "messages[0].content", "string_above_max_length"},
        {"{" ASKED "[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":"
         "\"y\"}]}",
         "messages[1].role", "invalid_value"},
        {"{" ASKED MESSAGES ",\"stream\":1}", "stream", "invalid_type"},
        {"{" ASKED MESSAGES ",\"stream_options\":{}}", "stream_options", "invalid_value"},
        {"{" ASKED MESSAGES ",\"stream\":true,\"stream_options\":1}", "stream_options",
         "invalid_type"},
        {"{" ASKED MESSAGES ",\"stream\":true,\"stream_options\":{\"include_usage\":\"yes\"}}",
         "stream_options.include_usage", "invalid_type"},
        {"{" ASKED MESSAGES ",\"user\":1}", "user", "invalid_type"},
        {"{" ASKED MESSAGES ",\"user\":\"a\\u0000\"}", "user", "invalid_value"},
        {"{" ASKED MESSAGES ",\"temperature\":\"1\"}", "temperature", "invalid_type"},
        {"{" ASKED MESSAGES ",\"temperature\":-0.1}", "temperature", "invalid_value"},
        {"{" ASKED MESSAGES ",\"temperature\":2.01}", "temperature", "invalid_value"},
        {"{" ASKED MESSAGES ",\"temperature\":1e999}", "temperature", "invalid_value"},
        {"{" ASKED MESSAGES ",\"max_tokens\":0}", "max_tokens", "invalid_value"},
        {"{" ASKED MESSAGES ",\"max_tokens\":1.5}", "max_tokens", "invalid_value"},
        {"{" ASKED MESSAGES ",\"max_completion_tokens\":2147483648}", "max_completion_tokens",
         "invalid_value"},
        {"{" ASKED MESSAGES ",\"n\":2}", "n", "invalid_value"},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_error_t error;
        json_t *said;
        OK(parse(cases[i].body) == REPLY_VALIDATION_ERROR, cases[i].body);
        said = json_parse(problem, strlen(problem), 4, &error);
        IS(json_member_text(said, "type", NULL), "invalid_request_error", "its type");
        IS(json_member_text(said, "param", NULL), cases[i].param, "its place");
        IS(json_member_text(said, "code", NULL), cases[i].code, "its code");
        OK(json_member_text(said, "message", NULL) != NULL, "in words");
        json_release(said);
    }
}

static void limits(void)
{
    static const completion_rules_t whole = {"bot", 8, 0};
    static const char streamed[] = "{" ASKED MESSAGES ",\"stream\":true}";
    static const char nul[] = "{\"model\":\"bot\\u0000\",\"messages\":" MESSAGES "}";

    OK(parse("{" ASKED "[{\"role\":\"user\",\"content\":\"\\ud83d\\ude00234567\\u00e9\"}]}") ==
           REPLY_ANSWER,
       "characters are code points, not bytes");
    OK(parse_bytes(streamed, sizeof(streamed) - 1, &whole) == REPLY_VALIDATION_ERROR,
       "a stream where there are none");
    IS(problem,
       "{\"message\":\"Unsupported value: 'stream' does not support true here; answers are not "
       "streamed.\",\"type\":\"invalid_request_error\",\"param\":\"stream\",\"code\":\"unsupported_"
       "value\"}",
       "says so");
    OK(parse("{\"model\":\"g\\\"p\\r\\n\",\"messages\":" MESSAGES "}") == REPLY_MODEL_NOT_FOUND,
       "an unknown model");
    IS(problem,
       "{\"message\":\"The model 'g\\\"p\\r\\n' does not exist here.\",\"type\":\"invalid_request_"
       "error\",\"param\":\"model\",\"code\":\"model_not_found\"}",
       "is named");
    OK(parse(nul) == REPLY_MODEL_NOT_FOUND, "a NUL makes another name");
}

/* ---- answers ---- */

static buffer_t out;

static const char *written(void)
{
    static char text[4096];

    (void)strcpy(text, buffer_text(&out));
    buffer_clear(&out);
    return text;
}

static flow_t *make_flow(void)
{
    flow_t *flow = flow_create(pool, "r-1");

    (void)buffer_puts(&flow->result.text, "Hi \"you\"\n");
    flow->result.tokens = 12;
    flow->result.input_tokens = 5;
    return flow;
}

#define HEAD(object)                                                                               \
    "{\"id\":\"chatcmpl-r-1\",\"object\":\"" object "\",\"created\":9,\"model\":\"bot\","
#define CHUNK(delta, reason)                                                                       \
    "data: " HEAD("chat.completion.chunk") "\"choices\":[{\"index\":0,\"delta\":" delta            \
                                           ",\"logprobs\":null,\"finish_reason\":" reason "}]"

static void whole_answers(void)
{
    const completion_t completion = {"bot", apr_time_from_sec(9), 0};
    flow_t *flow = make_flow();

    completion_reply_write(&out, flow, &completion);
    IS(written(),
       HEAD("chat.completion") "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                               "\"content\":\"Hi \\\"you\\\"\\n\",\"refusal\":null},\"logprobs\":"
                               "null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":5,"
                               "\"completion_tokens\":7,\"total_tokens\":12}}",
       "a completion");
    flow->result.stop = BACKEND_STOP_LENGTH;
    flow->result.input_tokens = BACKEND_TOKENS_UNKNOWN;
    completion_reply_write(&out, flow, &completion);
    OK(strstr(buffer_text(&out), "\"finish_reason\":\"length\"}]}") != NULL,
       "one that was cut; a usage that is not known is left out");
    buffer_clear(&out);
    flow->result.stop = BACKEND_STOP_FILTERED;
    completion_reply_write(&out, flow, &completion);
    OK(strstr(written(), "\"finish_reason\":\"content_filter\"") != NULL, "one that was filtered");
    flow_destroy(flow);
}

static void streams(void)
{
    completion_t completion = {"bot", apr_time_from_sec(9), 0};
    flow_t *flow = make_flow();

    completion_reply_write_begin(&out, flow, &completion);
    IS(written(),
       CHUNK("{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}", "null") "}\n\n",
       "a stream begins with the role");
    completion_reply_write_text(&out, flow, &completion, "", 0);
    IS(written(), "", "no text, no chunk");
    completion_reply_write_text(&out, flow, &completion, "a\nb", 3);
    IS(written(), CHUNK("{\"content\":\"a\\nb\"}", "null") "}\n\n", "text");
    completion_reply_write_end(&out, flow, &completion);
    IS(written(), CHUNK("{}", "\"stop\"") "}\n\ndata: [DONE]\n\n", "its end");

    completion.include_usage = 1;
    completion_reply_write_text(&out, flow, &completion, "a", 1);
    IS(written(), CHUNK("{\"content\":\"a\"}", "null") ",\"usage\":null}\n\n",
       "asked for usage, each chunk has the member");
    completion_reply_write_end(&out, flow, &completion);
    IS(written(),
       CHUNK("{}", "\"stop\"") ",\"usage\":null}\n\ndata: " HEAD(
           "chat.completion.chunk") "\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_"
                                    "tokens\":7,\"total_tokens\":"
                                    "12}}\n\ndata: [DONE]\n\n",
       "and a last one tells it");
    flow->result.tokens = BACKEND_TOKENS_UNKNOWN;
    flow->result.unsaved = 1;
    completion_reply_write_end(&out, flow, &completion);
    IS(written(),
       CHUNK("{}", "\"stop\"") ",\"usage\":null,\"session\":\"unsaved\"}\n\ndata: [DONE]\n\n",
       "unless it is not known; a session that is not saved shows");
    flow->result.reply = REPLY_UPSTREAM_THROTTLED;
    completion_reply_write_end(&out, flow, &completion);
    IS(written(),
       "data: {\"error\":{\"message\":\"The chatbot is asked too often right now; please try again "
       "later\",\"type\":\"rate_limit_error\",\"param\":null,\"code\":\"upstream_throttled\"}}\n\n",
       "an error is the last event");
    flow_destroy(flow);
}

static void errors(void)
{
    static const struct {
        reply_e reply;
        const char *type;
        const char *code;
        int may_retry;
    } cases[] = {
        {REPLY_BAD_REQUEST, "invalid_request_error", "bad_request", 1},
        {REPLY_METHOD_NOT_ALLOWED, "invalid_request_error", "method_not_allowed", 1},
        {REPLY_UNKNOWN_PATH, "invalid_request_error", "unknown_url", 1},
        {REPLY_SESSION_FORBIDDEN, "permission_error", "session_forbidden", 1},
        {REPLY_SESSION_BUSY, "conflict_error", "session_busy", 1},
        {REPLY_RATE_LIMITED, "rate_limit_error", "rate_limit_exceeded", 1},
        {REPLY_UPSTREAM_TIMEOUT, "server_error", "upstream_timeout", 0},
        {REPLY_UPSTREAM_ERROR, "server_error", "upstream_error", 0},
        {REPLY_OVERLOADED, "server_error", "overloaded", 1},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *text;
        json_error_t error;
        json_t *body;
        const json_t *said;
        completion_reply_write_error(&out, cases[i].reply, "r-1", NULL, 0);
        text = written();
        body = json_parse(text, strlen(text), 4, &error);
        said = json_member(body, "error");
        IS(json_member_text(said, "type", NULL), cases[i].type, "an error's type");
        IS(json_member_text(said, "code", NULL), cases[i].code, "its code");
        IS_NUMBER(completion_reply_may_retry(cases[i].reply), cases[i].may_retry,
                  "whether a client may ask again by itself");
        json_release(body);
    }
    completion_reply_write_error(&out, REPLY_VALIDATION_ERROR, "r-1", "{\"message\":\"m\"}", 0);
    IS(written(), "{\"error\":{\"message\":\"m\"}}", "what is wrong with a request stands alone");
}

static void models(void)
{
    completion_reply_write_model(&out, "bot", apr_time_from_sec(9));
    IS(written(), "{\"id\":\"bot\",\"object\":\"model\",\"created\":9,\"owned_by\":\"chatbot\"}",
       "a model");
    completion_reply_write_models(&out, "bot", apr_time_from_sec(9));
    IS(written(),
       "{\"object\":\"list\",\"data\":[{\"id\":\"bot\",\"object\":\"model\",\"created\":9,\"owned_"
       "by\":\"chatbot\"}]}",
       "the list of it");
}

int main(void)
{
    (void)apr_initialize();
    (void)apr_pool_create(&pool, NULL);
    buffer_init(&out, 4000);
    a_request_is_read();
    the_conversation_is_read();
    refusals();
    limits();
    whole_answers();
    streams();
    errors();
    models();
    buffer_free(&out);
    apr_pool_destroy(pool);
    apr_terminate();
    return tap_done();
}
