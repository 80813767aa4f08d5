// Drives the module's OpenAI API with the official client as it is, and prints TAP. Started by openai-client.t.
//
// usage: openai_client.cjs FOLDER-OF-PACKAGES http://STAND-IN:PORT http://MODULE:PORT/
"use strict";

const { from, ok, is, control, calls, error, runAll } = require("./emulator_tap.cjs");
const OpenAI = from("openai").default;

const MODULE = process.argv[4].replace(/\/$/, "");
const SHOWN_MAX = 500;

// What is asked and answered goes to the verbose output, one line each.
async function fetchAndTell(url, init) {
  const answer = await fetch(url, init);
  if (process.env.HARNESS_IS_VERBOSE) {
    const shown = (text) => (text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)} ...` : text);
    console.log(`# > ${init.method.toUpperCase()} ${new URL(url).pathname} ${shown(String(init.body ?? ""))}`);
    const type = answer.headers.get("content-type") ?? "";
    const text = type.startsWith("application/json") ? shown(await answer.clone().text()) : "(an event stream)";
    console.log(`# < ${answer.status} ${text}`);
  }
  return answer;
}

const client = ({ at = "/v1", ...more } = {}) => new OpenAI({
  baseURL: MODULE + at, apiKey: "the-key", maxRetries: 0, fetch: fetchAndTell, ...more,
});
const openai = client();
const says = (role, content) => ({ role, content });
const dialogue = (...texts) => texts.map((text, i) => says(i % 2 ? "assistant" : "user", text));
const complete = (text, { by = openai, ...more } = {}, options) => by.chat.completions.create({
  model: "chatbot", messages: dialogue(text), ...more,
}, options);
const say = async (text, more) => (await complete(text, more)).choices[0].message.content;

async function chunks(text, more, found = []) {
  for await (const chunk of await complete(text, { stream: true, ...more })) {
    found.push(chunk);
  }
  return found;
}

const contents = (found) => found.map((chunk) => chunk.choices[0]?.delta.content).filter(Boolean);
const finish = (found) => found.map((chunk) => chunk.choices[0]?.finish_reason).find(Boolean);
const words = (n) => Array.from({ length: n }, (_, i) => `word${i + 1}`).join(" ");

// Looks until it is so.
async function soon(look, seconds = 10) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    if (await look()) {
      return true;
    }
    if (Date.now() > end) {
      return false;
    }
  }
}

async function completions() {
  const answer = await complete("Hello there");
  is([answer.object, answer.model, answer.choices.length], ["chat.completion", "chatbot", 1], "a completion");
  ok(answer.id.startsWith("chatcmpl-") && answer.id.endsWith(answer._request_id), "with an id, the request's");
  ok(answer.choices[0].message.content.startsWith("Hello! I am the scripted agent"), "a greeting");
  is([answer.choices[0].message.role, answer.choices[0].finish_reason], ["assistant", "stop"], "which ends by itself");
  const { prompt_tokens: asked, completion_tokens: said, total_tokens: all } = answer.usage;
  ok(asked > 0 && said > 0 && all === asked + said, "the tokens");
  is(await say("{{echo}}Grüße, 日本語 😀"), "Grüße, 日本語 😀", "all characters");
  is(await say("", { messages: [says("user", [{ type: "text", text: "{{echo}}a" }, { type: "text", text: "b" }])] }),
    "a\nb", "parts of a text");
  is((await complete("{{guardrail}}x")).choices[0].finish_reason, "content_filter", "a filter");
  const model = { by: client({ at: "/model/v1" }), model: "org/haiku:3" };
  is(await say("", { ...model, messages: [says("developer", "Be brief."), ...dialogue("I am Ada", "Hi", "{{show system.0.text}}")] }),
    "Be brief.", "a model hears the developer");
  is((await complete("{{words 100}}", { ...model, max_completion_tokens: 5 })).choices[0].finish_reason, "length", "an answer that was cut");
  is(await say("{{show inferenceConfig.temperature}}", { ...model, temperature: 0.5 }), "0.5000", "the temperature");
  is((await say("{{bytes 2500000}}")).length, 2500000, "a long answer");
}

async function streaming() {
  const found = await chunks("{{words 64}}");
  is(found[0].choices[0].delta, { role: "assistant", content: "", refusal: null }, "the role comes first");
  is(contents(found).join(""), words(64), "the text");
  is(finish(found), "stop", "then the reason");
  ok(found.every((chunk) => chunk.object === "chat.completion.chunk" && chunk.id === found[0].id
    && chunk.created === found[0].created && chunk.usage === undefined), "chunks of one completion, no usage");
  const counted = await chunks("{{words 3}}", { stream_options: { include_usage: true } });
  ok(counted.at(-1).usage.total_tokens > 0, "usage at the end when asked for");
  is([counted.at(-1).choices.length, counted[0].usage], [0, null], "in a chunk of its own");
  is(contents(await chunks("{{delay 500}}{{words 5}}")).join(""), words(5), "signs of life are skipped");
  is(contents(await chunks("{{unicode}}")).join(""), "Grüße, 日本語, 😀🚀!", "whole characters");
  const runner = openai.chat.completions.stream({ model: "chatbot", messages: dialogue("{{words 9}}") });
  is((await runner.finalChatCompletion()).choices[0].message.content, words(9), "the client's own helper puts it together");
  const raw = await (await complete("{{words 1}}", { stream: true }).asResponse()).text();
  ok(raw.endsWith("data: [DONE]\n\n"), "the end is [DONE]");
}

async function sessions() {
  const named = { headers: { "X-Session-Id": "client-session-1" } };
  const { response } = await complete("My name is Ada", {}, named).withResponse();
  is(response.headers.get("x-session-id"), "client-session-1", "the session of the header");
  is((await complete("What is my name?", {}, named)).choices[0].message.content, "Your name is Ada.", "is remembered");
  await complete("My name is Bob", { user: "user-7" });
  is(await say("What is my name?", { user: "user-7" }), "Your name is Bob.", "so is that of a user");
  const other = await say("What is my name?", { user: "user-8" });
  ok(!other.includes("Bob") && !other.includes("Ada"), "and no other's");
  is(await say("", { messages: dialogue("My name is Eve", "Hi Eve", "What is my name?") }), "Your name is Eve.",
    "what the messages say is known to a new session");
}

async function models() {
  const found = [];
  for await (const model of openai.models.list()) {
    found.push(model.id);
  }
  is(found, ["chatbot"], "the list of models");
  is((await openai.models.retrieve("chatbot")).object, "model", "one of them");
  is((await client({ at: "/model/v1" }).models.list()).data[0].id, "org/haiku:3", "another location's");
  const thrown = await error(openai.models.retrieve("gpt-4o"));
  ok(thrown instanceof OpenAI.NotFoundError && thrown.code === "model_not_found", "one that is not there");
  is((await error(openai.embeddings.create({ model: "x", input: "y" }))).code, "unknown_url", "what there is not");
}

// In each: the class, the status, the type and the code.
async function isError(promise, kind, expected, what) {
  const thrown = await error(promise);
  ok(thrown instanceof OpenAI[kind], `${what}: ${kind}`);
  is([thrown?.status, thrown?.type, thrown?.code], expected, "with its status, type and code");
  return thrown;
}

async function errors() {
  const refused = (code) => [400, "invalid_request_error", code];
  for (const [what, code, more] of [
    ["no message", "invalid_value", { messages: [] }], ["an unknown role", "invalid_value", { messages: [says("judge", "x")] }],
    ["no content", "invalid_type", { messages: [says("user", null)] }],
    ["an image", "invalid_value", { messages: [says("user", [{ type: "image_url", image_url: { url: "x" } }])] }],
    ["the assistant last", "invalid_value", { messages: dialogue("a", "b") }],
    ["temperature 2.1", "invalid_value", { temperature: 2.1 }], ["max_tokens 0", "invalid_value", { max_tokens: 0 }],
    ["two choices", "invalid_value", { n: 2 }], ["no model", "missing_required_parameter", { model: undefined }],
    ["a long message", "string_above_max_length", { messages: dialogue("x".repeat(4001)) }],
    ["stream_options without stream", "invalid_value", { stream_options: { include_usage: true } }],
  ]) {
    await isError(complete("x", more), "BadRequestError", refused(code), what);
  }
  await isError(complete("x", { model: "gpt-4o" }), "NotFoundError", [404, "invalid_request_error", "model_not_found"], "an unknown model");
  await isError(complete("{{error AccessDenied}}"), "InternalServerError", [502, "server_error", "upstream_access_denied"], "access denied");
  await isError(complete("{{hang}}", { by: client({ at: "/impatient/v1" }) }), "InternalServerError",
    [504, "server_error", "upstream_timeout"], "no answer in time");
  await complete("x", { user: "owner" }, { headers: { "X-Session-Id": "owned" } });
  await isError(complete("x", { user: "thief" }, { headers: { "X-Session-Id": "owned" } }), "PermissionDeniedError",
    [403, "permission_error", "session_forbidden"], "somebody else's session");
  await isError(complete("x", { by: client({ at: "/private/v1", apiKey: "another" }) }), "PermissionDeniedError",
    [403, undefined, undefined], "a wrong key, where Require asks for one");
  ok(await say("x", { by: client({ at: "/private/v1" }) }), "the right one");
  const limited = { by: client({ at: "/limited/v1" }) };
  await complete("x", limited);
  const thrown = await isError(complete("x", limited), "RateLimitError", [429, "rate_limit_error", "rate_limit_exceeded"], "over the limit");
  ok(Number(thrown.headers.get("retry-after")) > 0, "with Retry-After");
  const busy = { headers: { "X-Session-Id": "busy-1" } };
  const first = await complete("{{chunk-delay 300}}{{words 20}}", { stream: true }, busy);
  await isError(complete("x", {}, busy), "ConflictError", [409, "conflict_error", "session_busy"], "a second turn at once");
  first.controller.abort();
}

async function errorsInStreams() {
  await isError(chunks("{{error AccessDenied}}"), "InternalServerError", [502, "server_error", "upstream_access_denied"],
    "before the first chunk");
  const got = [];
  await isError(chunks("{{stream-error throttling 2}}{{words 5}}", {}, got), "APIError",
    [undefined, "rate_limit_error", "upstream_throttled"], "behind two words");
  is(contents(got).length > 0, true, "which came");
  ok((await error(chunks("{{cut-hard 9000}}{{words 500}}"))) instanceof OpenAI.APIError, "a stream that was cut");
}

// A client that asks again by itself.
async function retries() {
  const patient = client({ maxRetries: 2 });
  const before = (await calls("InvokeAgent")).length;
  const thrown = await error(complete("{{error DependencyFailed}}", { by: patient }));
  is([thrown.status, thrown.headers.get("x-should-retry")], [502, "false"], "where the agent may have acted");
  is((await calls("InvokeAgent")).length, before + 1, "it is asked once");
  const busy = { headers: { "X-Session-Id": "busy-2" } };
  const first = await complete("{{chunk-delay 100}}{{words 4}}", { stream: true }, busy);
  const second = complete("Hello", { by: client({ maxRetries: 9 }) }, busy);
  for await (const chunk of first) {
    ok(chunk, "while a turn is in flight");
  }
  ok((await second).choices[0].message.content, "another one waits for its end by itself");
}

async function aborts() {
  const books = async () => (await control("GET", "state")).operations.InvokeAgent;
  const before = (await books()).cancelled;
  for (let i = 1; i <= 5; i++) {
    const stream = await complete("{{chunk-delay 200}}{{words 100}}", { stream: true });
    for await (const chunk of stream) {
      if (chunk.choices[0].delta.content) {
        break; // the client ends the request
      }
    }
    ok(await soon(async () => (await books()).cancelled === before + i), "a stream that is left is cancelled upstream");
  }
  const controller = new AbortController();
  const pending = error(complete("{{delay 8000}}x", {}, { signal: controller.signal }));
  await soon(async () => (await books()).in_progress > 0);
  controller.abort();
  ok((await pending) instanceof OpenAI.APIUserAbortError, "a request that is given up");
  ok(await soon(async () => (await books()).cancelled === before + 6), "is cancelled too");
}

runAll(completions, streaming, sessions, models, errors, errorsInStreams, retries, aborts);
