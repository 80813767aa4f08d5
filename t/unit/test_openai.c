/* backend/openai_*: what a server is sent, and what its answers come to. */
#include "backend/openai_answer.h"
#include "backend/openai_request.h"

#include "turn_fixture.h"

#define TEXT(text) text, sizeof(text) - 1

static char written[4096];

static const char *write_prompt(const model_t *model, const backend_prompt_t *prompt)
{
    buffer_t body;

    buffer_init(&body, sizeof(written) - 1);
    openai_request_write(&body, model, prompt);
    (void)snprintf(written, sizeof(written), "%s", body.failed ? "too long" : buffer_text(&body));
    buffer_free(&body);
    return written;
}

static void requests(void)
{
    static const backend_message_t history[] = {
        {BACKEND_ASSISTANT, TEXT("early")}, {BACKEND_USER, TEXT("one")},
        {BACKEND_ASSISTANT, TEXT("two")},   {BACKEND_SYSTEM, TEXT("be brief")},
        {BACKEND_ASSISTANT, TEXT("")},      {BACKEND_USER, TEXT("three")}};
    static const char *const stops[] = {"END"};
    model_t model = {.id = "llama3"};
    backend_prompt_t prompt = {.message = "fo\"ur", .message_length = 5};

    IS(write_prompt(&model, &prompt),
       "{\"model\":\"llama3\",\"messages\":[{\"role\":\"user\",\"content\":\"fo\\\"ur\"}]}",
       "a message alone");
    prompt.history = history;
    prompt.history_count = 6;
    prompt.stream = 1;
    prompt.max_tokens = 5;
    prompt.has_temperature = 1;
    prompt.temperature = 0.5;
    model.system = "be kind";
    model.has_top_p = 1;
    model.top_p = 1;
    model.stop_sequences = stops;
    model.stop_count = 1;
    IS(write_prompt(&model, &prompt),
       "{\"model\":\"llama3\",\"messages\":[{\"role\":\"system\",\"content\":\"be kind\\n\\nbe "
       "brief\"},"
       "{\"role\":\"user\",\"content\":\"one\"},{\"role\":\"assistant\",\"content\":\"two\"},"
       "{\"role\":\"user\",\"content\":\"three\\n\\nfo\\\"ur\"}],"
       "\"max_tokens\":5,\"temperature\":0.5000,\"top_p\":1.0000,\"stop\":[\"END\"],"
       "\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
       "one system message in front, roles that alternate, what was asked for");
}

static void files(void)
{
    static const backend_file_t file[] = {
        {.name = "a.png", .media_type = "image/png", .data = "QQ==", .data_length = 4},
        {.name = "b.pdf", .media_type = "application/pdf", .data = "Qg==", .data_length = 4},
        {.name = "c", .media_type = "text/plain", .uri = "s3://b/k"}};
    const model_t model = {.id = "m"};
    const backend_prompt_t prompt = {
        .message = "x", .message_length = 1, .files = file, .file_count = 3};

    IS(write_prompt(&model, &prompt),
       "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":["
       "{\"type\":\"text\",\"text\":\"x\"},"
       "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,QQ==\"}},"
       "{\"type\":\"file\",\"file\":{\"filename\":\"b.pdf\",\"file_data\":"
       "\"data:application/pdf;base64,Qg==\"}}]}]}",
       "files as parts; what is elsewhere cannot be sent");
}

/* ---- answers ---- */

static wire_t wire;

static void hear_answer(const char *type, const char *answer)
{
    wire.length = 0;
    wire_put_text(&wire, answer);
    hear(sizeof(openai_turn_t), &openai_answer_reader, type, &wire);
}

#define FAILS(type, answer, expected, what)                                                        \
    do {                                                                                           \
        hear_answer(type, answer);                                                                 \
        IS_NUMBER(heard.outcome.end, expected, what);                                              \
    } while (0)

#define JSON   "application/json"
#define EVENTS "text/event-stream"

static void whole_answers(void)
{
    hear_answer(JSON, "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"
                      "\"Hello\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9,"
                      "\"completion_tokens\":2,\"total_tokens\":11}}");
    IS(heard.text, "Hello", "a whole answer");
    IS_NUMBER(heard.outcome.end, BACKEND_ANSWERED, "is one");
    OK(heard.outcome.tokens == 11 && heard.outcome.input_tokens == 9, "with its tokens");
    IS_NUMBER(heard.outcome.stop, BACKEND_STOP_END, "at its end");
    hear_answer(JSON, "{\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
                      "{\"text\":\"b\"}],\"refusal\":null},\"finish_reason\":\"length\"}]}");
    IS(heard.text, "ab", "text in parts");
    IS_NUMBER(heard.outcome.stop, BACKEND_STOP_LENGTH, "cut off by its length");
    hear_answer(JSON, "{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"No.\"},"
                      "\"finish_reason\":\"content_filter\"}]}");
    IS(heard.text, "No.", "a refusal");
    IS_NUMBER(heard.outcome.stop, BACKEND_STOP_FILTERED, "by a filter");
    FAILS(JSON, "{\"choices\":[]}", BACKEND_PROTOCOL_ERROR, "no choice");
    FAILS(JSON, "{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":\"length\"}]}",
          BACKEND_ERROR, "no token left for text");
    FAILS(JSON, "<html>", BACKEND_PROTOCOL_ERROR, "no JSON");
    FAILS(JSON, "null", BACKEND_PROTOCOL_ERROR, "nothing");
    FAILS(JSON, "{\"error\":\"model not loaded\"}", BACKEND_ERROR, "an error in a success");
}

static void streams(void)
{
    hear_answer(
        EVENTS,
        ": ping\r\n\r\n"
        "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\r\n\r\n"
        "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\r\n\r\n"
        "data: {\"choices\":[{\"delta\":{\"content\":\"Gr\303\274\"}}],"
        "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}\r\n\r\n"
        "data: {\"choices\":[{\"delta\":{\"content\":\"\303\237e\"},\"finish_reason\":"
        "\"stop\"}]}\r\n\r\n"
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\r\n\r\n"
        "data: [DONE]\r\n\r\ndata: nonsense\r\n\r\n");
    IS(heard.text, "Gr\303\274\303\237e", "the pieces");
    IS_NUMBER(heard.outcome.end, BACKEND_ANSWERED, "are an answer");
    OK(heard.outcome.tokens == 11 && heard.outcome.input_tokens == 9, "the last count counts");
    hear_answer(EVENTS, "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":"
                        "\"stop\"}]}\n\n");
    IS_NUMBER(heard.outcome.end, BACKEND_ANSWERED, "a reason to stop is an end, too");
    FAILS(EVENTS, "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n",
          BACKEND_PROTOCOL_ERROR, "neither is incomplete");
    FAILS(EVENTS, "data: [DONE]\n\n", BACKEND_PROTOCOL_ERROR, "no text");
    FAILS(EVENTS, "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: {\"cho",
          BACKEND_PROTOCOL_ERROR, "cut in an event");
    FAILS(EVENTS, "data: {\n\n", BACKEND_PROTOCOL_ERROR, "no JSON");
    FAILS(EVENTS,
          "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n"
          "data: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\",\"code\":null}}\n\n",
          BACKEND_UNAVAILABLE, "an error in the stream");
    IS(heard.code, "server_error", "by its name");
    IS(heard.text, "Hi", "after what was told");
    FAILS(EVENTS, "data: {\"error\":{\"message\":\"x\",\"code\":\"rate_limit_exceeded\"}}\n\n",
          BACKEND_THROTTLED, "a throttled stream");
}

static void read_error(const char *body, const char *code, const char *message, const char *what)
{
    const char *got_code = NULL;
    const char *got_message = NULL;
    json_t *error = NULL;
    buffer_t bytes;

    buffer_init(&bytes, 1024);
    (void)buffer_puts(&bytes, body);
    openai_answer_error(&bytes, &error, &got_code, &got_message);
    IS(got_code, code, what);
    IS(got_message, message, what);
    json_release(error);
    buffer_free(&bytes);
}

static void errors(void)
{
    read_error("{\"error\":{\"message\":\"m\",\"type\":\"t\",\"code\":\"c\"}}", "c", "m",
               "OpenAI's");
    read_error("{\"error\":{\"message\":\"m\",\"type\":\"t\",\"code\":null}}", "t", "m",
               "without a code");
    read_error("{\"error\":\"m\"}", NULL, "m", "Ollama's");
    read_error("{\"object\":\"error\",\"message\":\"m\",\"type\":\"t\",\"code\":404}", "t", "m",
               "vLLM's");
    read_error("{\"detail\":\"m\"}", NULL, "m", "FastAPI's");
    read_error("<html>", NULL, NULL, "a page");
    read_error("", NULL, NULL, "nothing");
}

int main(void)
{
    requests();
    files();
    whole_answers();
    streams();
    errors();
    return tap_done();
}
