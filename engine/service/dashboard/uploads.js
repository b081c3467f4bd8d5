// Uploads of many files: which goes next, how far each is, and what is tried again.
import { address, authorization, documentPath, problemOf, request } from './api.js';
import { byId } from './dom.js';
import { onDocumentEvent, onReopened, want } from './events.js';
import { isFailure } from './format.js';
import { currentKey, keyInstead } from './key.js';
import { UploadList } from './upload_list.js';
import { milestones } from './timeline.js';

// A browser opens six connections to a host: the events have one, and the overview needs one.
const atOnce = 4;
const lostTries = 6;
const silentMs = 10_000;

// An upload goes waiting -> sending -> accepted -> done, or ends as failed (by the pipeline) or
// refused (by the service); held is waiting, not before untilMs.
const uploads = new Set();
const byDocument = new Map();
const list = new UploadList({ again, clear });
let notBeforeMs = 0; // the service said 429: nobody asks before

function token() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) =>
    b.toString(16).padStart(2, '0'),
  ).join('');
}

export function upload(files) {
  const lane = document.querySelector('input[name=lane]:checked').value;
  for (const file of files) {
    uploads.add({
      file,
      name: file.name,
      size: file.size,
      lane,
      token: token(),
      state: 'waiting',
      sent: 0,
      tries: 0,
      untilMs: 0,
      error: '',
    });
  }
  next();
}

function again(item) {
  // A document that failed is retried as it is; what was refused is sent anew.
  if (item.state === 'failed') {
    Object.assign(item, {
      state: 'accepted',
      milestone: 'queued',
      startedMs: Date.now(),
      heardMs: Date.now(),
    });
    request('POST', documentPath(item.id, '/retry')).catch((error) => {
      item.state = 'failed';
      item.error = error.message;
      next();
    });
  } else {
    Object.assign(item, { state: 'waiting', sent: 0, tries: 0, error: '', token: token() });
  }
  next();
}

function clear() {
  for (const item of uploads) {
    if (!['done', 'failed', 'refused'].includes(item.state)) continue;
    uploads.delete(item);
    byDocument.delete(item.id);
  }
  next();
}

const inState = (...states) => [...uploads].filter(({ state }) => states.includes(state));

function next() {
  const now = Date.now();
  let sending = inState('sending').length;
  for (const item of inState('waiting', 'held')) {
    if (sending >= atOnce || now < notBeforeMs) break;
    if (item.untilMs > now) continue;
    send(item);
    ++sending;
  }
  want('uploads', inState('waiting', 'held', 'sending', 'accepted').length > 0);
  list.show(uploads, Math.max(0, notBeforeMs - now));
}

function hold(item, seconds, error) {
  Object.assign(item, { state: 'held', sent: 0, error, untilMs: Date.now() + seconds * 1000 });
  setTimeout(next, seconds * 1000 + 50);
}

function send(item) {
  Object.assign(item, { state: 'sending', sent: 0, error: '', startedMs: Date.now() });
  const used = currentKey();
  const sending = new XMLHttpRequest(); // fetch tells nothing of how far it is
  sending.open('POST', address('v1/documents', { name: item.name, lane: item.lane }));
  sending.setRequestHeader('Content-Type', item.file.type || 'application/octet-stream');
  // A request whose answer was lost is made again without making another document.
  sending.setRequestHeader('Idempotency-Key', item.token);
  for (const [name, value] of Object.entries(authorization()))
    sending.setRequestHeader(name, value);
  sending.upload.addEventListener('progress', ({ loaded }) => {
    item.sent = loaded;
    list.showSoon();
  });
  sending.addEventListener('loadend', async () => {
    await settle(item, used, sending);
    next();
  });
  sending.send(item.file);
}

async function settle(item, used, sent) {
  if (sent.status >= 200 && sent.status < 300) {
    try {
      accept(item, JSON.parse(sent.responseText));
    } catch {
      refuse(item, 'The answer of the service makes no sense.');
    }
    return;
  }
  if (sent.status === 0) {
    ++item.tries;
    if (item.tries < lostTries) hold(item, Math.min(2 ** item.tries, 30), 'Connection lost');
    else refuse(item, 'The connection was lost again and again.');
    return;
  }
  const problem = problemOf(sent.status, sent.getResponseHeader('Retry-After'), sent.responseText);
  if (problem.status === 429 || problem.status === 503) {
    const seconds = problem.retryAfterS ?? 5;
    notBeforeMs = Math.max(notBeforeMs, Date.now() + seconds * 1000);
    hold(item, seconds, 'The service is busy');
  } else if (problem.status === 401 && (await keyInstead(used))) {
    item.state = 'waiting';
  } else {
    refuse(item, problem.message);
  }
}

function refuse(item, error) {
  Object.assign(item, { state: 'refused', error });
}

function accept(item, doc) {
  Object.assign(item, { state: 'accepted', id: doc.id, milestone: 'received', sent: item.size });
  item.file = null;
  byDocument.set(item.id, item);
  look(item); // what happened before this page knew the id
}

// A milestone may come late or twice, by an event or by looking; it never goes back.
function reach(item, milestone, outcome, message) {
  if (item.state !== 'accepted') return;
  item.heardMs = Date.now();
  if (milestones.indexOf(milestone) > milestones.indexOf(item.milestone))
    item.milestone = milestone;
  if (outcome === null || outcome === undefined) return;
  item.outcome = outcome;
  item.error = message;
  item.state = isFailure(outcome) ? 'failed' : 'done';
  item.tookMs = Date.now() - item.startedMs;
}

async function look(item) {
  item.heardMs = Date.now();
  let doc;
  try {
    doc = await request('GET', documentPath(item.id));
  } catch (error) {
    if (error.status === 404 && item.state === 'accepted') {
      refuse(item, 'It was deleted meanwhile.');
      next();
    }
    return; // or it is looked for again
  }
  const reached = milestones.filter((milestone) => doc.timeline[milestone]).at(-1) ?? 'received';
  const over = doc.state === 'done' || doc.state === 'failed';
  reach(item, reached, over ? (doc.outcome ?? doc.state) : null, doc.message);
  next();
}

function lookAtSilent(sinceMs) {
  inState('accepted')
    .filter(({ heardMs }) => heardMs < sinceMs)
    .slice(0, atOnce)
    .forEach(look);
}

export function startUploads() {
  onDocumentEvent(({ id, milestone, outcome, message }) => {
    const item = byDocument.get(id);
    if (!item) return;
    reach(item, milestone, outcome, message);
    next();
  });
  onReopened(() => lookAtSilent(Date.now()));
  setInterval(() => {
    if (uploads.size === 0) return;
    lookAtSilent(Date.now() - silentMs);
    next();
  }, 1000);
  addEventListener('beforeunload', (event) => {
    if (inState('waiting', 'held', 'sending').length > 0) event.preventDefault();
  });
  byId('uploads-clear').addEventListener('click', clear);
  takeFiles();
}

// Folders are walked; readEntries returns a hundred at a time.
async function filesOf(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const files = [];
  for (;;) {
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return files;
    for (const inner of entries) files.push(...(await filesOf(inner)));
  }
}

async function dropped(transfer) {
  // Both lists are empty once the event is over.
  const items = [...transfer.items].filter(({ kind }) => kind === 'file');
  const found = items.map((item) => [item.webkitGetAsEntry?.(), item.getAsFile()]);
  for (const [entry, file] of found) upload(entry?.isDirectory ? await filesOf(entry) : [file]);
}

function takeFiles() {
  const files = byId('files');
  byId('choose').addEventListener('click', () => files.click());
  files.addEventListener('change', () => {
    upload(files.files);
    files.value = '';
  });
  const carriesFiles = (event) => event.dataTransfer?.types.includes('Files');
  const veil = byId('drop-veil');
  let depth = 0; // dragenter and dragleave also come for every element below
  const set = (now) => {
    depth = Math.max(now, 0);
    veil.hidden = depth === 0;
  };
  addEventListener('dragenter', (event) => carriesFiles(event) && set(depth + 1));
  addEventListener('dragleave', (event) => carriesFiles(event) && set(depth - 1));
  addEventListener('dragover', (event) => carriesFiles(event) && event.preventDefault());
  addEventListener('drop', (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    set(0);
    window.location.hash = '#documents';
    dropped(event.dataTransfer);
  });
}
