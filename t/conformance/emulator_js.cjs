// Drives the stand-in with AWS's SDK for JavaScript as it is, and prints TAP. Started by
// emulator-js.t.
//
// usage: emulator_js.cjs FOLDER-OF-PACKAGES http://127.0.0.1:PORT
"use strict";

const { mkdtempSync, rmSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");

const {
  ENDPOINT, from, ok, is, control, reset, set, rule, calls, error, runAll,
} = require("./emulator_tap.cjs");
const agents = from("@aws-sdk/client-bedrock-agent-runtime");
const { STSClient, AssumeRoleCommand, GetCallerIdentityCommand } = from("@aws-sdk/client-sts");
const providers = from("@aws-sdk/credential-providers");
const { NodeHttpHandler } = from("@smithy/node-http-handler");

const KEY = {
  accessKeyId: "AKIAEMULATOREXAMPLE0",
  secretAccessKey: "emulator-secret-key-for-local-use-only00",
};
const ROLE = "arn:aws:iam::123456789012:role/chat";
const MODELLED = {
  ValidationException: 400, ServiceQuotaExceededException: 400, AccessDeniedException: 403,
  ResourceNotFoundException: 404, ConflictException: 409, DependencyFailedException: 424,
  ModelNotReadyException: 424, ThrottlingException: 429, InternalServerException: 500,
  BadGatewayException: 502,
};

const settings = (more) => ({
  endpoint: ENDPOINT, region: "us-east-1", credentials: KEY, maxAttempts: 1, ...more,
});
// This client's own handler speaks HTTP/2 without TLS, which the stand-in does not.
const agent = (more) => new agents.BedrockAgentRuntimeClient(settings({
  requestHandler: new NodeHttpHandler(), ...more,
}));
const sts = (more) => new STSClient(settings(more));
const arn = async (more) => (await sts(more).send(new GetCallerIdentityCommand({}))).Arn;

function invoke(inputText, { by = agent(), sessionId = "s-1", ...more } = {}) {
  return by.send(new agents.InvokeAgentCommand({
    agentId: "AGENT12345", agentAliasId: "TSTALIASID", sessionId, inputText,
    streamingConfigurations: { streamFinalResponse: true }, ...more,
  }));
}

async function events(text, more) {
  const found = [];
  for await (const event of (await invoke(text, more)).completion) {
    found.push(event);
  }
  return found;
}

async function say(text, more) {
  const chunks = (await events(text, more)).filter((event) => event.chunk);
  return Buffer.concat(chunks.map((event) => event.chunk.bytes)).toString();
}

async function streaming() {
  is(await say("My name is Ada"), "Nice to meet you, Ada.", "the agent takes a name");
  is(await say("What is my name?"), "Your name is Ada.", "and remembers it");
  const found = await events("{{words 64}}");
  is(found.length, 64, "a streamed answer comes word by word");
  is(found.map((event) => Buffer.from(event.chunk.bytes).toString()).join(""),
    Array.from({ length: 64 }, (_, i) => `word${i + 1}`).join(" "), "in order");
  is(await say("{{unicode}}"), "Grüße, 日本語, 😀🚀!", "characters cut between chunks");
  is((await say("{{bytes 2500000}}")).length, 2500000, "a long answer");
  is(await say("{{split 7}}{{words 3}}"), "word1 word2 word3", "in pieces of seven bytes");
  const traces = (await events("{{words 3}}", { enableTrace: true })).filter((event) => event.trace);
  is(traces.length, 5, "traces");
  ok((await events("{{return-control}}"))[0].returnControl, "control is returned");
  is((await events("{{files}}")).find((event) => event.files).files.files[0].name, "weather.csv",
    "a file");
  is(await say("{{unknown-event}}{{words 3}}"), "word1 word2 word3", "an unknown event is skipped");
  const answer = await invoke("hi", { sessionId: "user:42" });
  is([answer.sessionId, answer.contentType, answer.$metadata.requestId.length],
    ["user:42", "application/json", 36], "what the head says");
}

async function exceptions() {
  for (const [name, status] of Object.entries(MODELLED)) {
    const thrown = await error(invoke(`{{error ${name}}}`));
    ok(thrown instanceof agents[name], `${name} is its class`);
    is([thrown.name, thrown.$metadata.httpStatusCode, thrown.message],
      [name, status, "This error was asked for."], "with name, status and message");
    const got = [];
    const within = await error((async () => {
      for await (const event of (await invoke(`{{stream-error ${name} 2}}{{words 5}}`)).completion) {
        got.push(event);
      }
    })());
    ok(within instanceof agents[name] && got.length === 2, `${name} in the stream, after two chunks`);
  }
  const thrown = await error(events("{{stream-error-code 500 it broke}}"));
  is([thrown.name, thrown.message], ["500", "it broke"], "an unmodelled error in the stream");
  ok(await error(events("{{bad-crc}}{{words 5}}")), "a wrong checksum is an error");
  ok(await error(events("{{reset-after 100}}{{words 50}}")), "so is a reset");
  is((await error(invoke("{{status 503}}"))).$metadata.httpStatusCode, 503, "an empty body");
  ok(await error(invoke("{{html 502}}")), "an error page");
}

// Sets variables for the time of a call; every other AWS one is taken away.
async function within(variables, call) {
  const before = { ...process.env };
  Object.keys(process.env).filter((name) => name.startsWith("AWS_")).forEach((name) => {
    delete process.env[name];
  });
  Object.assign(process.env, {
    AWS_CONFIG_FILE: "/dev/null", AWS_SHARED_CREDENTIALS_FILE: "/dev/null", ...variables,
  });
  try {
    return await call();
  } finally {
    Object.keys(process.env).filter((name) => !(name in before)).forEach((name) => {
      delete process.env[name];
    });
    Object.assign(process.env, before);
  }
}

async function container() {
  const uri = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${ENDPOINT}/v2/credentials/web` };
  const task = "arn:aws:sts::123456789012:assumed-role/web/emulator-task";
  const chain = () => ({ credentials: providers.fromNodeProviderChain() });
  await reset();
  await within(uri, async () => {
    is(await arn(chain()), task, "a task's role signs");
    is(await say("hi you", { by: agent(chain()) }), "You said: hi you", "a chat too");
    await set({ container_lifetime: 3 });
    const by = sts(chain());
    for (let i = 0; i < 3; i++) {
      is((await by.send(new GetCallerIdentityCommand({}))).Arn, task, "a short-lived set signs");
    }
    ok((await control("GET", "state")).credentials.issued.container >= 4, "and is fetched anew");
    await set({ container_token: "Basic secret" });
    ok(await error(arn(chain())), "without its token there are no credentials");
  });
  await within({ ...uri, AWS_CONTAINER_AUTHORIZATION_TOKEN: "Basic secret" }, async () => {
    is(await arn(chain()), task, "with it there are");
  });
}

async function expired() {
  await reset();
  await set({ sts_lifetime: -60 });
  const { Credentials } = await sts().send(new AssumeRoleCommand({
    RoleArn: ROLE, RoleSessionName: "chat",
  }));
  const credentials = {
    accessKeyId: Credentials.AccessKeyId, secretAccessKey: Credentials.SecretAccessKey,
    sessionToken: Credentials.SessionToken,
  };
  const thrown = await error(invoke("x", { by: agent({ credentials }) }));
  is([thrown.name, thrown.$metadata.httpStatusCode], ["ExpiredTokenException", 403],
    "an expired set is refused");
  is((await error(arn({ credentials }))).name, "ExpiredToken", "by STS under its own name");
}

async function metadata() {
  await reset();
  await within({ AWS_EC2_METADATA_SERVICE_ENDPOINT: ENDPOINT }, async () => {
    const credentials = providers.fromInstanceMetadata({ maxRetries: 0 });
    is(await arn({ credentials }),
      "arn:aws:sts::123456789012:assumed-role/emulator-role/i-0123456789abcdef0",
      "an instance's role signs");
    is((await calls()).map((call) => call.operation),
      ["IMDSToken", "IMDSRole", "IMDSCredentials", "GetCallerIdentity"], "by a session token");
    await set({ imds_role: "" });
    ok(await error(providers.fromInstanceMetadata({ maxRetries: 0 })()), "not without a role");
  });
}

async function roles() {
  const clientConfig = { endpoint: ENDPOINT, region: "us-east-1" };
  const directory = mkdtempSync(join(tmpdir(), "emulator-js-"));
  const webIdentityTokenFile = join(directory, "token");
  const claims = { exp: Math.floor(Date.now() / 1000) + 3600, sub: "chat", aud: "a", iss: "i" };
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  writeFileSync(webIdentityTokenFile, `${encode({ alg: "none" })}.${encode(claims)}.sign`);
  await reset();
  await set({ sts_external_id: "outside" });
  is(await arn({ credentials: providers.fromTemporaryCredentials({
    masterCredentials: KEY, clientConfig,
    params: { RoleArn: ROLE, RoleSessionName: "by-role", ExternalId: "outside" },
  }) }), "arn:aws:sts::123456789012:assumed-role/chat/by-role", "a role is assumed");
  is(await arn({ credentials: providers.fromTokenFile({
    webIdentityTokenFile, roleArn: ROLE, roleSessionName: "by-token", clientConfig,
  }) }), "arn:aws:sts::123456789012:assumed-role/chat/by-token", "and by a token's file");
  rmSync(directory, { recursive: true });
}

async function clocks() {
  for (const offset of [3600, -3600]) {
    await reset();
    await set({ clock_offset: offset });
    const by = sts({ maxAttempts: 3 });
    await by.send(new GetCallerIdentityCommand({}));
    await by.send(new GetCallerIdentityCommand({}));
    is((await calls("GetCallerIdentity")).map((call) => call.signature),
      ["InvalidSignatureException", "ok", "ok"],
      `a clock off by ${offset} s is found out by one refusal`);
  }
  await reset();
}

async function retries() {
  await reset();
  await rule("InvokeAgent", "{{error throttling}}{{amz-retry-after 20}}", 2);
  is(await say("hi you", { by: agent({ maxAttempts: 3 }) }), "You said: hi you",
    "two refusals are survived");
  const attempts = await calls("InvokeAgent");
  is(attempts.map((call) => [call.status, call.headers["amz-sdk-request"]]),
    [[429, "attempt=1; max=3"], [429, "attempt=2; max=3"], [200, "attempt=3; max=3"]],
    "each attempt says its number");
  is(new Set(attempts.map((call) => call.headers["amz-sdk-invocation-id"])).size, 1,
    "in one invocation");
  is(attempts.map((call) => call.reused), [false, true, true], "on one connection");
}

runAll(streaming, exceptions, container, expired, metadata, roles, clocks, retries);
