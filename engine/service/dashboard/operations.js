// The parts of the overview that an operator reads: stages, quotas, workers.
import { byId, el, reconcile, setAttribute, setShare, setText } from './dom.js';
import * as say from './format.js';

const stageNames = {
  queued: 'Waiting',
  extract: 'Extract',
  embed: 'Embed',
  store: 'Store',
  total: 'In all',
};

// A stage begins where the one before it typically ends; the total has the whole width to itself.
export function showStages(stages) {
  const seen = stages.filter(({ documents }) => documents > 0);
  let beginMs = 0;
  const rows = seen.map((stage) => {
    const row = { ...stage, beginMs: stage.name === 'total' ? 0 : beginMs };
    if (stage.name !== 'total') beginMs += stage.p50_ms;
    return row;
  });
  const endMs = Math.max(1, ...rows.map((row) => row.beginMs + Math.max(row.p50_ms, row.p95_ms)));
  reconcile(
    byId('stages'),
    rows,
    ({ name }) => name,
    () => {
      const parts = {
        name: el('span', { class: 'name' }),
        bar: el('span', { class: 'bar' }, el('i'), el('b')),
        p50: el('span', { class: 'p50' }),
        p95: el('span', { class: 'p95' }),
      };
      return { node: el('li', {}, parts.name, parts.bar, parts.p50, parts.p95), ...parts };
    },
    (row, stage) => {
      setText(row.name, stageNames[stage.name] ?? stage.name);
      setText(row.p50, say.duration(stage.p50_ms));
      setText(row.p95, say.duration(stage.p95_ms));
      setAttribute(row.p50, 'title', `p50 of ${say.plural(stage.documents, 'document')}`);
      setAttribute(row.p95, 'title', `p95 of ${say.plural(stage.documents, 'document')}`);
      row.node.classList.toggle('total', stage.name === 'total');
      setShare(row.bar, '--begin', stage.beginMs / endMs);
      setShare(row.bar, '--p50', stage.p50_ms / endMs);
      setShare(row.bar, '--p95', stage.p95_ms / endMs);
    },
  );
}

function gauge(unit) {
  const parts = {
    amount: el('span', { class: 'amount' }),
    share: el('span', { class: 'share' }),
    bar: el('i'),
  };
  const track = el(
    'div',
    { class: 'track', role: 'meter', 'aria-valuemin': 0, 'aria-valuemax': 100 },
    parts.bar,
  );
  return {
    node: el(
      'div',
      { class: 'gauge' },
      el('p', {}, el('span', {}, unit), parts.amount, parts.share),
      track,
    ),
    show(label, used, limit) {
      const share = limit > 0 ? used / limit : 0;
      const of =
        limit > 0 ? `${say.count(used)} of ${say.count(limit)}` : `${say.count(used)}, no limit`;
      setText(parts.amount, of);
      setText(parts.share, limit > 0 ? `${Math.round(share * 100)}%` : '');
      setAttribute(track, 'aria-label', label);
      setAttribute(track, 'aria-valuenow', Math.round(Math.min(share, 1) * 100));
      setAttribute(track, 'aria-valuetext', of);
      setShare(track, '--share', share);
    },
  };
}

export function showQuotas(quotas) {
  const keys = quotas.flatMap(({ endpoint, keys: ofEndpoint }) =>
    ofEndpoint.map((quota) => ({ endpoint, ...quota })),
  );
  reconcile(
    byId('quotas'),
    keys,
    ({ endpoint, key }) => `${endpoint}\n${key}`,
    () => {
      const parts = {
        name: el('strong'),
        endpoint: el('span', { class: 'note' }),
        paused: el('span', { class: 'chip' }),
        requests: gauge('Requests/min'),
        tokens: gauge('Tokens/min'),
      };
      return {
        node: el(
          'li',
          {},
          el('p', { class: 'key' }, parts.name, parts.endpoint, parts.paused),
          parts.requests.node,
          parts.tokens.node,
        ),
        ...parts,
      };
    },
    (row, quota) => {
      setText(row.name, `Key ${quota.key}`);
      setText(row.endpoint, quota.endpoint);
      setText(row.paused, `paused ${say.duration(quota.paused_s * 1000)}`);
      setAttribute(row.paused, 'data-state', 'retrying');
      row.paused.hidden = !(quota.paused_s > 0);
      row.requests.show(
        `Requests of key ${quota.key}`,
        quota.requests_used,
        quota.requests_per_minute,
      );
      row.tokens.show(`Tokens of key ${quota.key}`, quota.tokens_used, quota.tokens_per_minute);
    },
  );
}

const columns = [
  ['In flight', (worker) => say.count(worker.documents_in_flight)],
  ['Docs/s', (worker) => say.rate(worker.documents_per_second)],
  ['Done', (worker) => say.count(worker.done)],
  ['Failed', (worker) => say.count(worker.failed)],
  ['CPU', (worker) => `${say.rate(worker.cpu_cores)} cores`],
  ['Memory', (worker) => say.bytes(worker.memory_bytes)],
  ['Up', (worker) => say.duration(worker.up_s * 1000)],
];

export function showWorkers(workers) {
  const cores = workers.reduce((sum, worker) => sum + worker.cpu_cores, 0);
  const memory = workers.reduce((sum, worker) => sum + worker.memory_bytes, 0);
  setText(
    byId('workers-note'),
    workers.length > 1 ? `${workers.length}: ${say.rate(cores)} cores, ${say.bytes(memory)}` : '',
  );
  reconcile(
    byId('workers'),
    workers,
    ({ name }) => name,
    () => {
      const parts = {
        name: el('span', { class: 'stranger' }),
        draining: el('span', { class: 'chip' }, 'draining'),
        cells: columns.map(([label]) => el('td', { 'data-label': label })),
      };
      return {
        node: el('tr', {}, el('th', { scope: 'row' }, parts.name, parts.draining), ...parts.cells),
        ...parts,
      };
    },
    (row, worker) => {
      setText(row.name, say.visible(worker.name));
      row.draining.hidden = !worker.draining;
      columns.forEach(([, text], i) => setText(row.cells[i], text(worker)));
    },
  );
}
