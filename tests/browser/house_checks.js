// The admin page over an invented house: what a real room shows after hours, or when it breaks.

import { Watch, accessible } from './chromium.js';
import { assert, check, equal, until } from './checks.js';
import { StandIn, house, turn } from './stand_in.js';

const PERSONAS = 12;
const TURNS = 1_000;
/** Numbers of turns that come later: one that failed, and one of those that ran ahead of time. */
const FAILED = 3_001;
const EARLY = 3_003;
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
    await faceChecks(page);
    await listChecks(page, stand);
    await shownChecks(page, stand);
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

async function faceChecks(page) {
  await check('every persona has its face over its initials', async () => {
    const stills = page.locator('#cast .face .still');
    equal(await stills.count(), PERSONAS, 'stills');
    await until('they are loaded', () => stills.evaluateAll((all) => (
      all.every((still) => still.complete && still.naturalWidth > 0))));
  });
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
    const seen = () => page.evaluate(() => {
      const { top } = document.getElementById('turns-scroll').getBoundingClientRect();
      const row = [...document.querySelectorAll('.turn')].find((node) => {
        const at = node.getBoundingClientRect();
        return at.top <= top && at.bottom > top;
      });
      return row && [row.id, Math.round(row.getBoundingClientRect().top - top)];
    });
    await until('the rows there are drawn', seen);
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

async function shownChecks(page, stand) {
  await check('percentiles and a histogram stand for every persona and stage', async () => {
    equal(await page.locator('#latency tbody td').count(), PERSONAS * 10, 'cells');
    const bars = page.locator('#latency tbody td .bars path[d^="M"]');
    equal(await bars.count(), PERSONAS * 10, 'histograms');
    const cell = await page.locator('#latency tbody td').first().innerText();
    for (const figure of ['180 ms', '300 · 420 ms']) assert(cell.includes(figure), cell);
  });
  await check('what is missing says why, what overlaps is shown so', async () => {
    await page.locator('#turns-scroll').evaluate((view) => { view.scrollTop = 0; });
    stand.tell('turn', turn(FAILED, 'ada', 'failed'));
    stand.tell('turn', turn(EARLY, 'ada', 'spoke'));
    const [failed, early] = [FAILED, EARLY].map((number) => page.locator(`#turn-t${number}`));
    await failed.locator('summary').click();
    await failed.locator('.lane.missing', { hasText: 'not reached' }).first().waitFor();
    await failed.locator('summary').click();
    await early.locator('summary').click();
    await early.locator('.lane .ready').waitFor();
    await early.locator('.early-note', { hasText: 'before its turn' }).waitFor();
    await early.locator('summary').click();
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
    const fresh = EARLY + 3;
    stand.tell('turn', turn(fresh, 'ada', 'spoke'));
    const row = page.locator(`#turn-t${fresh}`);
    await row.locator('summary').click();
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
