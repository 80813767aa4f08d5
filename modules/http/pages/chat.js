'use strict';

const { chat, sessions, max } = document.documentElement.dataset;
const at = (id) => document.getElementById(id);
const [log, state, form, input, send, stop, count] = ['log', 'status', 'form', 'message', 'send', 'stop', 'count'].map(at);
const most = Number(max) || Infinity;

let control = null; // of the answer that is being waited for
let waitUntil = 0; // the server asked to wait until then

// What the browser may refuse to keep is kept for as long as the page lives.
function keeper(name, key) {
  let value = null;
  return {
    get() {
      try { return window[name].getItem(key); } catch { return value; }
    },
    set(text) {
      value = text;
      try {
        if (text) window[name].setItem(key, text);
        else window[name].removeItem(key);
      } catch { /* as above */ }
    },
  };
}

const session = keeper('sessionStorage', `chatbot-session ${new URL(chat || '.', location.href).pathname}`);
const theme = keeper('localStorage', 'chatbot-theme');

function say(text) {
  if (state.textContent !== text) state.textContent = text;
}

// ---- the conversation ----

function make(name, className, text) {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

// Text, and what stands between lines of ``` as code. Never HTML.
function write(place, text) {
  const pieces = text.split(/^```.*\n?/m);
  place.replaceChildren(...pieces.map((piece, i) => {
    if (i % 2 === 0) return document.createTextNode(pieces.length > 1 ? piece.trim() : piece);
    const code = make('pre', '', piece.replace(/\n$/, ''));
    code.tabIndex = 0;
    code.dir = 'ltr';
    return code;
  }));
}

function follow(change) {
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  change();
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without TLS browsers have no clipboard for pages but this.
    const area = make('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
    button.focus();
  }
  say('The answer is in the clipboard.');
}

// A message in the log; what it returns adds to it.
function add(role, text) {
  const message = make('article', `message ${role}`);
  const body = make('div', 'text');
  let whole = '';
  let frame = 0;
  const paint = () => {
    frame = 0;
    follow(() => write(body, whole));
  };
  body.dir = 'auto';
  message.append(make('h2', 'who', role === 'user' ? 'You' : 'Chatbot'), body);
  log.append(message);
  const handle = {
    append(more) {
      whole += more;
      frame = frame || requestAnimationFrame(paint);
    },
    wait() { message.classList.add('waiting'); },
    finish(final) {
      cancelAnimationFrame(frame);
      if (final !== undefined) whole = final;
      paint();
      message.classList.remove('waiting');
      if (role === 'user' || !whole) return;
      const button = make('button', 'copy', 'Copy');
      button.type = 'button';
      button.setAttribute('aria-label', 'Copy this answer');
      button.addEventListener('click', () => copy(whole, button));
      follow(() => message.append(button));
    },
    get isGone() { return !message.isConnected; },
    fail(why) { follow(() => message.append(make('p', 'error', why))); },
  };
  if (text !== undefined) handle.finish(text);
  log.scrollTop = log.scrollHeight;
  return handle;
}

// ---- the server's words ----

function seconds(total) {
  if (total < 100) return `${total} second${total === 1 ? '' : 's'}`;
  return `${Math.ceil(total / 60)} minutes`;
}

function failure(status, body, retryAfter) {
  const words = { 401: 'The server wants to know who you are: please sign in.', 403: 'You may not use this chat.',
    404: 'There is no chat at this address.' };
  const error = new Error((body && body.error) || words[status] || `The server answered with status ${status}.`);
  error.code = body && body.error_code;
  error.wait = Number(retryAfter) || 0;
  return error;
}

async function failureOf(response) {
  let body = null;
  try {
    body = await response.json();
  } catch { /* not ours: its status has to do */ }
  const error = failure(response.status, body, response.headers.get('Retry-After'));
  if (body && Array.isArray(body.detail)) error.message += ` (${body.detail.map((one) => one.msg).join('; ')})`;
  return error;
}

// Events of a stream: one at a time, [name, data].
async function* eventsOf(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    const blocks = (rest + piece.value).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const lines = block.split('\n');
      const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5)).join('\n');
      const name = lines.find((line) => line.startsWith('event:'));
      if (data) yield [name ? name.slice(6).trim() : 'message', JSON.parse(data)];
    }
  }
}

function tellQuota(headers) {
  const [, left, after] = /;r=(\d+);t=(\d+)/.exec(headers.get('RateLimit') || '') || [];
  return left <= 5 ? ` ${left} more can be sent now, another one in ${seconds(Number(after))}.` : '';
}

// Counts the seconds down that the server asks for.
function countDown() {
  const left = Math.ceil((waitUntil - Date.now()) / 1000);
  send.setAttribute('aria-disabled', String(left > 0));
  if (left <= 0) {
    say('You can send again.');
    return;
  }
  // Each second for the eye; a screen reader hears the first and the last.
  state.setAttribute('aria-live', state.textContent.startsWith('Please wait') ? 'off' : 'polite');
  say(`Please wait ${seconds(left)} before you send again.`);
  setTimeout(() => {
    if (left === 1) state.setAttribute('aria-live', 'polite');
    countDown();
  }, 1000);
}

// ---- a turn ----

async function receive(response, answer) {
  if (!(response.headers.get('Content-Type') || '').startsWith('text/event-stream')) {
    const whole = await response.json();
    session.set(whole.session_id);
    answer.finish(whole.response);
    return response.headers.get('X-Chatbot-Session') === 'unsaved';
  }
  for await (const [name, data] of eventsOf(response.body)) {
    if (name === 'session') session.set(data.session_id);
    else if (name === 'delta') answer.append(data.text);
    else if (name === 'error') throw failure(0, data, 0);
    else if (name === 'done') {
      answer.finish(data.response);
      return data.session === 'unsaved';
    }
  }
  throw new Error('The answer was cut off.');
}

async function ask(message, answer, signal) {
  const response = await fetch(chat, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream, application/json' },
    body: JSON.stringify({ message, session_id: session.get(), stream: true }),
    signal,
  });
  if (!response.ok) throw await failureOf(response);
  const unsaved = await receive(response, answer);
  say((unsaved ? 'The answer is there, but the conversation could not be saved.' : 'The answer is there.')
    + tellQuota(response.headers));
}

function explain(error, answer) {
  if (answer.isGone) return;
  answer.finish();
  if (error.name === 'AbortError') {
    answer.fail('Stopped.');
    say('Stopped.');
    return;
  }
  answer.fail(error instanceof TypeError ? 'The server could not be reached, or the connection broke.' : error.message);
  say('There is no whole answer.');
  if (error.wait > 0) {
    waitUntil = Date.now() + 1000 * error.wait;
    countDown();
  }
}

function setBusy(isBusy) {
  log.setAttribute('aria-busy', String(isBusy));
  stop.hidden = !isBusy;
  send.setAttribute('aria-disabled', String(isBusy || waitUntil > Date.now()));
}

function leave() {
  control = null;
  setBusy(false);
}

async function turn(message) {
  const mine = new AbortController();
  control = mine;
  add('user', message);
  const answer = add('assistant');
  answer.wait();
  setBusy(true);
  say('The chatbot is answering …');
  try {
    await ask(message, answer, mine.signal);
  } catch (error) {
    explain(error, answer);
    if (!input.value && !mine.signal.aborted) input.value = message;
  }
  if (control === mine) leave();
  countCharacters();
}

// ---- sessions ----

const sessionUrl = () => `${sessions}/${encodeURIComponent(session.get())}`;

async function restore() {
  if (!session.get()) return;
  if (!sessions) {
    say('The conversation goes on; what was said before is not shown here.');
    return;
  }
  try {
    const response = await fetch(sessionUrl());
    if (response.ok) {
      for (const { role, text } of (await response.json()).history) add(role, text);
    } else if (response.status === 404 || response.status === 403) {
      session.set('');
    } else {
      throw await failureOf(response);
    }
  } catch (error) {
    say(`What was said before cannot be shown: ${error.message}`);
  }
}

// The server may still be busy with the turn that was left.
async function remove(url, tries) {
  const response = await fetch(url, { method: 'DELETE' });
  if (response.status === 409 && tries > 1) {
    await new Promise((resolve) => { setTimeout(resolve, 500); });
    await remove(url, tries - 1);
  } else if (!response.ok && response.status !== 404) {
    throw await failureOf(response);
  }
}

async function begin() {
  const old = session.get() && sessions ? sessionUrl() : '';
  if (control) control.abort();
  leave();
  session.set('');
  log.replaceChildren();
  say('A new chat.');
  input.focus();
  if (!old) return;
  try {
    await remove(old, 4);
  } catch (error) {
    say(`A new chat. The old one could not be deleted: ${error.message}`);
  }
}

// ---- the page ----

function countCharacters() {
  const length = [...input.value].length;
  count.textContent = length > 0.8 * most ? `${length} of ${most} characters` : '';
  count.className = length > most ? 'bad' : '';
  return length;
}

function submit() {
  const length = countCharacters();
  if (control || waitUntil > Date.now() || !input.value.trim()) return;
  if (length > most) {
    say(`The message is too long: ${length} characters, ${most} are allowed.`);
    return;
  }
  const message = input.value;
  input.value = '';
  turn(message);
  input.focus();
}

function paint() {
  const isDark = (theme.get() || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
  at('theme').setAttribute('aria-pressed', String(isDark));
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  submit();
});
input.addEventListener('input', countCharacters);
input.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    submit();
  }
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && control) control.abort();
});
stop.addEventListener('click', () => {
  if (control) control.abort();
  input.focus();
});
at('new').addEventListener('click', begin);
at('theme').addEventListener('click', () => {
  theme.set(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');
  paint();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);

paint();
if (chat) {
  restore().then(() => input.focus());
} else {
  say('This server has no location with SetHandler chatbot.');
  input.disabled = true;
  send.disabled = true;
}
