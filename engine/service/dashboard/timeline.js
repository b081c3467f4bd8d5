// The times of one document: when it reached what, and how long each step took.
import { el, setAttribute, setShare, setText } from './dom.js';
import * as say from './format.js';

export const milestones = [
  'received',
  'queued',
  'started',
  'extracted',
  'embedded',
  'stored',
  'done',
];

const steps = {
  received: 'Received',
  queued: 'Queued',
  started: 'Waited its turn',
  extracted: 'Extracted',
  embedded: 'Embedded',
  stored: 'Stored',
  done: 'Finished',
};

export function totalMs({ received, done }) {
  return received && done ? Date.parse(done) - Date.parse(received) : null;
}

export class Timeline {
  constructor() {
    this.rows = milestones.map((milestone) => {
      const parts = {
        bar: el('span', { class: 'bar' }, el('i')),
        took: el('span', { class: 'took' }),
        at: el('time'),
      };
      return {
        node: el(
          'li',
          {},
          el('span', { class: 'name' }, steps[milestone]),
          parts.bar,
          parts.took,
          parts.at,
        ),
        ...parts,
      };
    });
    this.node = el(
      'ol',
      { class: 'timeline', 'aria-label': 'Timeline' },
      ...this.rows.map(({ node }) => node),
    );
  }

  show(timeline) {
    const times = milestones.map((milestone) =>
      timeline[milestone] ? Date.parse(timeline[milestone]) : null,
    );
    const known = times.filter((at) => at !== null);
    const begin = Math.min(...known);
    const span = Math.max(1, Math.max(...known) - begin);
    let before = begin;
    this.rows.forEach((row, i) => {
      const at = times[i];
      row.node.classList.toggle('ahead', at === null);
      setText(row.took, at === null || i === 0 ? '' : `+${say.duration(at - before)}`);
      setText(row.at, at === null ? '–' : say.time(at));
      setAttribute(row.at, 'datetime', timeline[milestones[i]] ?? null);
      setAttribute(row.at, 'title', at === null ? null : say.dateTime(at));
      setShare(row.bar, '--begin', at === null ? 0 : (before - begin) / span);
      setShare(row.bar, '--p50', at === null ? 0 : (at - before) / span);
      if (at !== null) before = Math.max(before, at);
    });
  }
}
