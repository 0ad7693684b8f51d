// The admin page over an invented house: what a real room shows only after hours, or when it breaks.

import { Watch, accessible } from './chromium.js';
import { assert, check, equal, until } from './checks.js';
import { StandIn, house, turn } from './stand_in.js';

const PERSONAS = 12;
const TURNS = 1_000;
/** Rows in the page, of a thousand: those in sight, and some beyond. */
const ROWS_MAX = 100;
/** Work of the page for one more turn, on a machine that does other things too. */
const TURN_MS_MAX = 40;

/** Opens the pages of `web` in `browser` over a stand-in host. */
export async function houseChecks(browser, web) {
  const stand = new StandIn(web, house(PERSONAS, TURNS));
  const base = await stand.listen();
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const watch = new Watch(context);
  const page = await context.newPage();
  await page.goto(`${base}/admin`);
  await page.selectOption('#filter', '');
  await page.locator('.turn').first().waitFor();
  try {
    await listChecks(page, stand);
    await shownChecks(page);
    await tapeChecks(page, stand);
    await breakChecks(page, stand);
    await check('a full house is accessible, and fits', () => accessible(page));
    await check('nothing but the host was asked, and no script failed', () => {
      watch.stayed(base);
      equal(watch.errors, [], 'errors');
    });
  } finally {
    await context.close();
    stand.close();
  }
}

async function listChecks(page, stand) {
  const place = () => page.evaluate(() => document.activeElement.closest('.turn')?.ariaPosInSet);
  await check('of a thousand turns only those in sight are in the page', async () => {
    const first = page.locator('.turn').first();
    await until('all of them', async () => await first.getAttribute('aria-setsize') === `${TURNS}`);
    const rows = await page.locator('.turn').count();
    assert(rows > 5 && rows < ROWS_MAX, `${rows} rows`);
  });
  await check('the keys reach every turn', async () => {
    await page.locator('.turn summary').first().focus();
    await page.keyboard.press('ArrowDown');
    equal(await place(), '2', 'the next row');
    await page.keyboard.press('End');
    await until('the last row', async () => await place() === `${TURNS}`);
    const seen = await page.evaluate(() => {
      const [row, view] = [document.activeElement, document.getElementById('turns-scroll')]
        .map((node) => node.getBoundingClientRect());
      return row.top >= view.top - 1 && row.bottom <= view.bottom + 1;
    });
    assert(seen, 'the focused row is in sight');
    await page.keyboard.press('ArrowUp');
    equal(await place(), `${TURNS - 1}`, 'the row before');
    await page.keyboard.press('Enter');
    await page.locator(`[aria-posinset="${TURNS - 1}"] .waterfall`).waitFor();
    const rows = await page.locator('.turn').count();
    assert(rows < ROWS_MAX, `${rows} rows`);
  });
  await check('what is read stays in place while turns come, and each costs little', async () => {
    await page.evaluate(() => { document.getElementById('turns-scroll').scrollTop = 20_000; });
    await until('it scrolled', () => page.evaluate(() => (
      Number(document.querySelectorAll('.turn')[12].ariaPosInSet) > 100)));
    const seen = () => page.evaluate(() => {
      const top = document.getElementById('turns-scroll').getBoundingClientRect().top;
      const row = [...document.querySelectorAll('.turn')]
        .find((node) => node.getBoundingClientRect().bottom > top);
      return [row.id, Math.round(row.getBoundingClientRect().top - top)];
    });
    const before = await seen();
    const many = 100;
    const busy_ms = await mainThread(page, async () => {
      for (let number = TURNS + 1; number <= TURNS + many; number += 1) {
        const persona = stand.state.status.personas[number % PERSONAS].id;
        stand.tell('turn', turn(number, persona, 'spoke'));
        await new Promise((resume) => { setTimeout(resume, 8); });
      }
      await until('all came', () => page.evaluate(() => (
        document.getElementById('count').textContent.endsWith('of the last 1000'))));
    });
    equal(await seen(), before, 'the first row in sight');
    assert(busy_ms / many < TURN_MS_MAX, `${busy_ms / many} ms for each turn`);
  });
}

/** How long the page's main thread worked meanwhile. */
async function mainThread(page, act) {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const busy_s = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration').value;
  };
  const before = await busy_s();
  await act();
  const after = await busy_s();
  await session.detach();
  return 1_000 * (after - before);
}

async function shownChecks(page) {
  await check('percentiles and a histogram stand for every persona and stage', async () => {
    equal(await page.locator('#latency tbody td').count(), PERSONAS * 10, 'cells');
    equal(await page.locator('#latency tbody td .bars path[d^="M"]').count(), PERSONAS * 10, 'bars');
    const cell = await page.locator('#latency tbody td').first().innerText();
    for (const figure of ['180 ms', '300 ms', '420 ms']) assert(cell.includes(figure), cell);
  });
  await check('what is missing says why, what overlaps is shown so', async () => {
    await page.locator('#turns-scroll').evaluate((view) => { view.scrollTop = 0; });
    await page.selectOption('#filter', 'voiced');
    const early = page.locator('.turn', { has: page.locator('[data-outcome="spoke"]') });
    await early.nth(1).waitFor();
    let found = false;
    for (const row of await early.all()) {
      await row.locator('summary').click();
      found = await row.locator('.lane .ready').count() > 0;
      if (found) break;
    }
    assert(found, 'a stage that was ready ahead of time');
    assert(await page.locator('.early-note', { hasText: 'before its turn' }).count(), 'in words');
    const failed = page.locator('.turn', { has: page.locator('[data-outcome="failed"]') });
    await until('a failed one is in sight', async () => {
      if (await failed.count()) return true;
      await page.locator('#turns-scroll').evaluate((view) => { view.scrollTop += 300; });
      return false;
    });
    await failed.first().locator('summary').click();
    await failed.first().locator('.lane.missing', { hasText: 'not reached' }).first().waitFor();
  });
  await check('hearing, queues and adapters are shown', async () => {
    for (const words of ['120 begun in pauses: 71 used', '131 pauses judged']) {
      await page.locator('#hearing', { hasText: words }).waitFor();
    }
    await page.locator('#queues li', { hasText: 'pauses' }).locator('.lost.bad').waitFor();
    await page.locator('.member .adapter', { hasText: 'bruno-verse' }).waitFor();
    await page.locator('#parts', { hasText: 'restarted 3 times' }).waitFor();
  });
}

async function tapeChecks(page, stand) {
  await check('recording is switched on and off, and is seen while it runs', async () => {
    await page.click('#record');
    await page.locator('#tape', { hasText: 'Recording' }).waitFor();
    equal(stand.orders.at(-1), ['/api/recording', { on: true }], 'the order');
    assert((await page.title()).startsWith('●'), 'the title has the sign too');
    await page.locator('#record[aria-pressed="true"]').click();
    await page.locator('#tape').waitFor({ state: 'hidden' });
    equal(stand.orders.at(-1), ['/api/recording', { on: false }], 'the order');
  });
  await check('a turn that is on no tape says so', async () => {
    await page.selectOption('#filter', 'ada');
    await page.locator('#turns-scroll').evaluate((view) => { view.scrollTop = 0; });
    const row = page.locator('.turn[aria-posinset="1"]');
    const summary = row.locator('summary');
    await summary.click();
    await row.locator('.sound button').click();
    await row.locator('.sound', { hasText: 'The turn is on no tape of this run.' }).waitFor();
  });
  await check('a host that cannot switch recording loses the button, with a sentence', async () => {
    stand.records = false;
    await page.click('#record');
    await page.locator('#banner', { hasText: 'start it with --record' }).waitFor();
    assert(!await page.locator('#record').isVisible(), 'the button is gone');
  });
}

async function breakChecks(page, stand) {
  await check('after a break of the feed a fresh snapshot puts everything right', async () => {
    const opened = stand.opened;
    stand.breakFeeds();
    await page.locator('#feed.bad', { hasText: 'Reconnecting' }).waitFor();
    const fresh = house(PERSONAS, 24);
    fresh.status.room = 'after the break';
    fresh.turns.push(turn(2_000, 'nora', 'spoke'));
    stand.state = fresh;
    await page.locator('#feed.good', { hasText: 'Live' }).waitFor();
    equal(stand.opened, opened + 1, 'feeds');
    await page.locator('#room', { hasText: 'after the break' }).waitFor();
    await page.selectOption('#filter', '');
    await until('the new turns alone', async () => (
      await page.locator('.turn').first().getAttribute('aria-setsize') === '25'));
    await page.locator('#turn-t2000').waitFor();
  });
}
