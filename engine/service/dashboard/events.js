// The service's event stream: read by fetch, since EventSource cannot send the key. It is open
// while somebody looks at documents or waits for an upload, and reopened whenever it ends.
import { open } from './api.js';
import { changes } from './key.js';

const bus = new EventTarget();
const reasons = new Set(); // why the stream is wanted
let wake = null; // ends the pause before the next try
let abort = null;

// listener(event) gets {id, milestone, at, outcome, message}.
export function onDocumentEvent(listener) {
  bus.addEventListener('document', ({ detail }) => listener(detail));
}

// Events may have been missed: whoever waits for some looks for itself.
export function onReopened(listener) {
  bus.addEventListener('reopened', listener);
}

export function want(reason, wanted) {
  if (wanted) reasons.add(reason);
  else reasons.delete(reason);
  if (reasons.size > 0) wake?.();
  else abort?.abort();
}

function deliver(block) {
  let name = 'message';
  const data = [];
  for (const line of block.split('\n')) {
    if (line.startsWith('event:')) name = line.slice(6).trim();
    else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
  }
  if (name !== 'document' || data.length === 0) return;
  let detail;
  try {
    detail = JSON.parse(data.join('\n'));
  } catch {
    return; // cut off
  }
  bus.dispatchEvent(new CustomEvent('document', { detail }));
}

async function readOnce() {
  abort = new AbortController();
  const response = await open('GET', 'v1/events', { signal: abort.signal });
  bus.dispatchEvent(new Event('reopened'));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).replaceAll('\r\n', '\n').split('\n\n');
    rest = blocks.pop();
    blocks.forEach(deliver);
  }
}

// seconds = null: until somebody wants the stream.
const pause = (seconds) =>
  new Promise((resolve) => {
    const timer = seconds === null ? null : setTimeout(resolve, seconds * 1000);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  }).finally(() => (wake = null));

export async function followEvents() {
  let waitS = 1;
  for (;;) {
    if (reasons.size === 0) await pause(null);
    const began = performance.now();
    try {
      await readOnce();
    } catch {
      // Whatever ended it, it is opened again.
    }
    const wasUseful = abort?.signal.aborted || performance.now() - began > 30_000;
    waitS = wasUseful ? 1 : Math.min(waitS * 2, 15);
    if (reasons.size > 0) await pause(waitS);
  }
}

changes.addEventListener('change', () => {
  abort?.abort();
  wake?.();
});
