// The same pages in Firefox, where one is installed: all that must not depend on the browser.

import { spawnSync } from 'node:child_process';
import { firefox } from 'playwright-core';
import { assert, check, until } from './checks.js';

const ANSWER_MS_MAX = 60_000;
/** A microphone that hums and asks nobody, and sound that plays without a click. */
const SETTINGS = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  // Without it nothing reaches a server on this machine.
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
};

/** The Firefox to use: FIREFOX, or one on the PATH; none where there is none. */
export function firefoxBinary() {
  const names = process.env.FIREFOX ? [process.env.FIREFOX] : ['firefox-esr', 'firefox'];
  const found = names.map((name) => (
    spawnSync('sh', ['-c', 'command -v "$0"', name], { encoding: 'utf8' }).stdout.trim()));
  return found.find(Boolean) ?? null;
}

/** A visitor types to the persona `to`, and hears it. */
export async function firefoxChecks(host, executablePath, to) {
  const browser = await firefox.launch({
    // Over WebDriver BiDi, which an unmodified Firefox speaks.
    channel: 'moz-firefox', executablePath, firefoxUserPrefs: SETTINGS,
  });
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    const errors = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(`${host.base}/`);
    // Without a sound card Firefox measures no level, so it is not asked for.
    await check('Firefox: the lobby opens the microphone', async () => {
      await until('the microphone is open', async () => {
        if (await page.locator('#try', { hasText: 'Stop' }).count()) return true;
        await page.click('#try');
        return false;
      });
    });
    await check('Firefox: a visitor joins, types, and is answered with a caption', async () => {
      await page.fill('#name', 'Bo');
      await page.check('#quiet');
      await page.click('#join');
      const tile = page.locator(`.tile[data-key="${to}"]`);
      await tile.waitFor({ timeout: ANSWER_MS_MAX });
      await page.fill('#say', `${to}, which soup do you cook?`);
      await page.press('#say', 'Enter');
      await page.locator(`.tile[data-key="${to}"][data-state="speaking"]`)
        .waitFor({ timeout: ANSWER_MS_MAX });
      await until('the caption is on the tile', () => tile.locator('.says').textContent());
      await until('its sound plays', () => page.evaluate(() => (
        [...document.querySelectorAll('audio')].some((it) => !it.paused && it.currentTime > 0.5))));
    });
    await check('Firefox: devices can be chosen', async () => {
      await page.click('#gear');
      await page.locator('#devices[open] #mics-live option').first().waitFor({ state: 'attached' });
      await page.click('#devices-done');
      await page.locator('#devices:not([open])').waitFor({ state: 'attached' });
    });
    await adminChecks(await context.newPage(), host, errors);
    await check('Firefox: no script of the pages failed', () => {
      assert(!errors.length, errors.join('\n'));
    });
  } finally {
    await browser.close();
  }
}

async function adminChecks(page, host, errors) {
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(`${host.base}/admin`);
  await check('Firefox: the admin page shows a turn and its waterfall', async () => {
    await page.locator('.turn summary').first().click();
    await page.locator('.waterfall .lane').first().waitFor();
    await page.locator('#feed.good').waitFor();
  });
}
