// Drives the pages in Chromium and prints TAP: node browser.cjs FOLDER-OF-PACKAGES URL URL-OF-A-LIMITED-SERVER. With
// SCREENSHOTS=FOLDER it leaves pictures there.
"use strict";

const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");
const { join } = require("node:path");

const [folder, base, limitedBase] = process.argv.slice(2);
const from = createRequire(join(folder, "package.json"));
const { chromium } = from("playwright-core");
const axe = readFileSync(from.resolve("axe-core/axe.min.js"), "utf8");
const PATIENCE = 15000;

let run = 0;
let failed = 0;

function ok(truth, what, ...more) {
  run++;
  failed += truth ? 0 : 1;
  console.log(`${truth ? "ok" : "not ok"} ${run} - ${what}`);
  if (!truth) more.forEach((one) => console.log(`#   ${typeof one === "string" ? one : JSON.stringify(one)}`));
}

const is = (got, expected, what) =>
  ok(JSON.stringify(got) === JSON.stringify(expected), what, `got: ${JSON.stringify(got)}`, `expected: ${JSON.stringify(expected)}`);

// Waits for something to become true in the page.
async function until(page, what, condition, argument) {
  try {
    await page.waitForFunction(condition, argument, { timeout: PATIENCE });
    ok(true, what);
  } catch {
    ok(false, what, await page.evaluate(() => document.body.innerText.slice(0, 600)));
  }
}

// A page in a browser of its own, and what went wrong there: errors, refusals of the policy, other hosts.
async function open(browser, address, options = {}) {
  const { prepare, ...contextOptions } = options;
  const context = await browser.newContext({ viewport: { width: 1000, height: 700 }, ...contextOptions });
  const page = await context.newPage();
  const wrong = [];
  if (prepare) await prepare(page);
  page.setDefaultTimeout(PATIENCE);
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // The browser's own line on a status that the test asked for.
    if (["error", "warning"].includes(message.type()) && !message.text().startsWith("Failed to load resource")) {
      wrong.push(`console: ${message.text()}`);
    }
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.origin !== new URL(address).origin) wrong.push(`another host: ${url.href}`);
  });
  await page.addInitScript(() => document.addEventListener("securitypolicyviolation",
    (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)));
  await page.goto(address);
  return { page, wrong, close: () => context.close() };
}

async function endsClean(opened, what) {
  is(opened.wrong, [], `${what}: no error, nothing refused, no other host`);
  await opened.close();
}

async function accessible(page, what) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  const bad = violations.filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(" ")}`);
  is(bad, [], `${what}: axe finds nothing serious`);
}

const overflows = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

async function picture(page, name) {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`) });
}

const last = ".assistant:last-child";
const sendText = async (page, text) => {
  await page.fill("#message", text);
  await page.click("#send");
};
const answered = (page, what) =>
  until(page, what, (selector) => document.querySelector(`${selector} .copy`), last);

// ---- the chat page ----

async function chatting(browser) {
  const opened = await open(browser, `${base}/`, { permissions: ["clipboard-read", "clipboard-write"] });
  const { page } = opened;

  is(await page.evaluate(() => document.activeElement.id), "message", "the cursor is where one writes");
  await accessible(page, "the empty chat");
  await sendText(page, "{{chunk-delay 150}}{{words 12}}");
  await page.waitForFunction((selector) => document.querySelector(`${selector} .text`).textContent.length > 0, last);
  const early = (await page.textContent(`${last} .text`)).length;
  is(await page.getAttribute("#log", "aria-busy"), "true", "busy while it comes");
  ok(await page.isVisible("#stop"), "and it can be stopped");
  await answered(page, "the answer ends");
  ok((await page.textContent(`${last} .text`)).length > early, "it came piece by piece");
  is(await page.getAttribute("#log", "aria-busy"), "false", "no longer busy");

  await page.click(`${last} .copy`);
  await until(page, "the copy is told of", () => document.getElementById("status").textContent.includes("clipboard"));
  is(await page.evaluate(() => navigator.clipboard.readText()), await page.textContent(`${last} .text`), "it is the answer");

  const html = "<img src=x onerror=alert(1)><b>bold</b>";
  await sendText(page, `{{echo}}${html}\n\`\`\`js\nlet x = "<i>";\n\`\`\`\nend`);
  await answered(page, "HTML and code");
  ok((await page.textContent(".user:nth-last-child(2) .text")).includes(html), "are shown as they are");
  is(await page.evaluate(() => document.querySelectorAll("#log img, #log b, #log i").length), 0, "and are no HTML");
  is(await page.textContent(".user:nth-last-child(2) pre"), 'let x = "<i>";', "code stands apart");

  await sendText(page, "{{chunk-delay 300}}{{words 60}}");
  await page.waitForFunction((selector) => document.querySelector(`${selector} .text`).textContent.length > 0, last);
  await page.click("#stop");
  await until(page, "an answer is stopped", (selector) => document.querySelector(`${selector} .error`)?.textContent === "Stopped.", last);
  ok(!(await page.isVisible("#stop")), "then there is nothing to stop");

  await sendText(page, "{{error AccessDenied}}");
  await until(page, "an error is told in words", (selector) => document.querySelector(`${selector} .error`)?.textContent.includes("operator"), last);
  is(await page.inputValue("#message"), "{{error AccessDenied}}", "and the message can be sent again");
  await sendText(page, "{{stream-error throttling 2}}{{words 9}}");
  await until(page, "an error behind text too", (selector) => document.querySelector(`${selector} .error`)?.textContent.includes("asked too often")
    && document.querySelector(`${selector} .text`).textContent.length > 0, last);
  await page.fill("#message", "");
  await accessible(page, "the chat");
  await endsClean(opened, "chatting");
}

async function sessions(browser) {
  const opened = await open(browser, `${base}/`);
  const { page } = opened;
  const texts = () => page.$$eval(".text", (all) => all.map((one) => one.textContent));

  await sendText(page, "My name is Ada");
  await answered(page, "a first answer");
  await sendText(page, "What is my name?");
  await page.waitForFunction(() => document.querySelectorAll(".copy").length === 2);
  const before = await texts();
  await page.reload();
  await until(page, "a reload brings the messages back", (count) => document.querySelectorAll(".text").length === count, before.length);
  is(await texts(), before, "as they were");
  const removed = page.waitForResponse((response) => response.request().method() === "DELETE");
  await page.click("#new");
  is((await removed).status(), 204, "a new chat deletes the session");
  is((await texts()).length, 0, "and shows nothing of it");
  await page.reload();
  is((await texts()).length, 0, "nor after a reload");
  await endsClean(opened, "sessions");
}

async function keyboard(browser) {
  const opened = await open(browser, `${base}/`);
  const { page } = opened;
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.className);

  await page.keyboard.type("{{echo}}one");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("two");
  is(await page.inputValue("#message"), "{{echo}}one\ntwo", "Shift+Enter begins a line");
  await page.keyboard.press("Enter");
  await answered(page, "Enter sends");
  is(await focused(), "message", "the cursor stays");
  await page.keyboard.type("{{delay 20000}}x");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".waiting");
  await page.keyboard.press("Escape");
  await until(page, "Escape stops", (selector) => document.querySelector(`${selector} .error`)?.textContent === "Stopped.", last);
  await page.keyboard.press("Tab");
  is(await focused(), "send", "Tab goes on to Send");
  await page.focus("#theme");
  const order = [];
  for (let i = 0; i < 5; i++) {
    await page.keyboard.press("Tab");
    order.push(await focused());
  }
  is(order, ["new", "log", "copy", "message", "send"], "Tab goes through the page in its order");
  await page.focus("#new");
  await page.keyboard.press("Enter");
  await until(page, "a new chat by keyboard", () => document.getElementById("log").childElementCount === 0);
  is(await focused(), "message", "and the cursor is back");
  await endsClean(opened, "keyboard");
}

async function limit(browser) {
  const opened = await open(browser, `${limitedBase}/`);
  const { page } = opened;

  await sendText(page, "one");
  await answered(page, "one");
  await until(page, "what is left is told", () => document.getElementById("status").textContent.includes("1 more can be sent now"));
  await sendText(page, "two");
  await page.waitForFunction(() => document.querySelectorAll(".copy").length === 2);
  await sendText(page, "three");
  await until(page, "a limit is told in words", () => /^Please wait \d seconds?/.test(document.getElementById("status").textContent));
  is(await page.getAttribute("#send", "aria-disabled"), "true", "nothing can be sent meanwhile");
  is(await page.inputValue("#message"), "three", "the message waits too");
  await until(page, "until it can", () => document.getElementById("send").getAttribute("aria-disabled") === "false");
  await page.click("#send");
  await page.waitForFunction(() => document.querySelectorAll(".copy").length === 3);
  ok(true, "then it is sent");
  await endsClean(opened, "limit");
}

async function looks(browser) {
  const light = await open(browser, `${base}/`, { colorScheme: "light", viewport: { width: 900, height: 640 } });
  const colour = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

  is(await colour(light.page), "rgb(255, 255, 255)", "light, as the system is");
  await sendText(light.page, "Hello, what can you do for me?");
  await answered(light.page, "an answer");
  await picture(light.page, "chat-light");
  await light.page.click("#theme");
  const dark = await colour(light.page);
  ok(dark !== "rgb(255, 255, 255)", "dark, by the switch");
  is(await light.page.getAttribute("#theme", "aria-pressed"), "true", "which says so");
  await light.page.reload();
  is(await colour(light.page), dark, "also after a reload");
  await endsClean(light, "light");

  const narrow = await open(browser, `${base}/`, { colorScheme: "dark", viewport: { width: 320, height: 640 }, hasTouch: true,
    isMobile: true, deviceScaleFactor: 1 });
  is(await colour(narrow.page), dark, "dark, as the system is");
  await sendText(narrow.page, `{{echo}}${"long".repeat(60)} and ${"مرحبا بالعالم ".repeat(6)}\n\`\`\`\n${"code ".repeat(40)}\n\`\`\``);
  await answered(narrow.page, "an answer on a phone");
  is(await overflows(narrow.page), 0, "nothing sticks out at 320 pixels");
  await accessible(narrow.page, "dark");
  await narrow.page.click("#new");
  await sendText(narrow.page, "Hello, what can you do for me?");
  await answered(narrow.page, "another one");
  await picture(narrow.page, "chat-dark-narrow");
  await endsClean(narrow, "narrow");
}

async function still(browser) {
  const opened = await open(browser, `${base}/`, { reducedMotion: "reduce" });
  await sendText(opened.page, "{{delay 3000}}x");
  await opened.page.waitForSelector(".waiting");
  is(await opened.page.evaluate(() => document.getAnimations().length), 0, "nothing moves where that is not wanted");
  await opened.page.keyboard.press("Escape");
  await endsClean(opened, "still");
}

// ---- the page of the API ----

async function docs(browser) {
  const opened = await open(browser, `${base}/docs`);
  const { page } = opened;
  const document_ = await (await fetch(`${base}/openapi.json`)).json();
  const operations = Object.values(document_.paths).flatMap(Object.keys).length;

  await page.waitForSelector("#operation-1");
  is(await page.$$eval("main > details[id]", (all) => all.length), operations, "every operation is there");
  const chat = page.locator("main > details", { has: page.locator(".path", { hasText: /^\/chat$/ }) });
  await chat.locator("summary").first().click();
  ok((await chat.textContent()).includes("rate_limited"), "with its errors");
  ok((await chat.textContent()).includes("≤ 4000 characters"), "and its limits");
  await accessible(page, "the page of the API");
  await picture(page, "docs");
  await chat.locator("textarea").fill(JSON.stringify({ message: "{{chunk-delay 150}}{{words 8}}", stream: true }));
  await chat.locator("button[type=submit]").click();
  const answer = chat.locator("pre[aria-label=Answer]");
  await page.waitForFunction(() => /event: delta/.test(document.querySelector("pre[aria-label=Answer]:not([hidden])")?.textContent));
  ok(!(await answer.textContent()).includes("event: done"), "a stream is shown as it comes");
  await page.waitForFunction(() => /event: done/.test(document.querySelector("pre[aria-label=Answer]:not([hidden])").textContent));
  ok((await answer.textContent()).startsWith("200"), "with its status");
  await chat.locator("textarea").fill("{}");
  await chat.locator("button[type=submit]").click();
  await page.waitForFunction(() => /"validation_error"/.test(document.querySelector("pre[aria-label=Answer]:not([hidden])").textContent));
  ok((await answer.textContent()).startsWith("422"), "an error too");
  await page.setViewportSize({ width: 320, height: 640 });
  is(await overflows(page), 0, "nothing sticks out at 320 pixels");
  await endsClean(opened, "docs");

  const dark = await open(browser, `${base}/redoc`, { colorScheme: "dark" });
  await dark.page.waitForSelector("#operation-1");
  await accessible(dark.page, "the same in the dark");
  await endsClean(dark, "redoc");
}

// ---- behind a proxy ----

// One that adds a prefix to all paths and takes it off again.
async function prefixed(browser) {
  const prepare = (page) => page.route(`${base}/bots/**`, async (route) =>
    route.fulfill({ response: await route.fetch({ url: route.request().url().replace("/bots/", "/") }) }));
  const stray = (opened) => opened.page.on("request", (request) => {
    if (!request.url().startsWith(`${base}/bots/`)) opened.wrong.push(`without the prefix: ${request.url()}`);
  });
  const chat = await open(browser, `${base}/bots/`, { prepare });
  stray(chat);
  await sendText(chat.page, "Hello");
  await answered(chat.page, "the chat page behind a prefix");
  await chat.page.click("#new");
  await until(chat.page, "its sessions", () => document.getElementById("status").textContent === "A new chat.");
  await chat.page.unrouteAll({ behavior: "wait" }); // the old session's end may be on its way
  await endsClean(chat, "the chat page behind a prefix");

  const docs_ = await open(browser, `${base}/bots/docs`, { prepare });
  stray(docs_);
  const health = docs_.page.locator("main > details", { has: docs_.page.locator(".path", { hasText: /^\/health$/ }) });
  await health.locator("summary").first().click();
  await health.locator("button[type=submit]").click();
  await until(docs_.page, "a call from the page of the API", () => /"healthy"/.test(document.body.textContent));
  await docs_.page.unrouteAll({ behavior: "wait" });
  await endsClean(docs_, "the page of the API behind a prefix");
}

// ---- the document in others' tools ----

async function valid() {
  const { Validator } = await import(from.resolve("@seriousme/openapi-schema-validator"));
  const document_ = await (await fetch(`${base}/openapi.json`)).json();
  const result = await new Validator().validate(document_);
  ok(result.valid, "the document is valid OpenAPI", result.errors || "");
}

// A page that shows the document with somebody else's script, as people would write it.
async function shown(browser, script, html, ready) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(error.message));
  await page.route("**/theirs.js", (route) => route.fulfill({ path: script, contentType: "text/javascript; charset=utf-8" }));
  await page.route("**/theirs.html", (route) => route.fulfill({ body: html, contentType: "text/html; charset=utf-8" }));
  await page.goto(`${base}/theirs.html`);
  await until(page, "it is shown", ready);
  is(wrong, [], "without an error");
  return { page, close: () => context.close() };
}

async function swagger(browser) {
  const opened = await shown(browser, from.resolve("swagger-ui-dist/swagger-ui-bundle.js"),
    '<!doctype html><div id="ui"></div><script src="theirs.js"></script><script>SwaggerUIBundle({url:"openapi.json",dom_id:"#ui"})</script>',
    () => document.querySelectorAll(".opblock").length > 5);
  const { page } = opened;
  is(await page.$$eval(".errors-wrapper", (all) => all.length), 0, "Swagger UI has nothing to say against it");
  await page.locator(".opblock", { has: page.locator('[data-path="/chat"]') }).locator(".opblock-summary-control").click();
  await page.click(".try-out__btn");
  await page.locator(".opblock textarea").fill('{"message":"Hello"}');
  await page.click("button.execute");
  await until(page, "and can try a call", () => document.querySelector(".live-responses-table")?.textContent.includes('"processing_time_ms"'));
  await opened.close();
}

async function redoc(browser) {
  const opened = await shown(browser, from.resolve("redoc/bundles/redoc.standalone.js"),
    '<!doctype html><redoc spec-url="openapi.json"></redoc><script src="theirs.js"></script>',
    () => /Send a message, get the answer/.test(document.body.innerText) && document.querySelectorAll('[id^="operation/"], [data-section-id*="operation"]').length > 5);
  await opened.close();
}

// ----

(async () => {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
  for (const part of [chatting, sessions, keyboard, limit, looks, still, docs, prefixed, valid, swagger, redoc]) {
    console.log(`# ${part.name}`);
    await part(browser);
  }
  await browser.close();
  console.log(`1..${run}`);
  process.exit(failed > 0 ? 1 : 0);
})().catch((error) => {
  console.log(`not ok ${run + 1} - ${error.stack.replaceAll("\n", "\n#   ")}`);
  process.exit(1);
});
