// Drives the stand-in's OpenAI server with the official client as it is, and prints TAP. Started by
// emulator-openai.t, with the key "the-key" configured.
//
// usage: emulator_openai.cjs FOLDER-OF-PACKAGES http://127.0.0.1:PORT
"use strict";

const {
  ENDPOINT, from, ok, is, control, reset, rule, calls, error, runAll,
} = require("./emulator_tap.cjs");
const OpenAI = from("openai").default;

const client = (more) => new OpenAI({
  baseURL: `${ENDPOINT}/openai/v1`, apiKey: "the-key", maxRetries: 0, logLevel: "off", ...more,
});
const openai = client();
const says = (role, content) => ({ role, content });
const dialogue = (...texts) => texts.map((text, i) => says(i % 2 ? "assistant" : "user", text));

const complete = (text, { by = openai, ...more } = {}) => by.chat.completions.create({
  model: "llama", messages: dialogue(text), ...more,
});
const say = async (text, more) => (await complete(text, more)).choices[0].message.content;
const body = (messages) => ({ messages });

async function chunks(text, more) {
  const found = [];
  for await (const chunk of await complete(text, { stream: true, ...more })) {
    found.push(chunk);
  }
  return found;
}

const contents = (found) => found.map((chunk) => chunk.choices[0]?.delta.content).filter(Boolean);
const finish = (found) => found.map((chunk) => chunk.choices[0]?.finish_reason).find(Boolean);
const words = (n) => Array.from({ length: n }, (_, i) => `word${i + 1}`).join(" ");

async function completions() {
  const answer = await complete("Hello there");
  is([answer.object, answer.model, answer.choices.length], ["chat.completion", "llama", 1], "a completion");
  ok(answer.id.startsWith("chatcmpl-") && answer.created > 1e9, "with an id and a time");
  ok(answer._request_id.length === 36, "and a request id");
  ok(answer.choices[0].message.content.startsWith("Hello! I am the scripted agent"), "a greeting");
  is(answer.choices[0].finish_reason, "stop", "which ends by itself");
  is(answer.usage, { prompt_tokens: 3, completion_tokens: 43, total_tokens: 46 }, "the tokens");
  is(await say("", body(dialogue("My name is Ada", "Nice!", "What is my name?"))), "Your name is Ada.",
    "what the history says is known");
  is(await say("", body([says("system", "Be brief."), ...dialogue("a", "b", "How many?")])),
    "This is message 2 of our conversation.", "messages of the user are counted");
  is(await say("", body([says("system", "Be brief."), says("user", "{{show messages.0.content}}")])),
    "Be brief.", "what came can be shown");
  is(await say("", body([says("user", [{ type: "text", text: "{{echo}}a" }, { type: "text", text: "b" }])])),
    "a\nb", "parts of a text");
  let cut = await complete("{{words 100}}", { max_tokens: 5 });
  is([cut.choices[0].finish_reason, cut.choices[0].message.content], ["length", "word1 word2 word3 wo"],
    "no more than max_tokens");
  cut = await complete("{{words 100}}", { stop: "word3" });
  is([cut.choices[0].finish_reason, cut.choices[0].message.content], ["stop", "word1 word2 "], "a stop text");
  cut = await complete("{{words 100}}", { stop: ["x", "word2"], max_completion_tokens: 900 });
  is(cut.choices[0].message.content, "word1 ", "one of several");
  is((await complete("{{guardrail}}x")).choices[0].finish_reason, "content_filter", "a filter");
  const tool = await complete("{{tool-use}}x");
  is([tool.choices[0].finish_reason, tool.choices[0].message.tool_calls[0].function.arguments],
    ["tool_calls", '{"city":"Berlin"}'], "a tool call");
  is((await complete("{{reasoning 1}}x")).choices[0].message.reasoning_content, "Let me think thought1",
    "reasoning");
  is((await say("{{bytes 2500000}}")).length, 2500000, "a long answer");
}

async function streaming() {
  const found = await chunks("{{words 64}}");
  is(found[0].choices[0].delta, { role: "assistant", content: "", refusal: null }, "the role comes first");
  is(contents(found).length, 64, "word by word");
  is(contents(found).join(""), words(64), "all of them");
  is(finish(found), "stop", "then the reason");
  ok(found.every((chunk) => chunk.object === "chat.completion.chunk" && chunk.usage === undefined),
    "no usage unless asked for");
  const counted = await chunks("{{words 3}}", { stream_options: { include_usage: true } });
  is(counted.at(-1).usage, { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 }, "usage at the end");
  is([counted.at(-1).choices.length, counted[0].usage], [0, null], "in a chunk of its own");
  is(contents(await chunks("{{unicode}}")).join(""), "Grüße, 日本語, 😀🚀!", "whole characters");
  is(contents(await chunks("{{comments}}{{words 5}}")).join(""), words(5), "comments and fields are skipped");
  is(contents(await chunks("{{split 5}}{{chunk-delay 5}}{{words 3}}")).join(""), words(3), "in small writes");
  const thought = await chunks("{{reasoning 2}}{{words 2}}");
  is(thought.map((chunk) => chunk.choices[0].delta.reasoning_content).filter(Boolean).join(""),
    "Let me think thought1 thought2", "reasoning");
  is(contents(thought).join(""), words(2), "is not text");
  is(finish(await chunks("{{tool-use}}x")), "tool_calls", "a tool call");
  is(finish(await chunks("{{words 9}}", { max_tokens: 2 })), "length", "the length");
  is([contents(await chunks("{{empty}}")), finish(await chunks("{{empty}}"))], [[], "stop"], "no text");
  is(finish(await chunks("{{no-stop}}x")), undefined, "a stream that ends without a reason");
  const raw = await (await complete("{{words 1}}", { stream: true }).asResponse()).text();
  ok(raw.endsWith("data: [DONE]\n\n"), "the end is [DONE]");
  const half = await (await complete("{{no-stop}}{{words 1}}", { stream: true }).asResponse()).text();
  ok(!half.includes("[DONE]"), "or is not");
}

async function errors() {
  for (const [name, kind, status] of [
    ["invalid_request_error", "BadRequestError", 400], ["context_length_exceeded", "BadRequestError", 400],
    ["invalid_api_key", "AuthenticationError", 401], ["permission_denied", "PermissionDeniedError", 403],
    ["model_not_found", "NotFoundError", 404], ["rate_limit_exceeded", "RateLimitError", 429],
    ["insufficient_quota", "RateLimitError", 429], ["server_error", "InternalServerError", 500],
    ["service_unavailable", "InternalServerError", 503],
  ]) {
    const thrown = await error(complete(`{{error ${name}}}`));
    ok(thrown instanceof OpenAI[kind] && thrown.status === status, `${name} is its class`);
    is([thrown.code ?? thrown.type, thrown.error.message], [name, "This error was asked for."], "and says so");
  }
  let thrown = await error(complete("x", { by: client({ apiKey: "another" }) }));
  is([thrown.status, thrown.code, thrown.type], [401, "invalid_api_key", "invalid_request_error"], "a wrong key");
  is((await calls()).at(-1).signature, "invalid_api_key", "is in the journal");
  ok(!JSON.stringify(await calls()).includes("the-key"), "no key is");
  thrown = await error(complete("x", { model: "NOTFOUND-1" }));
  is([thrown.status, thrown.code], [404, "model_not_found"], "an unknown model");
  for (const [what, more] of Object.entries({
    "no message": { messages: [] }, "an unknown role": { messages: [says("judge", "x")] },
    "a message without content": { messages: [says("user", null)] },
    "an empty content": { messages: [says("user", [])] },
    "temperature 2.1": { temperature: 2.1 }, "top_p 1.1": { top_p: 1.1 }, "max_tokens 0": { max_tokens: 0 },
    "two choices": { n: 2 }, "five stop texts": { stop: ["a", "b", "c", "d", "e"] },
    "stream_options without stream": { stream_options: { include_usage: true } },
    "no model": { model: undefined }, "a body that is no JSON": { stream: "yes" },
    "an unknown command": { messages: dialogue("{{no-such-command}}") },
  })) {
    thrown = await error(complete("x", more));
    is([thrown.status, thrown.type], [400, "invalid_request_error"], `${what} is refused`);
  }
  ok(await complete("x", { temperature: 2, top_p: 0.5, user: "u-1" }), "what is right is taken");
  const got = [];
  thrown = await error((async () => {
    for await (const chunk of await complete("{{stream-error overloaded 2}}{{words 5}}", { stream: true })) {
      got.push(chunk);
    }
  })());
  is([contents(got).length, thrown.code, thrown.error.message], [2, "overloaded", "This error was asked for."],
    "an error in the stream, behind two words");
  ok(await error(chunks("{{stream-error overloaded}}{{words 5}}")), "and as the first event");
  is((await error(complete("{{status 503}}"))).status, 503, "a status without a body");
  is((await error(complete("{{html 502}}"))).status, 502, "an error page");
  await rule("ChatCompletions", "{{error rate_limit_exceeded}}{{retry-after 0}}", 2);
  is(await say("hi you", { by: client({ maxRetries: 2 }) }), "You said: hi you", "two refusals are survived");
}

async function violence() {
  for (const command of ["{{bad-crc}}", "{{reset-after 600}}", "{{cut-hard 600}}", "{{reset}}"]) {
    ok(await error(chunks(`${command}{{words 50}}`)), `${command} is an error`);
  }
  const impatient = client({ timeout: 300 });
  ok((await error(complete("{{hang}}", { by: impatient }))) instanceof OpenAI.APIConnectionTimeoutError,
    "no answer at all");
  ok(contents(await chunks("{{cut 900}}{{words 50}}")).length < 50, "a stream cut short");
}

async function models() {
  const found = [];
  for await (const model of openai.models.list()) {
    found.push(model.id);
  }
  is(found, ["emulator"], "the list of models");
  is((await openai.models.retrieve("any/model:7b")).id, "any/model:7b", "one of them");
  is((await error(openai.models.retrieve("NOTFOUND"))).status, 404, "one that is not there");
  is((await error(client({ apiKey: "another" }).models.list())).status, 401, "a wrong key");
  const answer = await fetch(`${ENDPOINT}/openai/v1/models`);
  is([answer.status, (await answer.json()).error.code], [401, "invalid_api_key"], "and none at all");
  is((await error(openai.embeddings.create({ model: "x", input: "y" }))).code, "unknown_url",
    "what the server has not");
}

async function cancelled() {
  await reset();
  for (let i = 0; i < 20; i++) {
    const stream = await complete("{{chunk-delay 10000}}{{words 5}}", { stream: true });
    for await (const chunk of stream) {
      is(chunk.choices[0].delta.role, "assistant", "a stream begins");
      break; // the client ends the request
    }
  }
  const books = async () => (await control("GET", "state")).operations.ChatCompletions;
  const end = Date.now() + 20000;
  while ((await books()).cancelled < 20 && Date.now() < end);
  const { calls: all, cancelled: left, in_progress: open } = await books();
  is([all, left, open], [20, 20, 0], "every client that left is counted");
}

runAll(completions, streaming, errors, violence, models, cancelled);
