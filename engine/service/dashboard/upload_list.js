// How uploads are shown: a row for each that was begun, one bar for all, and a sentence now and
// then for who cannot see it.
import { byId, button, el, reconcile, setAttribute, setShare, setText } from './dom.js';
import * as say from './format.js';
import { openDocument } from './links.js';

const doneShown = 20; // the others are among the newest documents
const spokenEveryMs = 4000;

// How much of a row's bar is full once a milestone is reached; sending has the first half.
const shares = {
  received: 0.5,
  queued: 0.55,
  started: 0.62,
  extracted: 0.75,
  embedded: 0.88,
  stored: 0.96,
  done: 1,
};
const doing = {
  received: 'Accepted',
  queued: 'Waiting its turn',
  started: 'Reading',
  extracted: 'Embedding',
  embedded: 'Storing',
  stored: 'Nearly done',
  done: 'Done',
};

function shareOf(item) {
  if (item.state === 'accepted') return shares[item.milestone];
  if (item.state === 'sending') return 0.5 * (item.size > 0 ? item.sent / item.size : 0);
  return item.state === 'waiting' || item.state === 'held' ? 0 : 1;
}

const secondsUntil = (atMs) => Math.max(1, Math.ceil((atMs - Date.now()) / 1000));

function statusOf(item) {
  switch (item.state) {
    case 'held':
      return `${item.error}, again in ${secondsUntil(item.untilMs)} s`;
    case 'sending':
      return item.sent < item.size
        ? `Sending ${say.bytes(item.sent)} of ${say.bytes(item.size)}`
        : 'Sent';
    case 'accepted':
      return doing[item.milestone];
    case 'done':
      return item.outcome === 'done'
        ? `Done in ${say.duration(item.tookMs)}`
        : say.outcomeName(item.outcome);
    case 'failed':
      return say.outcomeName(item.outcome);
    default:
      return 'Not taken';
  }
}

export class UploadList {
  // again(upload): the person wants another try.
  constructor({ again }) {
    this.again = again;
    this.uploads = new Set();
    this.pausedMs = 0;
    this.spokenAt = 0;
    this.spoken = '';
    this.planned = false;
  }

  show(uploads, pausedMs) {
    this.uploads = uploads;
    this.pausedMs = pausedMs;
    this.showSoon();
  }

  // Once a frame, however many events come; without a frame (a hidden page), a second later.
  showSoon() {
    if (this.planned) return;
    this.planned = true;
    const draw = () => {
      if (!this.planned) return;
      this.planned = false;
      this.draw();
    };
    if (document.hidden) setTimeout(draw, 1000);
    else requestAnimationFrame(draw);
  }

  draw() {
    const all = [...this.uploads];
    byId('uploads').hidden = all.length === 0;
    const begun = all.filter(({ state }) => state !== 'waiting').reverse();
    const done = begun.filter(({ state }) => state === 'done');
    const shown = new Set(done.slice(0, doneShown));
    reconcile(
      byId('uploads-list'),
      begun.filter((item) => item.state !== 'done' || shown.has(item)),
      (item) => item,
      (item) => this.row(item),
      (row, item) => this.update(row, item),
    );
    this.summarize(all, done.length);
  }

  row(item) {
    const parts = {
      name: el('span', { class: 'stranger name' }, say.visible(item.name)),
      status: el('span', { class: 'status' }),
      bar: el(
        'div',
        {
          class: 'track',
          role: 'progressbar',
          'aria-label': say.visible(item.name),
          'aria-valuemin': 0,
          'aria-valuemax': 100,
        },
        el('i'),
      ),
      error: el('span'),
      advice: el('span', { class: 'note' }),
      again: button('Try again', () => this.again(item)),
      open: button('Open', () => openDocument(item.id), {
        'aria-label': `Open ${say.visible(item.name)}`,
      }),
    };
    parts.trouble = el('p', { class: 'trouble' }, parts.error, parts.advice, parts.again);
    return {
      node: el('li', {}, parts.name, parts.status, parts.open, parts.bar, parts.trouble),
      ...parts,
    };
  }

  update(row, item) {
    const over = item.state === 'failed' || item.state === 'refused';
    setAttribute(row.node, 'data-state', item.state);
    setText(row.status, statusOf(item));
    setShare(row.bar, '--share', shareOf(item));
    setAttribute(row.bar, 'aria-valuenow', Math.round(shareOf(item) * 100));
    setAttribute(row.bar, 'aria-valuetext', statusOf(item));
    row.open.hidden = item.state !== 'done';
    const advice = ['failed', 'done'].includes(item.state) ? say.advice(item.outcome) : '';
    row.trouble.hidden = !over && advice === '';
    row.again.hidden = !over;
    row.error.hidden = !over;
    setText(row.error, over ? say.sentence(item.error) || say.outcomeName(item.outcome) : '');
    setText(row.advice, advice);
  }

  summarize(all, done) {
    const failed = all.filter(({ state }) => state === 'failed' || state === 'refused').length;
    const waiting = all.filter(({ state }) => state === 'waiting').length;
    const size = all.reduce((sum, item) => sum + item.size, 0);
    const sent = all.reduce(
      (sum, { state, sent: bytes, size: of }) =>
        sum +
        (state === 'sending' ? Math.min(bytes, of) : ['waiting', 'held'].includes(state) ? 0 : of),
      0,
    );
    const share = all.reduce((sum, item) => sum + shareOf(item), 0) / Math.max(all.length, 1);
    const parts = [`${say.count(done)} of ${say.count(all.length)} done`];
    if (failed > 0) parts.push(`${say.count(failed)} failed`);
    if (sent < size) parts.push(`${say.bytes(sent)} of ${say.bytes(size)} sent`);
    if (this.pausedMs > 0)
      parts.push(`the service is busy, going on in ${Math.ceil(this.pausedMs / 1000)} s`);
    setText(byId('uploads-note'), parts.join(' · '));
    setShare(byId('uploads-bar'), '--share', share);
    setAttribute(byId('uploads-bar'), 'aria-valuenow', Math.round(share * 100));
    byId('uploads-clear').disabled = done + failed === 0;
    const more = [];
    if (waiting > 0) more.push(`${say.count(waiting)} more wait to be sent`);
    if (done > doneShown) more.push(`${say.count(done - doneShown)} more are done`);
    byId('uploads-more').hidden = more.length === 0;
    setText(byId('uploads-more'), more.join(' · '));
    const over = done + failed === all.length;
    const spoken = parts.slice(0, failed > 0 ? 2 : 1).join(', ');
    if (spoken !== this.spoken && (over || Date.now() - this.spokenAt > spokenEveryMs)) {
      this.spoken = spoken;
      this.spokenAt = Date.now();
      setText(byId('uploads-spoken'), `Uploads: ${spoken}.`);
    }
  }
}
