// A client of a queue as bench/queue_run.cc is one, with BullMQ: the same documents, and the same
// words on standard input and output.
//   node client.mjs REDIS-URL QUEUE FIRST COUNT --driver ioredis|redis --bulk N --concurrency N
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { Queue, Worker } from 'bullmq';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    driver: { type: 'string' },
    bulk: { type: 'string' },
    concurrency: { type: 'string' },
  },
});
const [url, name] = positionals;
const [first, count] = positionals.slice(2).map(Number);
const bulk = Number(options.bulk);

async function connect() {
  if (options.driver === 'ioredis') {
    const { Redis } = await import('ioredis');
    return new Redis(url, { maxRetriesPerRequest: null }); // a worker's must not give up
  }
  const { createClient } = await import('redis');
  return createClient({ url }).connect();
}

// With the key as its id, a document that is queued is not queued again.
function job(number) {
  const folder = String(number % 1_000).padStart(3, '0');
  const key = `/archive/2024/invoices/${folder}/invoice-${String(number).padStart(8, '0')}.pdf`;
  const changed = String(1_700_000_000_000_000_000n + BigInt(number));
  const stamp = `123456,${changed},${changed}`;
  const metadata = '{"customer":"acme","year":2024}';
  return { name: 'document', data: { key, location: key, stamp, metadata }, opts: { jobId: key } };
}

async function enqueue(queue) {
  for (let begin = first; begin < first + count; begin += bulk) {
    const jobs = [];
    for (let i = begin; i < Math.min(begin + bulk, first + count); ++i) jobs.push(job(i));
    await queue.addBulk(jobs);
  }
}

async function workUntilEmpty(queue, worker) {
  const drained = once(worker, 'drained');
  worker.run();
  await drained;
  while ((await queue.count()) + (await queue.getActiveCount()) > 0)
    await new Promise((resolve) => setTimeout(resolve, 5));
}

let done = 0;
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

function say() {
  const { user, system } = process.cpuUsage();
  console.log(JSON.stringify({ done, cpu_s: (user + system) / 1e6 }));
}

const connection = await connect();
const queue = new Queue(name, { connection });
const worker = new Worker(name, async () => { ++done; }, {
  connection,
  autorun: false,
  concurrency: Number(options.concurrency),
  removeOnComplete: { count: 0 },
});
worker.on('error', (error) => console.error(error.message));
await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
say();
await input.next();
await enqueue(queue);
say();
await input.next();
await workUntilEmpty(queue, worker);
say();
process.exit();
