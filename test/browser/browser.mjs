// What the browser tests share: Chromium, a page that is watched, and documents to upload.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { createRequire } from 'node:module';

const build = process.env.PENSTOCK_BROWSER_BUILD;
// Of the service; none for files.
export const base = process.env.PENSTOCK_BROWSER_URL?.replace(/\/$/, '') ?? null;
export const key = process.env.PENSTOCK_BROWSER_KEY ?? null;

const { chromium } = createRequire(`${build}/`)('playwright-core');
let browser = null;

export async function launch() {
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox', // root has none
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
export const quit = () => browser?.close();

// A name or word that no other test has, on a service that may have been used before.
export const ofItsOwn = (prefix) => `${prefix}${crypto.randomBytes(6).toString('hex')}`;

// What makes a word found whatever else is in the text: lexical: adds and subtracts words that share
// a dimension, and only words that are as frequent cancel to nothing.
export const thrice = (word) => `${word} ${word} ${word}`;

// Opens the dashboard, or the page `open`, with the key unless it is not `given`, hands it to `body`, and
// then wants to have seen neither a complaint on the console, but for `expected`, nor a request to anybody
// else.
export async function withPage(
  { view = 'overview', expected = null, open = true, given = true, ...options },
  body,
) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  const complaints = [];
  const strangers = [];
  const watch = (page) => {
    page.setDefaultTimeout(30_000);
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.stack));
  };
  context.on('request', (request) => {
    const url = request.url();
    if (/^https?:/.test(url) && (base === null || new URL(url).origin !== new URL(base).origin)) {
      strangers.push(url);
    }
  });
  try {
    const page = await context.newPage();
    watch(page);
    if (key !== null && given) {
      await page.addInitScript((kept) => {
        if (location.protocol !== 'about:') sessionStorage.setItem('penstock-key', kept);
      }, key);
    }
    if (open) await page.goto(open === true ? `${base}/#${view}` : open);
    await body(page, context);
  } finally {
    await context.close();
  }
  assert.deepEqual(
    complaints.filter((text) => expected === null || !expected.test(text)),
    [],
  );
  assert.deepEqual(strangers, []);
}

// Files are [{name, content: Buffer, type}]; they arrive as from another program's window.
export async function drop(page, files) {
  const transfer = await page.evaluateHandle(
    (parts) => {
      const data = new DataTransfer();
      for (const { name, bytes, type } of parts) {
        data.items.add(new File([Uint8Array.from(bytes)], name, { type }));
      }
      return data;
    },
    files.map(({ name, content, type = 'text/plain' }) => ({ name, bytes: [...content], type })),
  );
  await page.dispatchEvent('body', 'dragenter', { dataTransfer: transfer });
  await page.locator('#drop-veil').waitFor({ state: 'visible' });
  await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
  await page.locator('#drop-veil').waitFor({ state: 'hidden' });
}

export const text = (name, content) => ({ name, content: Buffer.from(content) });
// Begins as a PDF and is none.
export const broken = (name) => ({
  name,
  content: Buffer.from('%PDF-1.4 but no more'),
  type: 'application/pdf',
});

// A PDF with one line of text a page.
export function pdf(name, lines) {
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    null,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  const pages = lines.map((line) => {
    const stream = `BT /F1 18 Tf 72 720 Td (${line}) Tj ET\n`;
    objects.push(`<< /Length ${stream.length} >>\nstream\n${stream}endstream`);
    objects.push(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${objects.length} 0 R ` +
        '/Resources << /Font << /F1 3 0 R >> >> >>',
    );
    return `${objects.length} 0 R`;
  });
  objects[1] = `<< /Type /Pages /Kids [${pages.join(' ')}] /Count ${pages.length} >>`;
  let file = '%PDF-1.4\n';
  const offsets = objects.map((object, i) => {
    const offset = file.length;
    file += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const table = file.length;
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`;
  for (const offset of offsets) file += `${String(offset).padStart(10, '0')} 00000 n \n`;
  file += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${table}\n%%EOF\n`;
  return { name, content: Buffer.from(file, 'latin1'), type: 'application/pdf' };
}

export const uploadRow = (page, name) => page.locator('#uploads-list li').filter({ hasText: name });

// Uploads and waits until each is searchable.
export async function uploadAll(page, files) {
  await drop(page, files);
  for (const { name } of files)
    await uploadRow(page, name).and(page.locator('[data-state="done"]')).waitFor();
}

// Not by Playwright, which writes a style into the page that the policy forbids.
export async function screenshot(page, name, fs) {
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'png' });
  fs.writeFileSync(`${build}/${name}.png`, Buffer.from(data, 'base64'));
}
