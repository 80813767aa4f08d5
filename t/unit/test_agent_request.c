/* backend/agent_request and agent_answer: what an agent is sent, and what its answers come to. */
#include "backend/agent_answer.h"
#include "backend/agent_request.h"
#include "base/json.h"

#include "turn_fixture.h"

#define EVENT_STREAM "application/vnd.amazon.eventstream"
#define TEXT(text)   text, sizeof(text) - 1

static char written[8192];

static const char *write_prompt(const backend_prompt_t *prompt, int traces)
{
    buffer_t body;

    buffer_init(&body, sizeof(written) - 1);
    agent_request_write(&body, prompt, traces);
    (void)snprintf(written, sizeof(written), "%s", body.failed ? "too long" : buffer_text(&body));
    buffer_free(&body);
    return written;
}

static void a_plain_prompt(void)
{
    backend_prompt_t prompt = {.message = "Hi \"you\"\n", .message_length = 9};

    IS(write_prompt(&prompt, 0), "{\"inputText\":\"Hi \\\"you\\\"\\n\",\"enableTrace\":false}",
       "a message alone has no session state");
    prompt.stream = 1;
    IS(write_prompt(&prompt, 1),
       "{\"inputText\":\"Hi \\\"you\\\"\\n\",\"enableTrace\":true,"
       "\"streamingConfigurations\":{\"streamFinalResponse\":true}}",
       "traces and streaming are asked for");
}

static void all_of_the_session_state(void)
{
    static const backend_message_t history[] = {
        {BACKEND_SYSTEM, TEXT("be kind")},  {BACKEND_ASSISTANT, TEXT("too early")},
        {BACKEND_USER, TEXT("one")},        {BACKEND_USER, TEXT("")},
        {BACKEND_USER, TEXT("two")},        {BACKEND_ASSISTANT, TEXT("three")},
        {BACKEND_SYSTEM, TEXT("be brief")}, {BACKEND_ASSISTANT, TEXT("four")}};
    static const backend_attribute_t session[] = {{"tier", "gold"}, {"a\"b", ""}};
    static const backend_attribute_t attribute = {"time", "now"};
    static const backend_file_t files[] = {
        {.name = "a.txt", .media_type = "text/plain", .uri = "s3://b/k"},
        {.name = "b.png", .media_type = "image/png", .data = "QUJD", .data_length = 4}};
    const backend_prompt_t prompt = {.message = "x",
                                     .message_length = 1,
                                     .history = history,
                                     .history_count = 8,
                                     .session_attributes = session,
                                     .session_attribute_count = 2,
                                     .prompt_attributes = &attribute,
                                     .prompt_attribute_count = 1,
                                     .files = files,
                                     .file_count = 2};

    IS(write_prompt(&prompt, 0),
       "{\"inputText\":\"x\",\"enableTrace\":false,\"sessionState\":{"
       "\"sessionAttributes\":{\"tier\":\"gold\",\"a\\\"b\":\"\"},"
       "\"promptSessionAttributes\":{\"time\":\"now\"},"
       "\"conversationHistory\":{\"messages\":["
       "{\"role\":\"user\",\"content\":[{\"text\":\"one\"},{\"text\":\"two\"}]},"
       "{\"role\":\"assistant\",\"content\":[{\"text\":\"three\"},{\"text\":\"four\"}]}]},"
       "\"files\":[{\"name\":\"a.txt\",\"useCase\":\"CHAT\",\"source\":{\"sourceType\":\"S3\","
       "\"s3Location\":{\"uri\":\"s3://b/k\"}}},"
       "{\"name\":\"b.png\",\"useCase\":\"CHAT\",\"source\":{\"sourceType\":\"BYTE_CONTENT\","
       "\"byteContent\":{\"mediaType\":\"image/png\",\"data\":\"QUJD\"}}}]}}",
       "attributes, history and files; roles alternate from the first user on");
}

static void history_that_does_not_count(void)
{
    static const backend_message_t history[] = {{BACKEND_SYSTEM, TEXT("be kind")},
                                                {BACKEND_ASSISTANT, TEXT("hello")}};
    const backend_prompt_t prompt = {
        .message = "x", .message_length = 1, .history = history, .history_count = 2};

    IS(write_prompt(&prompt, 0), "{\"inputText\":\"x\",\"enableTrace\":false}",
       "no conversation of no messages");
}

static void paths_and_the_end(void)
{
    buffer_t text;

    buffer_init(&text, 200);
    OK(agent_request_path(&text, "AGENT12345", "TSTALIASID", "user:42"), "a path fits");
    IS(buffer_text(&text), "/agents/AGENT12345/agentAliases/TSTALIASID/sessions/user%3A42/text",
       "the session's id is percent-encoded once");
    buffer_clear(&text);
    agent_request_write_end(&text);
    IS(buffer_text(&text), "{\"inputText\":\"end\",\"endSession\":true}", "a session is ended");
    buffer_free(&text);
}

/* ---- answers ---- */

static wire_t wire;

static void hear_agent(void)
{
    hear(sizeof(agent_turn_t), &agent_answer_reader, EVENT_STREAM, &wire);
    wire.length = 0;
}

static void text_counts_and_guardrails(void)
{
    static const char usage[] = "{\"trace\":{\"orchestrationTrace\":{\"modelInvocationOutput\":"
                                "{\"metadata\":{\"usage\":{\"inputTokens\":%d,\"outputTokens\":%d}"
                                "}}}}}";
    char payload[512];

    wire_put_event(&wire, "chunk", "{\"bytes\":\"SGVsbG8g\",\"p\":\"abc\"}");
    (void)snprintf(payload, sizeof(payload), usage, 100, 7);
    wire_put_event(&wire, "trace", payload);
    (void)snprintf(payload, sizeof(payload), usage, 20, 3);
    wire_put_event(&wire, "trace", payload);
    wire_put_event(&wire, "somethingNew", "not even JSON");
    wire_put_event(&wire, "chunk", "{\"bytes\":\"d29ybGQ=\"}");
    hear_agent();
    IS(heard.text, "Hello world", "the chunks are the text");
    IS_NUMBER(heard.outcome.end, BACKEND_ANSWERED, "it is an answer");
    IS_NUMBER(heard.outcome.tokens, 130, "all traces count");
    IS_NUMBER(heard.outcome.input_tokens, 120, "the input's among them");
    IS_NUMBER(heard.outcome.stop, BACKEND_STOP_END, "it stopped at its end");
    IS_NUMBER(heard.delivered, 2, "the transport knows of each piece");

    wire_put_event(&wire, "trace", "{\"trace\":{\"guardrailTrace\":{\"action\":\"INTERVENED\"}}}");
    wire_put_event(&wire, "chunk", "{\"bytes\":\"Tm8u\"}");
    hear_agent();
    IS_NUMBER(heard.outcome.stop, BACKEND_STOP_FILTERED, "a guardrail stepped in");
    IS_NUMBER(heard.outcome.tokens, BACKEND_TOKENS_UNKNOWN, "no counts, no number");

    wire_put_event(&wire, "trace",
                   "{\"trace\":{\"guardrailTrace\":{\"action\":\"NONE\"}},"
                   "\"text\":\"INTERVENED\"}");
    wire_put_event(&wire, "chunk", "{\"bytes\":\"WWVz\"}");
    hear_agent();
    IS_NUMBER(heard.outcome.stop, BACKEND_STOP_END, "a guardrail that did nothing");
}

static void answers_that_are_none(void)
{
    hear_agent();
    IS_NUMBER(heard.outcome.end, BACKEND_PROTOCOL_ERROR, "an empty stream");
    IS(heard.reason, "reading the agent's answer: it ended without any text and any error",
       "and why");
    wire_put_event(&wire, "returnControl", "{\"invocationId\":\"1\"}");
    hear_agent();
    IS_NUMBER(heard.outcome.end, BACKEND_ERROR, "control returned instead of text");
    wire_put_event(&wire, "chunk", "{\"bytes\":\"SGVsbG8g\"}");
    wire.length -= 3;
    hear_agent();
    IS_NUMBER(heard.outcome.end, BACKEND_PROTOCOL_ERROR, "a cut stream");
    IS(heard.text, "", "of which nothing is told");
    wire_put_event(&wire, "chunk", "{\"bytes\":\"SGVsbG8\"}");
    hear_agent();
    IS_NUMBER(heard.outcome.end, BACKEND_PROTOCOL_ERROR, "wrong base64");
    wire_put_event(&wire, "chunk", "[");
    hear_agent();
    IS_NUMBER(heard.outcome.end, BACKEND_PROTOCOL_ERROR, "wrong JSON");
    wire_put_text(&wire, "<html>");
    hear(sizeof(agent_turn_t), &agent_answer_reader, "text/html", &wire);
    wire.length = 0;
    IS_NUMBER(heard.outcome.end, BACKEND_PROTOCOL_ERROR, "a page is no event stream");
}

static void errors_in_the_stream(void)
{
    wire_put_event(&wire, "chunk", "{\"bytes\":\"SGVsbG8g\"}");
    wire_put_message(&wire, "exception", "throttlingException", "{\"message\":\"slow down\"}");
    wire_put_event(&wire, "chunk", "{\"bytes\":\"SGVsbG8g\"}");
    hear_agent();
    IS(heard.text, "Hello ", "nothing after an exception");
    IS_NUMBER(heard.outcome.end, BACKEND_THROTTLED, "its meaning is told");
    IS(heard.code, "throttlingException", "the transport knows its name");
    IS(heard.reason, "reading the agent's answer: throttlingException: slow down", "and its words");
    wire_put_message(&wire, "exception", "brandNewException", "");
    hear_agent();
    IS_NUMBER(heard.outcome.end, BACKEND_ERROR, "an exception nobody knows is one");
    IS(heard.reason, "reading the agent's answer: brandNewException: no message", "without words");
    wire_put_message(&wire, "error", "InternalServerException", "");
    hear_agent();
    IS_NUMBER(heard.outcome.end, BACKEND_UNAVAILABLE, "an unmodelled error");
    wire_put_message(&wire, "riddle", "x", "");
    hear_agent();
    IS_NUMBER(heard.outcome.end, BACKEND_PROTOCOL_ERROR, "a message of no known type");
}

static void ending_a_session(void)
{
    backend_turn_t *turn = begin_turn(sizeof(agent_turn_t), &agent_answer_reader);

    wire_put_event(&wire, "chunk", "{\"bytes\":\"Qnll\"}");
    turn->ends_session = 1;
    tell_answer(turn, EVENT_STREAM, &wire, 0, wire.length);
    wire.length = 0;
    IS(heard.text, "", "no text is wanted");
    IS_NUMBER(heard.outcome.end, BACKEND_ANSWERED, "it has ended");

    turn = begin_turn(sizeof(agent_turn_t), &agent_answer_reader);
    turn->ends_session = 1;
    wire_put_message(&wire, "exception", "resourceNotFoundException", "{}");
    tell_answer(turn, EVENT_STREAM, &wire, 0, wire.length);
    wire.length = 0;
    IS_NUMBER(heard.outcome.end, BACKEND_ANSWERED, "so has one that is not known");
}

/* ---- an owner that pauses ---- */

static void pausing(void)
{
    backend_turn_t *turn;

    wire_put_event(&wire, "chunk", "{\"bytes\":\"b25lLA==\"}");
    wire_put_event(&wire, "chunk", "{\"bytes\":\"dHdvLA==\"}");
    wire_put_event(&wire, "chunk", "{\"bytes\":\"dGhyZWU=\"}");
    heard.pause_each = 1;
    turn = begin_turn(sizeof(agent_turn_t), &agent_answer_reader);
    tell_answer(turn, EVENT_STREAM, &wire, 0, wire.length);
    IS(heard.text, "one,", "one piece, then the owner pauses");
    IS_NUMBER(heard.ended, 0, "the end waits for what is held");
    turn_resume(turn);
    IS(heard.text, "one,two,three", "what was held comes when it resumes");
    IS_NUMBER(heard.ended, 0, "it has paused again");
    turn_resume(turn);
    IS_NUMBER(heard.ended, 1, "then the end comes");
    IS_NUMBER(heard.outcome.end, BACKEND_ANSWERED, "with an answer");
    IS(heard.request_id, "id", "and the request's id");
    OK(heard.wrong == NULL && heard.cancelled == 0, "no text came while it paused");

    heard.pause_each = 1;
    heard.refuse_at = 2;
    turn = begin_turn(sizeof(agent_turn_t), &agent_answer_reader);
    tell_answer(turn, EVENT_STREAM, &wire, 0, wire.length);
    turn_resume(turn);
    IS_NUMBER(heard.outcome.end, BACKEND_INTERNAL, "what was held may be refused");
    IS_NUMBER(heard.ended, 1, "which ends it");

    turn = begin_turn(sizeof(agent_turn_t), &agent_answer_reader);
    (void)turn->reader->on_head(turn, EVENT_STREAM);
    (void)turn->reader->on_body(turn, wire.bytes, wire.length);
    turn_resume(turn);
    IS_NUMBER(heard.cancelled, 1, "before the end of the transport too");
    IS_NUMBER(heard.outcome.end, BACKEND_INTERNAL, "with the same end");

    turn = begin_turn(sizeof(agent_turn_t), &agent_answer_reader);
    tell_answer(turn, EVENT_STREAM, &wire, 0, wire.length);
    (void)turn_cancel(turn);
    OK(heard.ended == 0 && heard.cancelled == 0, "a turn that has ended unheard can be cancelled");
    turn = begin_turn(sizeof(agent_turn_t), &agent_answer_reader);
    turn_pause(turn);
    turn_resume(turn);
    (void)turn_cancel(turn);
    OK(heard.paused == 1 && heard.resumed == 1 && heard.cancelled == 1 && heard.ended == 0,
       "the transport is paused, resumed and cancelled");
    memset(&heard, 0, sizeof(heard));
    wire.length = 0;
}

static void cancelled_attempt(void)
{
    backend_turn_t *turn = begin_turn(sizeof(agent_turn_t), &agent_answer_reader);
    backend_spent_t spent;

    turn_count(turn, 3, 4);
    turn_start_over(turn);
    turn_count(turn, 1, 1);
    spent = turn_cancel(turn);
    IS_NUMBER(spent.tokens, 2, "cancelled, it tells the tokens of the last attempt");
    IS_NUMBER(spent.retries, 1, "and that there was another");
}

static void another_attempt(void)
{
    backend_turn_t *turn = begin_turn(sizeof(agent_turn_t), &agent_answer_reader);

    wire_put_message(&wire, "exception", "modelNotReadyException", "{}");
    (void)turn->reader->on_head(turn, EVENT_STREAM);
    OK(!turn->reader->on_body(turn, wire.bytes, wire.length), "an exception ends the attempt");
    wire.length = 0;
    turn_start_over(turn);
    wire_put_event(&wire, "chunk", "{\"bytes\":\"b25lLA==\"}");
    tell_answer(turn, EVENT_STREAM, &wire, 0, wire.length);
    wire.length = 0;
    IS_NUMBER(heard.outcome.end, BACKEND_ANSWERED, "the next one is not hurt by the last");
    IS(heard.text, "one,", "and gives its text");
}

int main(void)
{
    a_plain_prompt();
    all_of_the_session_state();
    history_that_does_not_count();
    paths_and_the_end();
    text_counts_and_guardrails();
    answers_that_are_none();
    errors_in_the_stream();
    ending_a_session();
    pausing();
    cancelled_attempt();
    another_attempt();
    return tap_done();
}
