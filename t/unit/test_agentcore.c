/* backend/agentcore_*: what a runtime is sent, and what its answers come to. */
#include "backend/agentcore_answer.h"
#include "backend/agentcore_request.h"

#include "turn_fixture.h"

static wire_t wire;

static void hear_answer(const char *type, const char *answer)
{
    wire.length = 0;
    wire_put_text(&wire, answer);
    hear(sizeof(agentcore_turn_t), &agentcore_answer_reader, type, &wire);
}

#define SAYS(type, answer, expected, what)                                                         \
    do {                                                                                           \
        hear_answer(type, answer);                                                                 \
        IS_NUMBER(heard.outcome.end, BACKEND_ANSWERED, what);                                      \
        IS(heard.text, expected, what);                                                            \
    } while (0)

#define FAILS(type, answer, expected, what)                                                        \
    do {                                                                                           \
        hear_answer(type, answer);                                                                 \
        IS_NUMBER(heard.outcome.end, expected, what);                                              \
    } while (0)

#define JSON   "application/json"
#define EVENTS "text/event-stream; charset=utf-8"

static void json_answers(void)
{
    SAYS(JSON, "\"Hello\"", "Hello", "a string");
    SAYS(JSON, "{\"result\":\"Hello\",\"session\":\"s\"}", "Hello",
         "a string where agents have it");
    SAYS(JSON, "{\"response\":\"one\",\"message\":\"two\"}", "one", "one of two");
    SAYS(JSON,
         "{\"result\":{\"role\":\"assistant\",\"content\":[{\"text\":\"Hel\"},{\"toolUse\":1},"
         "{\"text\":\"lo\"}]}}",
         "Hello", "a message of Bedrock's");
    SAYS(JSON, "{\"output\":{\"message\":{\"content\":[{\"text\":\"Hi\"}]}}}", "Hi", "deeper");
    SAYS(JSON, "{\"answer\":42}", "{\"answer\":42}", "JSON that nobody knows, as it is");
    SAYS(JSON, "[1, 2]", "[1, 2]", "an array, as it is");
    SAYS("", "\"Hello\"", "Hello", "no Content-Type is JSON");
    SAYS("text/plain", "Gr\303\274\303\237e", "Gr\303\274\303\237e", "text, as it is");
    FAILS(JSON, "", BACKEND_PROTOCOL_ERROR, "no JSON");
    FAILS(JSON, "Hello", BACKEND_PROTOCOL_ERROR, "JSON that is none");
    FAILS(JSON, "{\"result\":\"\"}", BACKEND_PROTOCOL_ERROR, "an empty text");
    FAILS("text/plain", "", BACKEND_PROTOCOL_ERROR, "nothing");
    FAILS(JSON, "{\"error\":\"boom\"}", BACKEND_DEPENDENCY_FAILED, "an error");
    IS(heard.reason, "reading the agent's answer: the agent says that it failed: boom",
       "its words are for the log");
    IS(heard.text, "", "not for the visitor");
}

static void event_answers(void)
{
    SAYS(EVENTS, "data: \"Hel\"\n\ndata: \"lo\"\n\n", "Hello", "strings");
    SAYS(EVENTS, "data: \"a\"\ndata: \"b\"\n\n", "ab", "each line of data");
    SAYS(EVENTS, "data: Hello\n\ndata: [DONE]\n\n", "Hello", "text that is no JSON; the end mark");
    SAYS(EVENTS,
         "data: {\"init_event_loop\":true}\n\n"
         "data: {\"event\":{\"messageStart\":{\"role\":\"assistant\"}}}\n\n"
         "data: {\"event\":{\"contentBlockDelta\":{\"delta\":{\"text\":\"Hel\"}}}}\n\n"
         "data: \"{'data': 'Hel', 'agent': <object>}\"\n\n"
         "data: {\"event\":{\"contentBlockDelta\":{\"delta\":{\"text\":\"lo\"}}}}\n\n"
         "data: {\"message\":{\"content\":[{\"text\":\"Hello\"}]}}\n\n",
         "Hello", "a model's stream, told once");
    SAYS(EVENTS,
         "data: {\"data\":\"Hel\",\"delta\":{\"text\":\"Hel\"}}\n\ndata: {\"data\":\"lo\"}\n\n"
         "data: {\"result\":\"Hello\"}\n\n",
         "Hello", "pieces, and then the whole again");
    SAYS(EVENTS, "data: {\ndata: \"text\": \"Hi\"}\n\n: ping\n\ndata: 7\n\n", "Hi",
         "JSON over lines; others are passed over");
    FAILS(EVENTS, "data: {\"tool\":1}\n\n", BACKEND_PROTOCOL_ERROR, "no text at all");
    FAILS(EVENTS, "data: \"Hel\"\n\ndata: \"l", BACKEND_PROTOCOL_ERROR, "a cut stream");
    IS(heard.text, "Hel", "of which the whole events are told");
    FAILS(EVENTS,
          "data: \"Hel\"\n\ndata: {\"error\":\"boom\",\"error_type\":\"ValueError\"}\n\n"
          "data: \"lo\"\n\n",
          BACKEND_DEPENDENCY_FAILED, "an error in the stream");
    IS(heard.text, "Hel", "ends it");
    FAILS(EVENTS, "event: error\ndata: \"boom\"\n\n", BACKEND_DEPENDENCY_FAILED, "by its type");
    FAILS(EVENTS, "data: {\"error\":{\"message\":\"boom\"}}\n\n", BACKEND_DEPENDENCY_FAILED,
          "as an object");
}

/* ---- requests ---- */

static buffer_t text;

static const char *session(const char *id)
{
    buffer_clear(&text);
    return agentcore_request_session(&text, id) ? buffer_text(&text) : "failed";
}

static const char *user(const char *name)
{
    buffer_clear(&text);
    return agentcore_request_user(&text, name) ? buffer_text(&text) : "failed";
}

static void session_ids(void)
{
    char id[101];

    IS(session("123e4567-e89b-42d3-a456-426614174000"), "123e4567-e89b-42d3-a456-426614174000",
       "a UUID stays");
    IS(session("abc"), "sha256-ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
       "a short one becomes its hash");
    IS(session("sha256-ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
       "sha256-e35fbfb31c4507fe845808d0db9ef2cc1892be8cfa4a2d7e7fd346341bcfc017",
       "one that looks like another's hash is hashed, too");
    OK(strncmp(session("-23e4567-e89b-42d3-a456-426614174000"), "sha256-", 7) == 0,
       "as one that starts with a hyphen");
    OK(strncmp(session("123e4567:e89b.42d3-a456-426614174000"), "sha256-", 7) == 0,
       "and one with other characters");
    memset(id, 'x', 100);
    id[100] = '\0';
    IS(session(id), id, "the longest stays");
    id[33] = '\0';
    IS(session(id), id, "the shortest stays");
    id[32] = '\0';
    OK(strncmp(session(id), "sha256-", 7) == 0, "a shorter one does not");
}

static void users(void)
{
    static char name[1100];

    IS(user("jane@example.org"), "jane@example.org", "a plain name stays");
    IS(user("a b%20\r\nX-Evil: 1"), "a%20b%2520%0D%0AX-Evil:%201", "nothing leaves the header");
    IS(user("J\303\274rgen"), "J%C3%BCrgen", "only ASCII");
    memset(name, 'x', 1024);
    IS_NUMBER(strlen(user(name)), 1024, "the longest");
    name[1024] = 'x';
    OK(strncmp(user(name), "%sha256-", 8) == 0, "a longer one becomes its hash");
}

static void paths_and_bodies(void)
{
    const backend_prompt_t prompt = {.message = "Hi \"you\"", .message_length = 8};
    agentcore_t agentcore = {.arn = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/a-b"};

    buffer_clear(&text);
    OK(agentcore_request_path(&text, &agentcore, "invocations"), "a path fits");
    IS(buffer_text(&text),
       "/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aus-east-1%3A123456789012%3Aruntime%2Fa-b/"
       "invocations",
       "an ARN is one label");
    agentcore.arn = "a";
    agentcore.qualifier = "x&y=z";
    buffer_clear(&text);
    (void)agentcore_request_path(&text, &agentcore, "stopruntimesession");
    IS(buffer_text(&text), "/runtimes/a/stopruntimesession?qualifier=x%26y%3Dz", "a qualifier");
    buffer_clear(&text);
    agentcore_request_write(&text, &prompt);
    IS(buffer_text(&text), "{\"prompt\":\"Hi \\\"you\\\"\"}", "the payload of AgentCore's samples");
    buffer_clear(&text);
    agentcore_request_write_stop(&text);
    IS_NUMBER(text.length, strlen("{\"clientToken\":\"\"}") + 36, "a token");
}

static void stopping(void)
{
    backend_turn_t *turn = begin_turn(sizeof(agentcore_turn_t), &agentcore_answer_reader);

    turn->ends_session = 1;
    wire.length = 0;
    wire_put_text(&wire, "{}");
    tell_answer(turn, JSON, &wire, 0, 10);
    OK(heard.outcome.end == BACKEND_ANSWERED && heard.pieces == 0, "a session is stopped");
}

int main(void)
{
    buffer_init(&text, 4096);
    json_answers();
    event_answers();
    session_ids();
    users();
    paths_and_bodies();
    stopping();
    buffer_free(&text);
    return tap_done();
}
