// TAP, and the stand-in's own paths, for the scripts that drive it with a client in JavaScript: they
// are started as `node SCRIPT FOLDER-OF-PACKAGES http://127.0.0.1:PORT`.
"use strict";

const { createRequire } = require("node:module");

const [folder, ENDPOINT] = process.argv.slice(2);
let run = 0;
let failed = 0;

function ok(truth, what) {
  run++;
  failed += truth ? 0 : 1;
  console.log(`${truth ? "ok" : "not ok"} ${run} - ${what}`);
}

function is(got, expected, what) {
  const [left, right] = [JSON.stringify(got), JSON.stringify(expected)];
  ok(left === right, what);
  if (left !== right) {
    console.log(`#        got: ${left}\n#   expected: ${right}`);
  }
}

async function control(method, path, body) {
  const answer = await fetch(`${ENDPOINT}/_emulator/${path}`, { method, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) {
    throw new Error(`${method} ${path}: ${text}`);
  }
  return text ? JSON.parse(text) : null;
}

const reset = () => control("DELETE", "state");
const set = (switches) => control("PUT", "switches", switches);
const rule = (operation, commands, times) => control("PUT", "faults", { operation, commands, times });

async function calls(operation) {
  const { requests } = await control("GET", "requests?limit=1000");
  return requests.filter((call) => !operation || call.operation === operation);
}

// The error of a promise, or undefined.
const error = (promise) => promise.then(() => undefined, (thrown) => thrown);

// Runs the functions one after the other, and ends the program.
async function runAll(...parts) {
  for (const part of parts) {
    console.log(`# ${part.name}`);
    await part();
  }
  console.log(`1..${run}`);
  process.exit(failed > 0 ? 1 : 0);
}

module.exports = {
  ENDPOINT, from: createRequire(folder + "/"), ok, is, control, reset, set, rule, calls, error, runAll,
};
