/* backend/converse_*: what a model is sent, and what its answers come to. */
#include "backend/converse_answer.h"
#include "backend/converse_request.h"

#include "turn_fixture.h"

#define EVENT_STREAM "application/vnd.amazon.eventstream"
#define TEXT(text)   text, sizeof(text) - 1

static char written[8192];

static const char *write_prompt(const converse_t *converse, const backend_prompt_t *prompt)
{
    const char *refused;
    buffer_t body;

    buffer_init(&body, sizeof(written) - 1);
    refused = converse_request_write(&body, converse, prompt);
    (void)snprintf(written, sizeof(written), "%s%s", refused != NULL ? "refused " : "",
                   refused != NULL ? refused : buffer_text(&body));
    buffer_free(&body);
    return written;
}

static void messages(void)
{
    static const backend_message_t history[] = {
        {BACKEND_ASSISTANT, TEXT("early")}, {BACKEND_USER, TEXT("one")},
        {BACKEND_ASSISTANT, TEXT("two")},   {BACKEND_SYSTEM, TEXT("be brief")},
        {BACKEND_USER, TEXT("three")},      {BACKEND_ASSISTANT, TEXT("")}};
    converse_t converse = {.model = {.id = "m"}};
    backend_prompt_t prompt = {.message = "four", .message_length = 4};

    IS(write_prompt(&converse, &prompt),
       "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"four\"}]}]}", "a message alone");
    prompt.history = history;
    prompt.history_count = 6;
    converse.model.system = "be kind";
    IS(write_prompt(&converse, &prompt),
       "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"one\"}]},"
       "{\"role\":\"assistant\",\"content\":[{\"text\":\"two\"}]},"
       "{\"role\":\"user\",\"content\":[{\"text\":\"three\"},{\"text\":\"four\"}]}],"
       "\"system\":[{\"text\":\"be kind\"},{\"text\":\"be brief\"}]}",
       "history and message; system messages apart");
}

static void inference_and_guardrail(void)
{
    static const char *const stops[] = {"END", "\n\n"};
    converse_t converse = {.model = {.id = "m",
                                     .system = "",
                                     .max_tokens = 100,
                                     .has_temperature = 1,
                                     .temperature = 0.25,
                                     .has_top_p = 1,
                                     .top_p = 0.9,
                                     .stop_sequences = stops,
                                     .stop_count = 2},
                           .guardrail_id = "gr1",
                           .guardrail_version = "DRAFT"};
    backend_prompt_t prompt = {
        .message = "x", .message_length = 1, .stream = 1, .max_tokens = 50, .has_temperature = 1};

    IS(write_prompt(&converse, &prompt),
       "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"x\"}]}],"
       "\"inferenceConfig\":{\"maxTokens\":50,\"temperature\":0.0000,\"topP\":0.9000,"
       "\"stopSequences\":[\"END\",\"\\n\\n\"]},"
       "\"guardrailConfig\":{\"guardrailIdentifier\":\"gr1\",\"guardrailVersion\":\"DRAFT\","
       "\"streamProcessingMode\":\"sync\"}}",
       "the request's numbers win, and a stream is checked before it is sent");
    prompt.stream = 0;
    prompt.max_tokens = 1000;
    prompt.has_temperature = 0;
    IS(write_prompt(&converse, &prompt),
       "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"x\"}]}],"
       "\"inferenceConfig\":{\"maxTokens\":100,\"temperature\":0.2500,\"topP\":0.9000,"
       "\"stopSequences\":[\"END\",\"\\n\\n\"]},"
       "\"guardrailConfig\":{\"guardrailIdentifier\":\"gr1\",\"guardrailVersion\":\"DRAFT\"}}",
       "but nobody gets more tokens than configured");
    prompt.has_temperature = 1;
    prompt.temperature = 1.5;
    OK(strstr(write_prompt(&converse, &prompt), "\"temperature\":1.0000,") != NULL,
       "Bedrock's hottest is 1");
    IS_NUMBER(model_max_tokens(&(model_t){0}, 7), 7, "as many as asked for without a limit");
}

static void files(void)
{
    backend_file_t file[] = {
        {.name = "../\"a\".pdf", .media_type = "application/pdf", .data = "QQ==", .data_length = 4},
        {.name = "b.png", .media_type = "IMAGE/PNG", .uri = "s3://b/k"},
        {.name = "c", .media_type = "text/plain; charset=utf-8", .data = "QQ==", .data_length = 4}};
    const converse_t converse = {.model = {.id = "m"}};
    const backend_prompt_t prompt = {
        .message = "x", .message_length = 1, .files = file, .file_count = 3};

    IS(write_prompt(&converse, &prompt),
       "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"x\"},"
       "{\"document\":{\"format\":\"pdf\",\"name\":\"----a--pdf (1)\",\"source\":{\"bytes\":"
       "\"QQ==\"}}},"
       "{\"image\":{\"format\":\"png\",\"source\":{\"s3Location\":{\"uri\":\"s3://b/k\"}}}},"
       "{\"document\":{\"format\":\"txt\",\"name\":\"c (3)\",\"source\":{\"bytes\":\"QQ==\"}}}]}]}",
       "images and documents, with names the API takes");
    file[1].media_type = "video/mp4";
    IS(write_prompt(&converse, &prompt), "refused video/mp4", "what no model takes is refused");
    OK(!converse_takes("") && !converse_takes("image/pngx") && converse_takes("image/webp"),
       "media types are compared whole");
}

static void paths(void)
{
    buffer_t path;

    buffer_init(&path, 500);
    OK(converse_request_path(&path,
                             "arn:aws:bedrock:us-east-1:123456789012:inference-profile/a.b:0", 0),
       "a path fits");
    IS(buffer_text(&path),
       "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fa.b%3A0/"
       "converse",
       "an ARN is one label");
    buffer_clear(&path);
    (void)converse_request_path(&path, "m", 1);
    IS(buffer_text(&path), "/model/m/converse-stream", "a stream has its own path");
    buffer_free(&path);
}

/* ---- ConverseStream ---- */

static wire_t wire;

static void hear_stream(void)
{
    hear(sizeof(converse_turn_t), &converse_answer_stream, EVENT_STREAM, &wire);
    wire.length = 0;
}

static void put_delta(const char *text)
{
    char payload[512];

    (void)snprintf(payload, sizeof(payload),
                   "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"%s\"},\"p\":\"ab\"}", text);
    wire_put_event(&wire, "contentBlockDelta", payload);
}

static void put_stop(const char *reason)
{
    char payload[128];

    (void)snprintf(payload, sizeof(payload), "{\"stopReason\":\"%s\"}", reason);
    wire_put_event(&wire, "messageStop", payload);
}

static void a_stream(void)
{
    wire_put_event(&wire, "messageStart", "{\"role\":\"assistant\"}");
    wire_put_event(&wire, "contentBlockDelta",
                   "{\"delta\":{\"reasoningContent\":{\"text\":\"secret thought\"}}}");
    wire_put_event(&wire, "contentBlockDelta", "{\"delta\":{\"toolUse\":{\"input\":\"{}\"}}}");
    put_delta("Gr\\u00fc\\u00dfe");
    put_delta("");
    put_delta(" an alle");
    wire_put_event(&wire, "contentBlockStop", "{\"contentBlockIndex\":0}");
    put_stop("end_turn");
    wire_put_event(&wire, "metadata",
                   "{\"usage\":{\"inputTokens\":10,\"outputTokens\":5,\"totalTokens\":17,"
                   "\"cacheReadInputTokens\":2},\"metrics\":{\"latencyMs\":1}}");
    hear_stream();
    IS(heard.text, "Gr\303\274\303\237e an alle", "only text is told");
    IS_NUMBER(heard.outcome.end, BACKEND_ANSWERED, "it is an answer");
    IS_NUMBER(heard.outcome.tokens, 17, "the tokens are counted");
    IS_NUMBER(heard.outcome.input_tokens, 12, "the cache's are input");
    IS_NUMBER(heard.delivered, 2, "an empty delta is none");
}

static void why_a_stream_stops(void)
{
    static const struct {
        const char *reason;
        backend_end_e end;
        backend_stop_e stop;
    } cases[] = {
        {"end_turn", BACKEND_ANSWERED, BACKEND_STOP_END},
        {"stop_sequence", BACKEND_ANSWERED, BACKEND_STOP_END},
        {"tool_use", BACKEND_ANSWERED, BACKEND_STOP_END},
        {"something_new", BACKEND_ANSWERED, BACKEND_STOP_END},
        {"max_tokens", BACKEND_ANSWERED, BACKEND_STOP_LENGTH},
        {"guardrail_intervened", BACKEND_ANSWERED, BACKEND_STOP_FILTERED},
        {"content_filtered", BACKEND_ANSWERED, BACKEND_STOP_FILTERED},
        {"malformed_model_output", BACKEND_PROTOCOL_ERROR, BACKEND_STOP_END},
        {"malformed_tool_use", BACKEND_PROTOCOL_ERROR, BACKEND_STOP_END},
        {"model_context_window_exceeded", BACKEND_ERROR, BACKEND_STOP_END},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put_delta("x");
        put_stop(cases[i].reason);
        hear_stream();
        OK(heard.outcome.end == cases[i].end && heard.outcome.stop == cases[i].stop,
           cases[i].reason);
    }
}

static void streams_that_are_no_answer(void)
{
    put_delta("x");
    hear_stream();
    IS_NUMBER(heard.outcome.end, BACKEND_PROTOCOL_ERROR, "a clean end without messageStop");
    put_stop("end_turn");
    hear_stream();
    IS_NUMBER(heard.outcome.end, BACKEND_PROTOCOL_ERROR, "no text and no error");
    put_stop("max_tokens");
    hear_stream();
    IS_NUMBER(heard.outcome.end, BACKEND_ERROR, "no token left for text");
    put_stop("content_filtered");
    hear_stream();
    IS_NUMBER(heard.outcome.end, BACKEND_ERROR, "nothing left by the filter");
    put_delta("x");
    put_stop("end_turn");
    wire.length--;
    hear_stream();
    IS_NUMBER(heard.outcome.end, BACKEND_PROTOCOL_ERROR, "cut within a message");
    put_delta("x");
    wire_put_message(&wire, "exception", "modelStreamErrorException",
                     "{\"message\":\"oh\",\"originalStatusCode\":500}");
    hear_stream();
    IS_NUMBER(heard.outcome.end, BACKEND_UNAVAILABLE, "an exception after text");
    IS(heard.text, "x", "which stays told");
    wire_put_message(&wire, "exception", "modelTimeoutException", "{}");
    hear_stream();
    IS_NUMBER(heard.outcome.end, BACKEND_TIMEOUT, "a model that took too long");
}

/* ---- Converse ---- */

static void hear_whole(const char *answer)
{
    wire.length = 0;
    wire_put_text(&wire, answer);
    hear(sizeof(converse_turn_t), &converse_answer_whole, "application/json", &wire);
    wire.length = 0;
}

static void whole_answers(void)
{
    hear_whole(
        "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"text\":\"Hello\"},"
        "{\"reasoningContent\":{\"reasoningText\":{\"text\":\"hm\"}}},{\"text\":\" you\"}]}},"
        "\"stopReason\":\"max_tokens\",\"usage\":{\"inputTokens\":3,\"outputTokens\":4,"
        "\"totalTokens\":7}}");
    IS(heard.text, "Hello you", "the parts of text are joined");
    IS_NUMBER(heard.outcome.end, BACKEND_ANSWERED, "it is an answer");
    IS_NUMBER(heard.outcome.stop, BACKEND_STOP_LENGTH, "that was cut off");
    IS_NUMBER(heard.outcome.tokens, 7, "with its tokens");
    hear_whole("{\"output\":{\"message\":{\"content\":[{\"text\":\"x\"}]}}}");
    IS_NUMBER(heard.outcome.end, BACKEND_PROTOCOL_ERROR, "no stopReason");
    hear_whole("{\"stopReason\":\"end_turn\"}");
    IS_NUMBER(heard.outcome.end, BACKEND_PROTOCOL_ERROR, "no text");
    hear_whole("<html>a proxy's page</html>");
    IS_NUMBER(heard.outcome.end, BACKEND_PROTOCOL_ERROR, "no JSON");
    hear_whole("");
    IS_NUMBER(heard.outcome.end, BACKEND_PROTOCOL_ERROR, "nothing at all");
    hear_whole("{\"stopReason\":[],\"output\":[{\"message\":7}],\"usage\":{\"inputTokens\":-1,"
               "\"outputTokens\":1e99}}");
    IS_NUMBER(heard.outcome.end, BACKEND_PROTOCOL_ERROR, "nonsense");
    IS_NUMBER(heard.outcome.tokens, BACKEND_TOKENS_UNKNOWN, "whose counts are none");
}

int main(void)
{
    messages();
    inference_and_guardrail();
    files();
    paths();
    a_stream();
    why_a_stream_stops();
    streams_that_are_no_answer();
    whole_answers();
    return tap_done();
}
