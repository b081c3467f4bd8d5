import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';

import {
  base,
  broken,
  drop,
  key,
  launch,
  ofItsOwn,
  pdf,
  quit,
  screenshot,
  text,
  thrice,
  uploadAll,
  uploadRow,
  withPage,
} from './browser.mjs';

before(launch);
after(quit);

const phone = {
  viewport: { width: 360, height: 740 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
};
const views = ['overview', 'documents', 'search', 'failures'];
const textOf = (page, selector) => page.locator(selector).textContent();

async function becomes(look, wanted, what) {
  let seen;
  for (let i = 0; i < 600; ++i) {
    seen = await look();
    if (wanted(seen)) return seen;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return assert.fail(`${what}: still ${JSON.stringify(seen)}`);
}

const isLive = (page) =>
  becomes(
    () => textOf(page, '#live-text'),
    (said) => said.startsWith('Live'),
    'not live',
  );

function problem(status, detail, headers = {}) {
  return {
    status,
    headers,
    contentType: 'application/problem+json',
    body: JSON.stringify({ type: 'about:blank', title: 'No', status, detail }),
  };
}

test('the overview has numbers with units, a chart of them, and moves', () =>
  withPage({}, async (page) => {
    await isLive(page);
    const updated = await textOf(page, '#live-text');
    const stored = await textOf(page, '#stored');
    assert.match(stored, /^[\d,.]+[KM]?$/);
    assert.match(await textOf(page, '#rate'), /documents\/s$/);
    assert.match(await textOf(page, '#rate-note'), /pages\/s · .* tokens\/s$/);
    await uploadAll(page, [text(`${ofItsOwn('moves-')}.txt`, 'The overview counts this one.')]);
    await page.getByRole('link', { name: 'Overview' }).click();
    await becomes(
      () => textOf(page, '#stored'),
      (now) => now !== stored,
      'no document more',
    );
    await becomes(
      () => textOf(page, '#live-text'),
      (now) => now !== updated,
      'not updated',
    );
    assert.match(
      await page.getByRole('img', { name: 'Queue depth, now' }).getAttribute('aria-label'),
      /Interactive \d+, Bulk [\d,.]+/,
    );
    const drawn = await page.locator('#depth-chart canvas').evaluateAll((all) =>
      all.some((canvas) =>
        canvas
          .getContext('2d')
          .getImageData(0, 0, canvas.width, canvas.height)
          .data.some((value) => value > 0),
      ),
    );
    assert.ok(drawn, 'the chart is empty');
    assert.ok((await page.locator('#stages li').count()) > 0, 'no stages');
    assert.ok((await page.locator('#workers tr').count()) > 0, 'no workers');
  }));

test('nothing jumps while the overview fills and moves', () =>
  withPage({ open: false }, async (page) => {
    await page.addInitScript(() => {
      window.shifted = 0;
      new PerformanceObserver((list) => {
        for (const { value, hadRecentInput } of list.getEntries())
          if (!hadRecentInput) window.shifted += value;
      }).observe({ type: 'layout-shift', buffered: true });
    });
    await page.goto(`${base}/`);
    await isLive(page);
    const updated = await textOf(page, '#live-text');
    await becomes(
      () => textOf(page, '#live-text'),
      (now) => now !== updated,
      'not updated',
    );
    const shifted = await page.evaluate(() => window.shifted);
    assert.ok(shifted < 0.1, `layout shift ${shifted}`);
    await page.getByRole('link', { name: 'Overview' }).click();
    assert.equal(await page.evaluate(() => window.scrollY), 0);
  }));

test('files that are dropped are uploaded, a few at once, and followed until they are done', () =>
  withPage({}, async (page) => {
    let sending = 0;
    let most = 0;
    await page.route('**/v1/documents?*', async (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      most = Math.max(most, ++sending);
      const response = await route.fetch();
      --sending;
      return route.fulfill({ response });
    });
    const files = Array.from({ length: 12 }, (_, i) =>
      text(`${ofItsOwn(`many-${i}-`)}.txt`, `Document ${i}.`),
    );
    await uploadAll(page, files);
    assert.ok(most > 1 && most <= 6, `${most} at once`);
    assert.equal(new URL(page.url()).hash, '#documents');
    await becomes(
      () => textOf(page, '#uploads-spoken'),
      (said) => said === 'Uploads: 12 of 12 done.',
      'not said',
    );
    assert.equal(await page.locator('#uploads-bar').getAttribute('aria-valuenow'), '100');
    for (const { name } of files)
      await page.locator('#newest > li').filter({ hasText: name }).waitFor();
    await page.getByRole('button', { name: 'Clear finished' }).click();
    await page.locator('#uploads').waitFor({ state: 'hidden' });
  }));

test('a busy service is waited for as long as it says', () =>
  withPage({ view: 'documents', expected: /status of 429/ }, async (page) => {
    let refusals = 2;
    const asked = [];
    await page.route('**/v1/documents?*', (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      asked.push(Date.now());
      if (refusals-- > 0)
        return route.fulfill(problem(429, 'The queue is full.', { 'Retry-After': '1' }));
      return route.continue();
    });
    const file = text(`${ofItsOwn('patient-')}.txt`, 'It comes in the end.');
    await drop(page, [file]);
    await uploadRow(page, file.name).and(page.locator('[data-state="held"]')).waitFor();
    assert.match(
      await uploadRow(page, file.name).textContent(),
      /The service is busy, again in \d s/,
    );
    await uploadRow(page, file.name).and(page.locator('[data-state="done"]')).waitFor();
    assert.equal(asked.length, 3);
    assert.ok(asked[1] - asked[0] >= 1000, 'asked too early');
  }));

test('what the service refuses is shown with its words and can be tried again', () =>
  withPage({ view: 'documents', expected: /status of 413/ }, async (page) => {
    await page.route('**/v1/documents?*', (route) =>
      route.request().method() === 'POST'
        ? route.fulfill(problem(413, 'A document may have 5 bytes.'))
        : route.continue(),
    );
    const file = text(`${ofItsOwn('large-')}.txt`, 'It is too large.');
    await drop(page, [file]);
    await uploadRow(page, file.name).getByText('A document may have 5 bytes.').waitFor();
    await page.unroute('**/v1/documents?*');
    await uploadRow(page, file.name).getByRole('button', { name: 'Try again' }).click();
    await uploadRow(page, file.name).and(page.locator('[data-state="done"]')).waitFor();
  }));

test('a failure says why, and is retried', () =>
  withPage({ view: 'documents' }, async (page) => {
    const files = [broken(`${ofItsOwn('broken-')}.pdf`), broken(`${ofItsOwn('broken-')}.pdf`)];
    await drop(page, files);
    for (const { name } of files) {
      const upload = uploadRow(page, name).and(page.locator('[data-state="failed"]'));
      await upload.getByText('Damaged beyond repair').waitFor();
    }
    await page.getByRole('link', { name: /^Failures/ }).click();
    const row = page.locator('#failed > li').filter({ hasText: files[0].name });
    await row.waitFor();
    assert.match(await row.textContent(), /Corrupt.*Upload a sound copy\./);
    const isRetry = (response) => response.url().endsWith('/retry');
    const [answer] = await Promise.all([
      page.waitForResponse(isRetry),
      row.getByRole('button', { name: `Retry ${files[0].name}` }).click(),
    ]);
    assert.equal(answer.status(), 202);
    // It fails again.
    await row.getByRole('button', { name: 'Retry' }).and(page.locator(':enabled')).waitFor();
    await page.getByRole('button', { name: 'Retry all' }).click();
    const dialog = page.getByRole('dialog', { name: 'Retry all failures?' });
    await Promise.all([
      page.waitForResponse(isRetry),
      dialog.getByRole('button', { name: 'Retry all' }).click(),
    ]);
    await page.getByText(/documents? on the way again/).waitFor();
  }));

test('a scan is done, and what to do for its text is said', () =>
  withPage({ view: 'documents' }, async (page) => {
    const file = pdf(`${ofItsOwn('scan-')}.pdf`, ['']);
    await drop(page, [file]);
    const upload = uploadRow(page, file.name).and(page.locator('[data-state="done"]'));
    await upload.getByText('Run OCR on the scan').waitFor();
    assert.match(await upload.locator('.status').textContent(), /^No text$/);
    assert.equal(await upload.getByRole('button', { name: 'Try again' }).count(), 0);
    const row = page.locator('#newest > li').filter({ hasText: file.name });
    await row.locator('.chip').getByText('No text').waitFor();
  }));

test('a hit shows the words in their place and opens the page', () =>
  withPage({}, async (page, context) => {
    const word = ofItsOwn('penstock');
    const file = pdf(`${ofItsOwn('manual-')}.pdf`, [
      'The first page.',
      `Water meets ${thrice(word)} here.`,
      'The last page.',
    ]);
    await uploadAll(page, [file]);
    await page.keyboard.press('/');
    await page.locator('#query').fill(word);
    await page.keyboard.press('Enter');
    const hit = page.locator('#hits li').filter({ hasText: file.name });
    await hit.waitFor();
    assert.equal(await hit.locator('mark').first().textContent(), word);
    assert.equal(decodeURIComponent(new URL(page.url()).hash), `#search/${word}`);
    const [tab] = await Promise.all([
      context.waitForEvent('page'),
      hit.getByRole('button').click(),
    ]);
    await becomes(
      async () => tab.url(),
      (url) => /\/content\?.*#page=\d$/.test(url),
      'not opened',
    );
  }));

test('hostile names and texts are shown as text', () =>
  withPage({}, async (page) => {
    const word = ofItsOwn('hostile');
    const markup = `<img src=x onerror="window.pwned=1">`;
    const name = `${markup}${word}\u202efdp.exe`;
    await drop(page, [text(name, `${thrice(word)} ${markup}<script>window.pwned=1</script>`)]);
    const shown = `${markup}${word}\ufffdfdp.exe`;
    await uploadRow(page, shown).and(page.locator('[data-state="done"]')).waitFor();
    const row = page.locator('#newest > li').filter({ hasText: shown });
    await row.locator('.head').click();
    await page.getByRole('link', { name: 'Search' }).click();
    await page.locator('#query').fill(word);
    await page.keyboard.press('Enter');
    await page.locator('#hits').getByText(shown).waitFor();
    assert.equal(await page.locator('main img').count(), 0);
    assert.equal(await page.locator('main script').count(), 0);
    assert.equal(await page.evaluate(() => window.pwned), undefined);
  }));

test('a service with keys is given the one that the person types', () =>
  withPage({ open: false, given: false, expected: /status of 401/ }, async (page) => {
    const good = key ?? 'good';
    // A service without keys is made to want one.
    if (key === null) {
      await page.route('**/v1/**', (route) => {
        const headers = route.request().headers();
        if (headers.authorization !== `Bearer ${good}`)
          return route.fulfill(problem(401, 'A key is needed.'));
        delete headers.authorization;
        return route.continue({ headers });
      });
    }
    await page.goto(`${base}/`);
    const dialog = page.getByRole('dialog', { name: 'This service asks for an API key' });
    const give = async (typed) => {
      await dialog.getByLabel('API key').fill(typed);
      await dialog.getByRole('button', { name: 'Use this key' }).click();
    };
    await dialog.waitFor();
    await dialog.getByRole('button', { name: 'Not now' }).click();
    await page.getByText('press “API key” above').waitFor();
    await page.getByRole('button', { name: 'API key' }).click();
    await give('wrong');
    await dialog.getByText('The service does not take this key.').waitFor();
    await give(good);
    await isLive(page);
    const kept = await page.evaluate(() => [
      Object.values(sessionStorage),
      Object.values(localStorage),
    ]);
    assert.ok(kept[0].includes(good));
    assert.ok(!kept[1].includes(good));
    await uploadAll(page, [text(`${ofItsOwn('keyed-')}.txt`, 'Uploaded with a key.')]);
    await page.reload();
    await isLive(page);
  }));

test('a lost connection is told, and found again without a hand', () =>
  withPage(
    { expected: /Failed to load resource|ERR_INTERNET_DISCONNECTED/ },
    async (page, context) => {
      await isLive(page);
      await context.setOffline(true);
      await page.getByRole('alert').getByText('The connection is lost').waitFor();
      assert.equal(await textOf(page, '#live-text'), 'Offline');
      await context.setOffline(false);
      await isLive(page);
      await page.locator('#banner').waitFor({ state: 'hidden' });
    },
  ));

test('a document opens by keyboard to its timeline, and is deleted once that is confirmed', () =>
  withPage({ view: 'documents' }, async (page) => {
    const file = text(`${ofItsOwn('short-lived-')}.txt`, 'Not for long.');
    await uploadAll(page, [file]);
    const row = page.locator('#newest > li').filter({ hasText: file.name });
    await row.locator('.head').focus();
    await page.keyboard.press('Enter');
    assert.equal(await row.locator('.head').getAttribute('aria-expanded'), 'true');
    await becomes(
      () => row.locator('.timeline li:not(.ahead)').count(),
      (n) => n === 7,
      'the timeline has gaps',
    );
    await row.getByRole('button', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete this document?' });
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    assert.equal(await row.count(), 1);
    await row.getByRole('button', { name: 'Delete' }).click();
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.request().method() === 'DELETE'),
      dialog.getByRole('button', { name: 'Delete' }).click(),
    ]);
    assert.equal(answer.status(), 204);
    await row.waitFor({ state: 'detached' });
  }));

test('an empty service says what to do', () =>
  withPage({ open: false }, async (page) => {
    await page.route('**/v1/overview', async (route) => {
      const response = await route.fetch();
      const overview = await response.json();
      const lane = { waiting: 0, leased: 0, delayed: 0, oldest_s: 0 };
      Object.assign(overview, {
        queue: { interactive: lane, bulk: lane, dead: 0 },
        documents: { total: 0, bytes: 0 },
        workers: [],
        stages: [],
        quotas: [],
        alerts: [],
      });
      return route.fulfill({ response, json: overview });
    });
    await page.route('**/v1/documents?*', (route) =>
      route.fulfill({ json: { documents: [], next: null } }),
    );
    await page.route('**/v1/failures?*', (route) => route.fulfill({ json: { failures: [] } }));
    await page.goto(`${base}/`);
    await page.getByText('Drop a PDF anywhere on this page').waitFor();
    await page.getByText('No worker is running').waitFor();
    await page.goto(`${base}/#documents`);
    await page.getByText('Drop a PDF above to begin.').waitFor();
    await page.goto(`${base}/#failures`);
    await page.getByText('Nothing failed.').waitFor();
  }));

test('a phone shows every view without scrolling sideways', () =>
  withPage(phone, async (page) => {
    await uploadAll(page, [
      text(`${ofItsOwn('a-very-long-name-'.repeat(8))}.txt`, 'Long name.'),
      text(`${'w'.repeat(200)}${ofItsOwn('w')}.txt`, 'A name without a break.'),
    ]);
    await page.locator('#newest .head').first().click();
    for (const view of views) {
      await page.goto(`${base}/#${view}`);
      await isLive(page);
      const [needs, has] = await page.evaluate(() => [
        document.documentElement.scrollWidth,
        window.innerWidth,
      ]);
      assert.ok(needs <= has && has === 360, `${view} is ${needs} px wide of ${has}`);
    }
  }));

test('the colours follow the system, or the switch', () =>
  withPage({ colorScheme: 'dark' }, async (page) => {
    const lightness = () =>
      page.evaluate(() => {
        const [r, g, b] = getComputedStyle(document.documentElement)
          .backgroundColor.match(/\d+/g)
          .map(Number);
        return (r + g + b) / 3;
      });
    const series = () =>
      page.evaluate(() => getComputedStyle(document.querySelector('.series-1')).backgroundColor);
    const button = page.locator('#theme-button');
    await isLive(page);
    assert.ok((await lightness()) < 60);
    const dark = await series();
    await button.click();
    assert.equal(await button.getAttribute('aria-label'), 'Colours: light');
    assert.ok((await lightness()) > 200);
    assert.notEqual(await series(), dark);
    await page.reload();
    assert.ok((await lightness()) > 200);
    await button.click();
    await button.click();
    assert.equal(await button.getAttribute('aria-label'), 'Colours: as the system');
    assert.ok((await lightness()) < 60);
  }));

// A past as a page has it that was open for a while.
function remember(page, minutes) {
  return page.addInitScript((span) => {
    if (sessionStorage.getItem('penstock-history')) return;
    const wave = (s, period) => 0.5 + 0.5 * Math.sin((s / period) * 2 * Math.PI);
    const now = Date.now();
    const samples = [];
    for (let at = now - span * 60_000; at < now; at += 4000) {
      const s = at / 1000;
      samples.push([
        at,
        Math.trunc(9 * wave(s, 21)),
        Math.trunc(640 + 420 * wave(s, 140)),
        38 + 14 * wave(s, 97) + 5 * wave(s, 13),
        0.3 * wave(s, 29),
      ]);
    }
    sessionStorage.setItem('penstock-history', JSON.stringify(samples));
  }, minutes);
}

for (const [name, view, options] of [
  ['dashboard-light', 'overview', { colorScheme: 'light' }],
  ['dashboard-dark', 'documents', { colorScheme: 'dark' }],
  ['dashboard-phone', 'overview', { ...phone, colorScheme: 'light' }],
]) {
  test(`it is drawn: ${name}`, () =>
    withPage({ ...options, open: false }, async (page) => {
      await remember(page, 11);
      await page.goto(`${base}/#${view}`);
      await isLive(page);
      if (view === 'documents') {
        await drop(page, [
          pdf('Penstock design, 3rd edition.pdf', ['Water', 'Gates', 'Turbines']),
          text('meeting notes.txt', 'Notes.'),
          broken('holiday.pdf'),
        ]);
        for (const file of ['Penstock design, 3rd edition.pdf', 'holiday.pdf']) {
          await uploadRow(page, file)
            .and(page.locator('[data-state="done"], [data-state="failed"]'))
            .waitFor();
        }
        await page
          .locator('#newest > li')
          .filter({ hasText: 'Penstock design' })
          .first()
          .locator('.head')
          .click();
        await page.mouse.move(0, 0);
      }
      await page.evaluate(
        () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 400))),
      );
      await screenshot(page, name, fs);
    }));
}
