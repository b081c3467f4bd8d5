// The newest documents: a row each, which opens to its timeline and what can be done with it.
import { documentPath, request } from './api.js';
import { byId, button, confirmed, el, reconcile, setAttribute, setText } from './dom.js';
import { onDocumentEvent, onReopened, want } from './events.js';
import * as say from './format.js';
import { changes } from './key.js';
import { openDocument } from './links.js';
import { notice } from './notice.js';
import { onOverview, serviceNow } from './overview.js';
import { Timeline, totalMs } from './timeline.js';

const pageSize = 25;
const settleMs = 700; // many events make one request

let documents = [];
let next = null;
let older = false; // the person asked for more than the newest
let loading = null;
let planned = null;

const stateNames = {
  received: 'Received',
  queued: 'Queued',
  processing: 'In work',
  retrying: 'Retrying',
  done: 'Done',
  failed: 'Failed',
};

const inSight = () => !byId('documents-view').hidden && !document.hidden;

export async function deleteDocument(id, name) {
  const yes = await confirmed(
    'Delete this document?',
    `“${say.visible(name)}”, its text and its vectors are removed for good.`,
    'Delete',
  );
  if (!yes) return false;
  try {
    await request('DELETE', documentPath(id));
  } catch (error) {
    notice(`Could not delete it. ${error.message}`, true);
    return false;
  }
  documents = documents.filter((doc) => doc.id !== id);
  show();
  notice('Deleted.');
  return true;
}

// True if the service took it.
export async function retryDocument(id) {
  try {
    await request('POST', documentPath(id, '/retry'));
    refreshSoon();
    return true;
  } catch (error) {
    notice(`Could not retry it. ${error.message}`, true);
    return false;
  }
}

function row(doc) {
  const label = say.visible(doc.name);
  const parts = {
    name: el('span', { class: 'stranger name' }),
    state: el('span', { class: 'chip' }),
    facts: el('span', { class: 'facts note' }),
    age: el('span', { class: 'age note' }),
    message: el('p', { class: 'trouble' }),
    timeline: new Timeline(),
    details: el('dl', { class: 'details' }),
    retry: button('Retry', () => retryDocument(doc.id), { 'aria-label': `Retry ${label}` }),
  };
  const body = el(
    'div',
    { class: 'body', id: `document-${doc.id}`, hidden: true },
    parts.message,
    parts.timeline.node,
    parts.details,
    el(
      'div',
      { class: 'buttons' },
      button('Open file', () => openDocument(doc.id), { 'aria-label': `Open ${label}` }),
      parts.retry,
      button('Delete', () => deleteDocument(doc.id, doc.name), {
        class: 'quiet danger-text',
        'aria-label': `Delete ${label}`,
      }),
    ),
  );
  const head = el(
    'button',
    {
      type: 'button',
      class: 'head',
      'aria-expanded': 'false',
      'aria-controls': body.id,
      on: {
        click: () => {
          body.hidden = !body.hidden;
          head.setAttribute('aria-expanded', String(!body.hidden));
        },
      },
    },
    parts.name,
    parts.state,
    parts.facts,
    parts.age,
  );
  return { node: el('li', {}, head, body), ...parts };
}

function update(parts, doc) {
  const failed = doc.state === 'failed';
  setText(parts.name, say.visible(doc.name));
  setText(
    parts.state,
    doc.outcome ? say.outcomeName(doc.outcome) : (stateNames[doc.state] ?? doc.state),
  );
  setAttribute(parts.state, 'data-state', doc.outcome === 'no_text' ? 'no_text' : doc.state);
  const took = totalMs(doc.timeline);
  setText(
    parts.facts,
    [
      say.bytes(doc.bytes),
      doc.pages > 0 ? say.plural(doc.pages, 'page') : '',
      took !== null ? `took ${say.duration(took)}` : '',
    ]
      .filter(Boolean)
      .join(' · '),
  );
  setText(parts.age, say.ago(serviceNow() - Date.parse(doc.timeline.received)));
  const message = [say.sentence(doc.message), say.advice(doc.outcome)].filter(Boolean).join(' ');
  parts.message.hidden = message === '';
  setText(parts.message, message);
  parts.retry.hidden = !failed;
  parts.timeline.show(doc.timeline);
  const facts = [
    ['Lane', doc.lane],
    ['Region', doc.region],
    ['Type', doc.media_type],
    ['Chunks', doc.chunks > 0 ? say.count(doc.chunks) : ''],
    ['Tokens', doc.tokens > 0 ? say.count(doc.tokens) : ''],
    ['Attempts', doc.attempts > 1 ? say.count(doc.attempts) : ''],
    ['Id', doc.id],
    ...Object.entries(doc.metadata ?? {}).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  ].filter(([, value]) => value);
  reconcile(
    parts.details,
    facts,
    ([name]) => name,
    ([name]) => {
      const value = el('dd', { class: 'stranger' });
      return {
        node: el('div', {}, el('dt', { class: 'stranger' }, say.visible(name)), value),
        value,
      };
    },
    (fact, [, value]) => setText(fact.value, say.visible(value)),
  );
}

function show() {
  reconcile(byId('newest'), documents, ({ id }) => id, row, update);
  byId('newest-more').hidden = next === null;
  setText(byId('newest-note'), documents.length > 0 ? `${say.count(documents.length)} shown` : '');
}

async function load(cursor) {
  try {
    return await request('GET', 'v1/documents', { query: { limit: pageSize, cursor } });
  } catch (error) {
    // The banner tells of a lost connection already.
    if (error.status && error.status !== 401)
      notice(`Could not list documents. ${error.message}`, true);
    return null;
  }
}

// The first page anew; what was loaded after it stays, except where the first page now reaches.
async function refresh() {
  const page = await load(null);
  if (page === null) return;
  const fresh = new Set(page.documents.map(({ id }) => id));
  const oldest = page.documents.at(-1)?.timeline.received ?? '';
  const kept =
    older && page.next !== null
      ? documents.filter(({ id, timeline }) => !fresh.has(id) && timeline.received <= oldest)
      : [];
  documents = [...page.documents, ...kept];
  if (kept.length === 0) next = page.next;
  show();
}

export function refreshSoon() {
  if (planned !== null || !inSight()) return;
  planned = setTimeout(async () => {
    loading ??= refresh().finally(() => (loading = null));
    await loading;
    planned = null;
  }, settleMs);
}

async function showOlder() {
  byId('newest-more').disabled = true;
  const page = await load(next);
  byId('newest-more').disabled = false;
  if (page === null) return;
  const known = new Set(documents.map(({ id }) => id));
  documents = [...documents, ...page.documents.filter(({ id }) => !known.has(id))];
  next = page.next;
  older = true;
  show();
}

export function showDocuments() {
  want('documents', inSight());
  if (inSight()) refresh();
}

export function startDocuments() {
  byId('newest-more').addEventListener('click', showOlder);
  onDocumentEvent(refreshSoon);
  onReopened(refreshSoon);
  onOverview(() => inSight() && show()); // the ages
  document.addEventListener('visibilitychange', showDocuments);
  changes.addEventListener('change', showDocuments);
}
