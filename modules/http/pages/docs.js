'use strict';

const METHODS = ['get', 'post', 'delete'];
const address = document.documentElement.dataset.openapi;
const main = document.getElementById('operations');
let api = {};

// An element with attributes and children; texts are texts, never HTML.
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// `code` between backticks, an empty line between paragraphs.
function prose(text) {
  return (text || '').split('\n\n').map((part) =>
    make('p', null, ...part.split('`').map((piece, i) => (i % 2 ? make('code', null, piece) : piece))));
}

function resolve(value) {
  while (value && value.$ref) {
    value = value.$ref.replace(/^#\//, '').split('/').reduce((at, name) => at && at[name], api);
  }
  return value || {};
}

const nameOf = (value) => (value && value.$ref ? value.$ref.split('/').pop() : '');

// ---- schemas ----

function typeOf(schema) {
  const plain = resolve(schema);
  if (nameOf(schema)) return nameOf(schema);
  if (plain.const !== undefined) return JSON.stringify(plain.const);
  if (plain.enum) return plain.enum.map((value) => JSON.stringify(value)).join(' | ');
  const either = plain.anyOf || plain.oneOf;
  if (either) return either.map(typeOf).join(' | ');
  if (plain.type === 'array' || (plain.items && !plain.type)) return `array of ${typeOf(plain.items)}`;
  return [].concat(plain.type || 'any').join(' | ') + (plain.items ? ` of ${typeOf(plain.items)}` : '');
}

const LIMITS = [['minLength', '≥ %s characters'], ['maxLength', '≤ %s characters'], ['minimum', '≥ %s'], ['maximum', '≤ %s'],
  ['minItems', '≥ %s items'], ['maxItems', '≤ %s items'], ['pattern', '%s'], ['format', '%s'], ['default', 'default %s'],
  ['contentEncoding', '%s']];

function limitsOf(schema) {
  const all = [schema, ...(schema.anyOf || [])].map(resolve);
  return LIMITS.flatMap(([name, text]) => all.filter((one) => one[name] !== undefined)
    .map((one) => text.replace('%s', () => one[name]))).join(', ');
}

// The members of a schema, and below them those of the schemas they name.
function members(schema, above) {
  const plain = resolve(schema);
  const seen = [...above, nameOf(schema)];
  const below = [plain.items, ...(plain.anyOf || []), ...(plain.oneOf || [])].filter(Boolean);
  if (!plain.properties) {
    return below.filter((one) => !seen.includes(nameOf(one))).map((one) => members(one, seen)).find(Boolean) || null;
  }
  const list = make('dl');
  for (const [name, member] of Object.entries(plain.properties)) {
    const said = resolve(member);
    const needed = (plain.required || []).includes(name) ? ' required' : '';
    list.append(make('dt', { class: 'schema' }, name, ' ', make('span', { class: 'type' }, typeOf(member) + needed)));
    const limits = limitsOf(said);
    list.append(make('dd', null, limits ? make('span', { class: 'dim' }, limits) : null, ...prose(said.description),
      seen.includes(nameOf(member)) ? null : members(member, seen)));
  }
  return list;
}

function contentOf(content) {
  return Object.entries(content || {}).flatMap(([type, media]) => {
    const parts = [make('p', null, make('code', null, type), ' ', make('span', { class: 'type' }, typeOf(media.schema))),
      members(media.schema, [])];
    for (const [event, schema] of Object.entries(media['x-events'] || {})) {
      parts.push(make('details', null, make('summary', null, 'event ', make('code', null, event), ' ', typeOf(schema)),
        members(schema, [])));
    }
    if (media.example) parts.push(make('pre', { tabindex: '0', 'aria-label': 'Example' }, media.example));
    return parts;
  });
}

function responseOf(status, response) {
  const said = resolve(response);
  const headers = Object.entries(said.headers || {});
  return make('details', null,
    make('summary', null, make('strong', { class: status < '400' ? 'good' : 'bad' }, status), ' ',
      (said.description || '').split('\n\n')[0].replaceAll('`', '')),
    ...prose(said.description), ...contentOf(said.content),
    headers.length ? make('dl', null, ...headers.flatMap(([name, header]) =>
      [make('dt', { class: 'schema' }, name), make('dd', null, resolve(header).description || '')])) : null);
}

// ---- trying ----

// A small value that the schema takes.
function sample(schema) {
  const plain = resolve(schema);
  if (plain.const !== undefined) return plain.const;
  if (plain.examples) return plain.examples[0];
  if (plain.default !== undefined) return plain.default;
  if (plain.enum) return plain.enum.includes('user') ? 'user' : plain.enum[0];
  if (plain.anyOf || plain.oneOf) return sample((plain.anyOf || plain.oneOf)[0]);
  const type = [].concat(plain.type)[0];
  if (type === 'object') {
    return Object.fromEntries((plain.required || []).map((name) => [name, sample(plain.properties[name])]));
  }
  if (type === 'array') return [sample(plain.items)];
  return { string: 'Hello', integer: 1, number: 1, boolean: false }[type] ?? null;
}

function bodySample(schema) {
  const plain = resolve(schema);
  const value = sample(schema);
  if (plain.properties && plain.properties.messages) value.messages = [{ role: 'user', content: 'Hello' }];
  if (plain.properties && plain.properties.stream) value.stream = sample(plain.properties.stream);
  return JSON.stringify(value, null, 2);
}

function field(id, parameter) {
  const input = make('input', { type: 'text', id, autocomplete: 'off', spellcheck: 'false' });
  const text = `${parameter.name} (${parameter.in}${parameter.required ? ', required' : ''})`;
  return [make('label', { for: id }, text), input];
}

// Writes what comes as it comes.
async function show(output, response) {
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
  const whole = (response.headers.get('content-type') || '').startsWith('application/json');
  output.textContent = `${response.status} ${response.statusText}\n${headers}\n\n`;
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    text += piece.value;
    if (!whole) output.append(piece.value);
  }
  if (!whole) return;
  try {
    text = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // it is shown as it is
  }
  output.append(text);
}

function tryOut(path, method, operation, id) {
  const parameters = (operation.parameters || []).map(resolve);
  const content = resolve(operation.requestBody).content;
  const fields = parameters.map((parameter, i) => field(`${id}-${i}`, parameter));
  const body = content ? make('textarea', { id: `${id}-body`, spellcheck: 'false' }) : null;
  const send = make('button', { type: 'submit' }, 'Send');
  const stop = make('button', { type: 'button', disabled: '' }, 'Stop');
  const state = make('p', { role: 'status' });
  const output = make('pre', { tabindex: '0', 'aria-label': 'Answer', hidden: '' });
  const form = make('form', null, ...fields.flat(), body ? make('label', { for: body.id }, 'Body') : null, body, send, stop,
    state, output);
  let control = null;

  if (body) body.value = bodySample(content['application/json'].schema);

  function request() {
    const query = new URLSearchParams();
    const headers = {};
    let filled = path;
    parameters.forEach((parameter, i) => {
      const value = fields[i][1].value;
      if (parameter.in === 'path') filled = filled.replace(`{${parameter.name}}`, encodeURIComponent(value));
      else if (value && parameter.in === 'query') query.set(parameter.name, value);
      else if (value && parameter.in === 'header') headers[parameter.name] = value;
    });
    if (body) headers['Content-Type'] = 'application/json';
    const root = new URL(api['x-root'], new URL(address, location.href));
    const target = root.href.replace(/\/$/, '') + filled + (query.size ? `?${query}` : '');
    return [target, { method: method.toUpperCase(), headers, body: body ? body.value : undefined, signal: control.signal }];
  }

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (control) return;
    control = new AbortController();
    send.disabled = true;
    stop.disabled = false;
    output.hidden = false;
    output.textContent = '';
    state.textContent = 'Waiting for the answer …';
    try {
      await show(output, await fetch(...request()));
      state.textContent = 'That is the answer.';
    } catch (error) {
      state.textContent = error.name === 'AbortError' ? 'Stopped.' : `The server could not be reached: ${error.message}`;
    }
    control = null;
    send.disabled = false;
    stop.disabled = true;
  });
  stop.addEventListener('click', () => control && control.abort());
  return form;
}

// ---- the page ----

function operationOf(path, method, operation, id) {
  const body = resolve(operation.requestBody).content;
  const limits = operation['x-limits'];
  const security = (operation.security || []).flatMap(Object.keys).join(', ');
  const details = make('details', { id },
    make('summary', null, make('span', { class: 'method' }, method.toUpperCase()), ' ', make('span', { class: 'path' }, path),
      ' ', make('span', { class: 'dim' }, operation.summary || '')),
    ...prose(operation.description),
    security ? make('p', null, `The server asks who you are: ${security}.`) : null,
    limits ? make('dl', { class: 'limits' }, ...Object.entries(limits).flatMap(([name, value]) =>
      [make('dt', { class: 'schema' }, name.replaceAll('_', ' ')),
        make('dd', null, value && typeof value === 'object' ? `${value.requests} in ${value.window_seconds} s` : String(value ?? 'none'))])) : null,
    body ? make('h3', null, 'Request') : null, ...contentOf(body),
    make('h3', null, 'Answers'), ...Object.entries(operation.responses).map(([status, one]) => responseOf(status, one)),
    make('h3', null, 'Try it'), tryOut(path, method, operation, id));
  return details;
}

function codesOf() {
  const codes = resolve({ $ref: '#/components/schemas/ErrorResponse' })['x-error-codes'] || {};
  return make('details', null, make('summary', null, 'All error codes'),
    make('dl', null, ...Object.entries(codes).flatMap(([code, error]) => [
      make('dt', { class: 'schema' }, `${error.status} ${code}`),
      make('dd', null, error.text, error.retry_after_seconds ? ` (Retry-After: ${error.retry_after_seconds})` : '')])));
}

function render() {
  const groups = new Map();
  let count = 0;
  document.getElementById('about').append(`${api.info.title} ${api.info.version} · `, make('a', { href: address }, 'OpenAPI'));
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const tag = (item[method].tags || ['other'])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operationOf(path, method, item[method], `operation-${++count}`));
    }
  }
  main.replaceChildren(...prose(api.info.description),
    ...[...groups].flatMap(([tag, operations]) => [make('h2', null, tag), ...operations]),
    make('h2', null, 'errors'), codesOf());
  for (const one of api['x-untold-locations'] || []) {
    main.append(make('p', { class: 'dim' }, `${one.handler} at ${one.pattern}: ${one.why}`));
  }
}

async function start() {
  try {
    if (!address) throw new Error('this server has no location with SetHandler chatbot-openapi');
    const response = await fetch(address);
    if (!response.ok) throw new Error(`${address} answered ${response.status}`);
    api = await response.json();
    render();
  } catch (error) {
    main.replaceChildren(make('p', { role: 'alert', class: 'bad' }, `The description could not be read: ${error.message}.`));
  }
  main.setAttribute('aria-busy', 'false');
}

start();
