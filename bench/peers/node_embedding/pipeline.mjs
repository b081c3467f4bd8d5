// PDFs to vectors at a service with OpenAI's protocol, as one writes it for Node from well-known
// packages; standard input names the PDFs, a line each:
//   node pipeline.mjs --base-url URL --output FOLDER --requests-per-minute N --tokens-per-minute N
// Prints a JSON line of what became of them. A key is in OPENAI_API_KEY.
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import Bottleneck from 'bottleneck';
import OpenAI from 'openai';
import pLimit from 'p-limit';
import Piscina from 'piscina';

const { values: options } = parseArgs({
  options: {
    'base-url': { type: 'string' },
    output: { type: 'string' },
    'requests-per-minute': { type: 'string' },
    'tokens-per-minute': { type: 'string' },
    'request-timeout': { type: 'string', default: '10' },
    'requests-in-flight': { type: 'string', default: '64' },
  },
});
const timeoutMs = 1000 * Number(options['request-timeout']);
const requestsInFlight = Number(options['requests-in-flight']);
const batchInputsMax = 32;
const dimensions = 1536;
const attemptsMax = 4;
const documentTimeoutMs = 60_000;

const client = new OpenAI({
  baseURL: options['base-url'],
  timeout: timeoutMs,
  maxRetries: 5,
  // The SDK's timeout ends with the headers; a body may stall, too.
  fetch: (url, init) =>
    fetch(url, { ...init, signal: AbortSignal.any([init.signal, AbortSignal.timeout(timeoutMs)]) }),
});

const perMinute = (amount) =>
  new Bottleneck({
    reservoir: amount,
    reservoirRefreshAmount: amount,
    reservoirRefreshInterval: 60_000,
  });
const requestQuota = perMinute(Number(options['requests-per-minute']));
const tokenQuota = perMinute(Number(options['tokens-per-minute']));
const inFlight = pLimit(requestsInFlight);

const send = (input) => client.embeddings.create({ model: 'text-embedding-3-small', input });

function check(answer, count) {
  const vectors = [];
  for (const { index, embedding } of answer.data) vectors[index] = embedding;
  if (vectors.length !== count || answer.data.length !== count)
    throw new Error('another number of vectors than of inputs');
  for (let i = 0; i < count; ++i)
    if (vectors[i]?.length !== dimensions) throw new Error('a vector is missing or too short');
  return vectors;
}

// The SDK tries again after refusals and lost connections; broken answers are left to its user.
async function embed(batch) {
  const weight = batch.reduce((sum, { tokens }) => sum + tokens, 0);
  const input = batch.map(({ text }) => text);
  for (let attempt = 1; ; ++attempt) {
    try {
      const answer = await requestQuota.schedule(() =>
        tokenQuota.schedule({ weight }, () => inFlight(() => send(input))),
      );
      const vectors = check(answer, input.length);
      totals.tokens += answer.usage.prompt_tokens;
      return vectors;
    } catch (error) {
      if (attempt === attemptsMax || error.status === 400 || error.status === 401) throw error;
    }
  }
}

const totals = {
  documents: 0,
  done: 0,
  no_text: 0,
  unreadable: 0,
  failed: 0,
  chunks: 0,
  tokens: 0,
};
const chunkFile = createWriteStream(`${options.output}/chunks.jsonl`);
const vectorFile = createWriteStream(`${options.output}/vectors.f32`);
const oneByOne = pLimit(1); // so that both files keep the same order

async function write(file, data) {
  if (!file.write(data)) await once(file, 'drain');
}

async function store(batch, vectors) {
  const lines = batch.map(({ document, text }) => JSON.stringify({ path: document.path, text }));
  await write(chunkFile, `${lines.join('\n')}\n`);
  await write(vectorFile, new Uint8Array(Float32Array.from(vectors.flat()).buffer));
  totals.chunks += batch.length;
}

function settle(document) {
  if (--document.left === 0) ++totals[document.lost ? 'failed' : 'done'];
}

async function embedAndStore(batch) {
  try {
    const vectors = await embed(batch);
    await oneByOne(() => store(batch, vectors));
  } catch (error) {
    console.error(error.message);
    for (const { document } of batch) document.lost = true;
  }
  for (const { document } of batch) settle(document);
}

// Batches that wait or are under way; extraction pauses when there are twice as many as are sent
// at once.
const batches = new Set();
let batch = [];

async function flush() {
  if (batch.length === 0) return;
  const full = batch;
  batch = [];
  const work = embedAndStore(full).finally(() => batches.delete(work));
  batches.add(work);
  while (batches.size >= 2 * requestsInFlight) await Promise.race(batches);
}

const extraction = new Piscina({
  filename: new URL('./chunks.mjs', import.meta.url).href,
  minThreads: availableParallelism(),
  maxThreads: availableParallelism(),
});

async function processDocument(path) {
  ++totals.documents;
  let chunks;
  try {
    chunks = await extraction.run(path, { signal: AbortSignal.timeout(documentTimeoutMs) });
  } catch {
    ++totals.unreadable;
    return;
  }
  if (chunks.length === 0) {
    ++totals.no_text;
    return;
  }
  const document = { path, left: chunks.length, lost: false };
  for (const chunk of chunks) {
    batch.push({ ...chunk, document });
    if (batch.length === batchInputsMax) await flush();
  }
}

const atOnce = pLimit(2 * availableParallelism());
const documents = [];
for await (const path of createInterface({ input: process.stdin }))
  documents.push(atOnce(() => processDocument(path)));
await Promise.all(documents);
await flush();
await Promise.all(batches);
await Promise.all([chunkFile, vectorFile].map((file) => once(file.end(), 'finish')));
console.log(JSON.stringify(totals));
process.exit(); // without waiting for connections that are kept open
