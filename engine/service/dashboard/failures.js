// Documents that wait for a person: why, and another try.
import { request } from './api.js';
import { byId, button, confirmed, el, reconcile, setAttribute, setText } from './dom.js';
import { deleteDocument, retryDocument } from './documents.js';
import * as say from './format.js';
import { changes } from './key.js';
import { openDocument } from './links.js';
import { notice } from './notice.js';
import { onOverview } from './overview.js';

const limit = 100;
const everyMs = 10_000;

let failures = [];
let dead = null; // as the overview said
let loadedAtMs = 0;
let retrying = false;

const inSight = () => !byId('failures-view').hidden && !document.hidden;

function row(failure) {
  const label = say.visible(failure.name);
  const parts = {
    outcome: el('span', { class: 'chip', 'data-state': 'failed' }),
    message: el('p', { class: 'message' }),
    advice: el('p', { class: 'note' }),
    attempts: el('span', { class: 'note' }),
  };
  const settled =
    (call) =>
    async ({ currentTarget }) => {
      currentTarget.disabled = true;
      if (await call()) drop(failure.id);
      else currentTarget.disabled = false;
    };
  const node = el(
    'li',
    {},
    el(
      'p',
      { class: 'title' },
      el('span', { class: 'stranger name' }, label),
      parts.outcome,
      parts.attempts,
    ),
    parts.message,
    parts.advice,
    el(
      'div',
      { class: 'buttons' },
      button(
        'Retry',
        settled(() => retryDocument(failure.id)),
        { 'aria-label': `Retry ${label}` },
      ),
      button('Open file', () => openDocument(failure.id), { 'aria-label': `Open ${label}` }),
      button(
        'Delete',
        settled(() => deleteDocument(failure.id, failure.name)),
        { class: 'quiet danger-text', 'aria-label': `Delete ${label}` },
      ),
    ),
  );
  return { node, ...parts };
}

function show() {
  reconcile(
    byId('failed'),
    failures,
    ({ id }) => id,
    row,
    (parts, failure) => {
      setText(parts.outcome, say.outcomeName(failure.outcome));
      setText(parts.message, say.sentence(failure.message));
      parts.message.hidden = !failure.message;
      setText(parts.advice, say.advice(failure.outcome));
      setText(parts.attempts, `${say.plural(failure.attempts, 'attempt')} · ${failure.lane}`);
    },
  );
  byId('retry-all').hidden = failures.length < 2;
  byId('retry-all').disabled = retrying;
  if (retrying) return;
  const more = failures.length >= limit ? `the first ${limit} shown` : '';
  setText(
    byId('failed-note'),
    failures.length > 0 ? more || say.plural(failures.length, 'document') : '',
  );
}

function drop(id) {
  failures = failures.filter((failure) => failure.id !== id);
  show();
}

async function load() {
  loadedAtMs = Date.now();
  try {
    ({ failures } = await request('GET', 'v1/failures', { query: { limit } }));
    show();
  } catch (error) {
    if (error.status && error.status !== 401) setText(byId('failed-note'), error.message);
  }
}

// Each once, whatever comes of it: what fails again does not go round for ever.
async function retryAll() {
  if (
    !(await confirmed(
      'Retry all failures?',
      'Each document that waits here is tried once more.',
      'Retry all',
    ))
  )
    return;
  retrying = true;
  const tried = new Set();
  let taken = 0;
  for (;;) {
    const todo = failures.filter(({ id }) => !tried.has(id));
    if (todo.length === 0) break;
    for (const { id } of todo) {
      tried.add(id);
      setText(byId('failed-note'), `Retrying, ${say.count(tried.size)} so far`);
      byId('retry-all').disabled = true;
      if (await retryDocument(id)) {
        ++taken;
        drop(id);
      }
    }
    await load();
  }
  retrying = false;
  show();
  notice(`${say.plural(taken, 'document')} on the way again.`);
}

export function showFailures() {
  if (inSight()) load();
}

export function startFailures() {
  byId('retry-all').addEventListener('click', retryAll);
  onOverview(({ queue }) => {
    const changed = queue.dead !== dead;
    dead = queue.dead;
    if (inSight() && !retrying && (changed || Date.now() - loadedAtMs > everyMs)) load();
  });
  document.addEventListener('visibilitychange', showFailures);
  changes.addEventListener('change', showFailures);
}
