// Debian's Chromium, watched: where its requests go, how much a page loads, what it complains of.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { assert, equal } from './checks.js';

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
/** Issues that count; lesser ones are matters of taste. */
const GRAVE = ['serious', 'critical'];
const CLIENT = 'livekit-client';

export function chromiumBinary() {
  const named = process.env.CHROMIUM ?? 'chromium';
  const asked = spawnSync('sh', ['-c', 'command -v "$0"', named], { encoding: 'utf8' });
  const found = asked.stdout.trim();
  assert(found, `there is no ${named}: run scripts/setup, or set CHROMIUM to a Chromium or Chrome`);
  return found;
}

/** Starts it; with `microphone` a WAV file is what its microphone hears, once. */
export function launch(microphone) {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
    '--auto-select-desktop-capture-source=Entire screen',
    '--autoplay-policy=no-user-gesture-required'];
  if (microphone) args.push(`--use-file-for-fake-audio-capture=${microphone}%noloop`);
  return chromium.launch({ executablePath: chromiumBinary(), args });
}

/** What the pages of a context asked for and said. */
export class Watch {
  /** Every address, of WebSockets too. */
  asked = [];
  /** Mistakes of scripts. */
  errors = [];
  #sizes = new Map();
  #pending = [];

  constructor(context) {
    context.on('page', (page) => {
      page.on('pageerror', (error) => this.errors.push(error.message));
      page.on('websocket', (socket) => this.asked.push(socket.url()));
    });
    context.on('request', (request) => this.asked.push(request.url()));
    context.on('response', (response) => this.#pending.push(this.#weigh(response)));
  }

  async #weigh(response) {
    const url = response.url();
    if (/\/api\//.test(url) || !url.startsWith('http')) return;
    const body = await response.body().catch(() => null);
    if (body) this.#sizes.set(url, body.length);
  }

  /** Bytes of the files that were loaded, without LiveKit's client. */
  async bytes() {
    await Promise.all(this.#pending);
    return [...this.#sizes].filter(([url]) => !url.includes(CLIENT))
      .reduce((sum, [, bytes]) => sum + bytes, 0);
  }

  /** Throws when a request went elsewhere than to these origins. */
  stayed(...origins) {
    const homes = origins.map((origin) => new URL(origin).host);
    const away = this.asked.filter((address) => {
      const { protocol, host } = new URL(address);
      return !['data:', 'blob:'].includes(protocol) && !homes.includes(host);
    });
    equal([...new Set(away)], [], 'requests that left the host');
  }
}

/** Throws when axe finds a serious or critical issue, in light and dark, narrow and wide. */
export async function accessible(page) {
  const size = page.viewportSize();
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [360, 1280]) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height: 800 });
      await audit(page, `${colorScheme}, ${width} px`);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert(overflow <= 0, `the page is ${overflow} px wider than the window at ${width} px`);
    }
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  await page.setViewportSize(size);
}

async function audit(page, how) {
  await page.evaluate(`${AXE}; undefined`);
  const { violations } = await page.evaluate('axe.run()');
  const grave = violations.filter((issue) => GRAVE.includes(issue.impact));
  const words = grave.map((issue) => {
    const nodes = issue.nodes.slice(0, 3).map((node) => `${node.html}\n  ${node.failureSummary}`);
    return `${issue.id} (${issue.impact}): ${issue.help}\n  ${nodes.join('\n  ')}`;
  });
  assert(!grave.length, `${how}: ${words.join('\n')}`);
}
