// What the service is doing, asked every two seconds while somebody looks.
import { ConnectionLost, request } from './api.js';
import { LiveChart } from './charts.js';
import { byId, el, reconcile, setAttribute, setText } from './dom.js';
import * as say from './format.js';
import { History } from './history.js';
import { changes } from './key.js';
import { showQuotas, showStages, showWorkers } from './operations.js';

const everyMs = 2000;
const history = new History();
const charts = [
  new LiveChart(
    byId('depth-chart'),
    [
      { name: 'Interactive', column: 1, say: (n) => say.count(n) },
      { name: 'Bulk', column: 2, say: (n) => say.count(n) },
    ],
    4,
  ),
  new LiveChart(
    byId('rate-chart'),
    [
      { name: 'Done', column: 3, say: (n) => `${say.rate(n)}/s` },
      { name: 'Failed', column: 4, say: (n) => `${say.rate(n)}/s` },
    ],
    1,
  ),
];
const listeners = [];
let last = null; // the answer shown
let lastAt = null; // when it came
let skewMs = 0; // the service's clock minus this one

// listener(overview) is called with each answer.
export const onOverview = (listener) => listeners.push(listener);
// What time it is where the timestamps come from.
export const serviceNow = () => Date.now() + skewMs;

function live(state, text) {
  byId('live').dataset.state = state;
  setText(byId('live-text'), text);
}

function banner(text) {
  byId('banner').hidden = text === '';
  setText(byId('banner'), text);
  document.body.classList.toggle('stale', text !== '');
}

const newest = () => (lastAt === null ? '' : ` What you see is from ${say.time(lastAt)}.`);

function showTrouble(error) {
  if (error instanceof ConnectionLost) {
    live('lost', 'Offline');
    banner(`The connection is lost; this page tries again every two seconds.${newest()}`);
  } else if (error.status === 401) {
    live('waiting', 'Key needed');
    banner('The service asks for an API key: press “API key” above.');
  } else {
    live('lost', 'No data');
    banner(`The overview is not available. ${error.message}${newest()}`);
  }
}

function showFigures({ queue, rates, workers, documents }) {
  const lanes = [queue.interactive, queue.bulk];
  const sum = (field) => lanes.reduce((total, lane) => total + lane[field], 0);
  const oldestS = Math.max(...lanes.map((lane) => lane.oldest_s ?? 0));
  setText(byId('waiting'), say.count(sum('waiting')));
  const delayed = sum('delayed') > 0 ? `${say.count(sum('delayed'))} delayed` : '';
  const oldest = sum('waiting') > 0 ? `oldest ${say.duration(oldestS * 1000)}` : 'nothing waits';
  setText(byId('waiting-note'), [oldest, delayed].filter(Boolean).join(' · '));
  setText(byId('leased'), say.count(sum('leased')));
  setText(
    byId('leased-note'),
    workers.length > 0 ? `by ${say.plural(workers.length, 'worker')}` : 'no worker runs',
  );
  byId('rate').replaceChildren(say.rate(rates.documents), el('small', {}, ' documents/s'));
  setText(
    byId('rate-note'),
    `${say.rate(rates.pages)} pages/s · ${say.compactCount(rates.tokens)} tokens/s`,
  );
  setText(byId('stored'), say.count(documents.total));
  setText(
    byId('stored-note'),
    documents.total > 0 ? say.bytes(documents.bytes) : 'no documents yet',
  );
  setText(byId('dead'), say.count(queue.dead));
  byId('dead').classList.toggle('trouble', queue.dead > 0);
  byId('dead-note').replaceChildren(
    queue.dead > 0 ? el('a', { href: '#failures' }, 'see why') : 'nothing waits for you',
  );
  byId('failures-badge').hidden = queue.dead === 0;
  setText(byId('failures-badge'), say.compactCount(queue.dead));
  byId('welcome').hidden = documents.total > 0 || sum('waiting') + sum('leased') > 0;
}

function showAlerts(alerts) {
  byId('no-alerts').hidden = alerts.length > 0;
  setText(byId('no-alerts'), 'No alerts: all is well.');
  const rank = ({ severity }) => (severity === 'critical' ? 0 : 1);
  reconcile(
    byId('alerts'),
    [...alerts].sort((a, b) => rank(a) - rank(b)),
    ({ name }) => name,
    () => {
      const parts = { title: el('strong'), text: el('span'), since: el('small') };
      return { node: el('li', {}, parts.title, parts.text, parts.since), ...parts };
    },
    (row, alert) => {
      setAttribute(row.node, 'data-severity', alert.severity);
      setText(row.title, alert.severity === 'critical' ? 'Critical' : 'Warning');
      setText(row.text, say.sentence(alert.text || alert.name));
      setText(
        row.since,
        alert.since ? `for ${say.duration(serviceNow() - Date.parse(alert.since))}` : '',
      );
    },
  );
}

// Also when the view comes into sight, before the next answer.
export function showOverview() {
  if (last === null || byId('overview-view').hidden) return;
  charts.forEach((chart) => chart.show(history.samples));
  showStages(last.stages);
  showQuotas(last.quotas);
  showWorkers(last.workers);
}

async function poll() {
  let overview;
  try {
    overview = await request('GET', 'v1/overview');
  } catch (error) {
    showTrouble(error);
    return;
  }
  last = overview;
  lastAt = Date.now();
  skewMs = Date.parse(overview.now) - lastAt;
  const { queue, rates } = overview;
  history.add([
    lastAt,
    queue.interactive.waiting,
    queue.bulk.waiting,
    rates.documents,
    rates.failed,
  ]);
  banner('');
  live('live', `Live ${say.time(lastAt)}`);
  const upMs = serviceNow() - Date.parse(overview.started_at);
  setText(byId('version'), `Penstock ${overview.version}, up ${say.duration(upMs)}`);
  showFigures(overview);
  showAlerts(overview.alerts);
  showOverview();
  listeners.forEach((listener) => listener(overview));
}

export async function watchOverview() {
  let wake;
  const again = () => wake?.();
  document.addEventListener('visibilitychange', again);
  addEventListener('online', again);
  changes.addEventListener('change', again);
  for (;;) {
    if (!document.hidden) await poll();
    await new Promise((resolve) => {
      wake = resolve;
      setTimeout(resolve, everyMs);
    });
  }
}
