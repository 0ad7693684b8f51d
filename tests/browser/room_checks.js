// A visitor with a voice in a real room: the join page, and the admin page beside it.

import { join } from 'node:path';
import { Watch, accessible, launch } from './chromium.js';
import { assert, check, equal, until } from './checks.js';
import { loudest, sides } from './voice.js';

/** A page's own files; the client is LiveKit's. */
const PAGE_BYTES_MAX = 300_000;
/** From joining to the end of an answer: the question, the reply, and a busy machine. */
const ANSWER_MS_MAX = 60_000;
/** Opus at 16 kbit/s; a voice is sent at more. */
const SECOND_BYTES = 2_000;
const WIDE = { width: 1280, height: 800 };
/** The path through the code, of one who answers. */
const PATH = ['listening', 'thinking', 'speaking', 'listening'];

/** Keeps what a test cannot see from outside: peer connections, and the states of every tile. */
function spy() {
  window.connections = [];
  window.states = [];
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...options) {
      super(...options);
      window.connections.push(this);
    }
  };
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      const { key, state } = target.dataset;
      if (key && state) window.states.push([key, state]);
    }
  }).observe(document, { subtree: true, attributeFilter: ['data-state'] });
}

/** Bytes, energy and the present level of all sound that comes in. */
async function inbound() {
  const sum = { bytes: 0, energy: 0, level: 0 };
  for (const connection of window.connections) {
    for (const report of (await connection.getStats()).values()) {
      if (report.type !== 'inbound-rtp' || report.kind !== 'audio') continue;
      sum.bytes += report.bytesReceived ?? 0;
      sum.energy += report.totalAudioEnergy ?? 0;
      sum.level = Math.max(sum.level, report.audioLevel ?? 0);
    }
  }
  return sum;
}

/**
 * Joins `host` with a microphone that plays `question` to the persona `to`, and looks at both
 * pages. With `pictures`, a folder, both are painted into it.
 */
export async function roomChecks(host, question, to, words, pictures) {
  const browser = await launch(question);
  const context = await browser.newContext({
    viewport: WIDE, permissions: ['microphone', 'camera'], colorScheme: 'light',
  });
  const watch = new Watch(context);
  const visit = await context.newPage();
  await visit.addInitScript(spy);
  try {
    await lobbyChecks(visit, host);
    const admin = await context.newPage();
    await conversation(visit, admin, host, to, words, pictures);
    await sizeChecks(browser, host);
    await check('no request left the host', async () => {
      const { url } = await host.get('/api/status');
      watch.stayed(host.base, url);
      assert(watch.asked.some((address) => address.startsWith('ws')), 'the room was asked');
    });
    await check('no script of the pages failed', () => equal(watch.errors, [], 'errors'));
  } finally {
    await browser.close();
  }
}

async function lobbyChecks(visit, host) {
  await visit.goto(`${host.base}/`);
  await check('the lobby hears the microphone', async () => {
    await until('the level is followed', () => visit.locator('#try', { hasText: 'Stop' }).count());
    assert(await visit.locator('#mics option').count() > 0, 'microphones are listed');
  });
  await check('the lobby is accessible', () => accessible(visit));
}

async function conversation(visit, admin, host, to, words, pictures) {
  const tile = visit.locator(`.tile[data-key="${to}"]`);
  await check('a visitor joins, and the whole cast is there', async () => {
    await visit.fill('#name', 'Ana');
    await visit.click('#join');
    await tile.waitFor({ timeout: ANSWER_MS_MAX });
    await until('it is connected', () => visit.locator('#link.good').count());
    const personas = (await host.get('/api/status')).personas.length;
    await until('all tiles are there', async () => (
      await visit.locator('.tile[data-kind="persona"]').count() === personas));
  });
  await check('the visitor sees that the room is recorded', async () => {
    await visit.locator('#taped', { hasText: 'Recording' }).waitFor();
  });
  await admin.goto(`${host.base}/admin`);
  await check('what the visitor asked is captioned', async () => {
    const line = visit.locator('.log .said:not(.open) .text').filter({ hasText: words });
    await line.first().waitFor({ timeout: ANSWER_MS_MAX });
  });
  const before = await visit.evaluate(inbound);
  await check('the answer is seen: thinking, then speaking, with its caption', async () => {
    await visit.locator(`.tile[data-key="${to}"][data-state="speaking"]`)
      .waitFor({ timeout: ANSWER_MS_MAX });
    await until('the caption is on the tile', () => tile.locator('.says').textContent());
    if (pictures) await visit.screenshot({ path: join(pictures, 'join.png') });
  });
  await check('the answer is heard: bytes, energy and level', async () => {
    await until('a level', async () => (await visit.evaluate(inbound)).level > 0.01);
    await until('a second of sound', async () => {
      const now = await visit.evaluate(inbound);
      return now.bytes > before.bytes + SECOND_BYTES && now.energy > before.energy;
    });
  });
  const turn = await settled(host, to);
  await check('the tile went listening, thinking, speaking and back', async () => {
    const states = await until('it listens again', async () => {
      const all = await visit.evaluate(() => window.states);
      const own = all.filter(([key]) => key === to).map(([, state]) => state);
      return own.at(-1) === 'listening' && own.includes('speaking') && own;
    });
    // Setting the same state again is no step.
    const steps = states.filter((state, at) => state !== states[at - 1]);
    const last = steps.lastIndexOf('speaking');
    equal(steps.slice(Math.max(0, last - 2), last + 2), PATH, `the end of ${steps}`);
  });
  await check('the whole answer is in the log', async () => {
    const said = visit.locator(`.log .said[data-by="${to}"]:not(.open) .text`);
    await until('it is closed', async () => (
      (await said.allTextContents()).some((text) => text.trim() === turn.heard_text.trim())));
  });
  await adminChecks(admin, host, turn, pictures);
  await check('the stage is accessible', () => accessible(visit));
  await chatChecks(visit, to);
  await pictureChecks(visit, to);
  await reconnectChecks(visit, host, to);
  await leaveChecks(visit);
}

/** The record of the turn in which the persona spoke. */
function settled(host, to) {
  return until('the turn is settled', async () => {
    const { turns } = await host.get(`/api/turns?persona=${to}`);
    return turns.find((turn) => turn.outcome === 'spoke');
  }, ANSWER_MS_MAX);
}

async function adminChecks(admin, host, turn, pictures) {
  const row = admin.locator(`#turn-${turn.turn}`);
  await check('the admin page shows the turn; its stages sum to its e2e', async () => {
    await row.locator('summary').click();
    const lanes = row.locator('.waterfall .lane');
    // They are made when the row opens.
    await lanes.first().waitFor();
    equal(await lanes.count(), 9, 'lanes');
    const shown = await lanes.evaluateAll((all) => all.map((lane) => Number(lane.dataset.us ?? 0)));
    const sum = shown.reduce((all, us) => all + us, 0);
    equal([sum, await row.locator('.e2e').textContent()],
      [turn.e2e_us, await row.locator('.value.sum').textContent()], 'sum and e2e');
    assert(turn.e2e_us > 0, 'it took time');
  });
  await check('the transcript says what each made of the line', async () => {
    const outcomes = admin.locator('.outcomes').filter({ hasText: 'spoke' }).first();
    await outcomes.locator('summary').click();
    const reasons = await outcomes.locator('.reasons li').allTextContents();
    equal(reasons.length, (await host.get('/api/status')).personas.length, 'reasons');
    assert(reasons.some((text) => text.includes(turn.reason)), `${turn.reason} in ${reasons}`);
  });
  await check('a recording is seen', async () => {
    await admin.locator('#tape', { hasText: 'Recording' }).waitFor();
  });
  if (pictures) await paint(admin, join(pictures, 'admin.png'));
  await check('the recorded turn is heard beside its waterfall', async () => {
    await row.locator('.sound button').click();
    const source = await row.locator('audio').getAttribute('src');
    assert(source.startsWith('blob:'), source);
    const answer = await fetch(`${host.base}/api/turns/${turn.turn}/audio`);
    equal([answer.status, answer.headers.get('content-type')], [200, 'audio/wav'], 'the file');
    const { left, right, rate_hz } = sides(await answer.arrayBuffer());
    assert(loudest(left) > 0.02, `the human is heard on the left: ${loudest(left)}`);
    assert(loudest(right) > 0.02, `the persona is heard on the right: ${loudest(right)}`);
    const first = (side) => side.findIndex((sample) => Math.abs(sample) > 0.02) / rate_hz;
    const gap_s = first(right) - first(left);
    assert(gap_s > 0.5, `the answer comes ${gap_s} s after the question's begin`);
    await until('it plays', () => row.locator('audio').evaluate((it) => it.currentTime > 0));
  });
  await check('the admin page is accessible', () => accessible(admin));
  await check('recording is switched off, or the page says that it cannot', async () => {
    const known = (await fetch(`${host.base}/api/recording`)).status !== 404;
    await admin.click('#record');
    if (known) await admin.locator('#tape').waitFor({ state: 'hidden' });
    else await admin.locator('#banner', { hasText: 'cannot switch recording' }).waitFor();
    equal((await host.get('/api/status')).recording.state, known ? 'down' : 'up', 'recording');
    const heard = await fetch(`${host.base}/api/turns/${turn.turn}/audio`);
    equal(heard.status, 200, 'the turn is still on the last tape');
  });
}

async function paint(admin, path) {
  await admin.setViewportSize({ width: 1280, height: 1180 });
  await admin.mouse.move(0, 0);
  await admin.evaluate(() => document.activeElement.blur());
  await admin.screenshot({ path });
  await admin.setViewportSize(WIDE);
}

/** Types a question to `to`; resolves when it speaks. */
async function ask(visit, to, question) {
  await visit.fill('#say', `${to}, ${question}`);
  await visit.press('#say', 'Enter');
  await speaks(visit, to);
}

async function speaks(visit, to) {
  await visit.locator(`.tile[data-key="${to}"][data-state="speaking"]`)
    .waitFor({ timeout: ANSWER_MS_MAX });
}

async function chatChecks(visit, to) {
  await check('a typed line goes out, and is answered', async () => {
    await ask(visit, to, 'do you like rain?');
    await visit.locator('.log .said[data-manner="typed"]').first().waitFor();
  });
  await check('keys mute the microphone and show the camera; devices can be chosen', async () => {
    await visit.locator('#leave').focus();
    await visit.keyboard.press('m');
    await visit.locator('#mute[aria-pressed="true"]').waitFor();
    await visit.keyboard.press('v');
    await visit.locator('#camera[aria-pressed="true"]').waitFor();
    await visit.locator('.tile[data-kind="human"] video').waitFor();
    await visit.click('#gear');
    await visit.locator('#devices[open]').waitFor();
    for (const choice of ['#mics-live', '#cams', '#speakers']) {
      await until(`${choice} has devices`, async () => (
        await visit.locator(`${choice} option:not([value=""])`).count() > 0));
    }
    await accessible(visit);
    await visit.keyboard.press('Escape');
    await visit.locator('#devices:not([open])').waitFor({ state: 'attached' });
  });
}

/** Offers the page a picture as the clipboard does. */
async function paste(name) {
  const canvas = Object.assign(document.createElement('canvas'), { width: 1600, height: 900 });
  const pen = canvas.getContext('2d');
  ['crimson', 'seagreen', 'royalblue', 'gold'].forEach((colour, corner) => {
    pen.fillStyle = colour;
    pen.fillRect(800 * (corner % 2), 450 * Math.floor(corner / 2), 800, 450);
  });
  const bytes = await new Promise((done) => { canvas.toBlob(done, 'image/png'); });
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([bytes], name, { type: 'image/png' }));
  const event = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
  document.getElementById('say').dispatchEvent(event);
}

/** A file that is called a picture. */
const file = (name, mimeType, bytes) => ({ name, mimeType, buffer: Buffer.alloc(bytes, 'x') });

async function pictureChecks(visit, to) {
  const waiting = visit.locator('#tray img');
  await check('pictures wait above their line, and can be left out', async () => {
    await visit.evaluate(paste, 'first.png');
    await visit.evaluate(paste, 'second.png');
    await until('both wait', async () => await waiting.count() === 2);
    await accessible(visit);
    await visit.getByRole('button', { name: 'Leave out first.png' }).click();
    equal(await waiting.evaluateAll((all) => all.map(({ alt }) => alt)),
      ['Your picture second.png'], 'what waits');
  });
  await check('what is no picture, or too large, is refused with a sentence', async () => {
    for (const [given, word] of [
      [file('words.txt', 'text/plain', 10), 'is no PNG, JPEG or WebP'],
      [file('large.png', 'image/png', 9 << 20), 'more than 8 MB'],
      [file('noise.png', 'image/png', 1000), 'is broken'],
    ]) {
      await visit.setInputFiles('#file', given);
      await visit.locator('#banner', { hasText: word }).waitFor();
    }
    equal(await waiting.count(), 1, 'what waits');
  });
  await check('a picture goes out with its line, is shown in it, and is answered', async () => {
    await ask(visit, to, 'what do you see?');
    const typed = visit.locator('.log .said[data-manner="typed"]');
    const shown = typed.locator('img[alt="Your picture second.png"]');
    await shown.waitFor();
    const size = await shown.evaluate(({ naturalWidth, naturalHeight }) => (
      [naturalWidth, naturalHeight]));
    equal(size, [240, 135], 'its size');
    assert(await visit.locator('#tray').isHidden(), 'nothing waits any more');
  });
  await check('a key shows the screen, and hides it', async () => {
    await visit.locator('#leave').focus();
    for (const pressed of ['true', 'false']) {
      await visit.keyboard.press('s');
      await visit.locator(`#screen[aria-pressed="${pressed}"]`).waitFor();
    }
  });
}

/** The server dies and comes back; nobody touches the page. */
async function reconnectChecks(visit, host, to) {
  await check('a lost server is shown', async () => {
    await host.livekit.stop('SIGKILL');
    await visit.locator('#link.warn', { hasText: 'Reconnecting' }).waitFor();
  });
  const line = `${to}, do you like snow?`;
  await check('a line typed meanwhile is kept, and the page says so', async () => {
    await visit.fill('#say', line);
    await visit.evaluate(paste, 'kept.png');
    await visit.locator('#tray img').waitFor();
    await visit.press('#say', 'Enter');
    await visit.locator('#banner', { hasText: 'did not go out' }).waitFor();
    equal(await visit.inputValue('#say'), line, 'the line');
    equal(await visit.locator('#tray img').count(), 1, 'its picture');
  });
  await check('the page comes back by itself, and so does the cast', async () => {
    await host.livekit.run();
    await visit.locator('#link.good').waitFor({ timeout: ANSWER_MS_MAX });
    await until('the host has everybody back', async () => {
      const { personas, humans, parts } = await host.get('/api/status');
      return parts.server.state === 'up' && humans.length > 0
        && personas.every(({ hosted, link }) => hosted && link.up);
    }, ANSWER_MS_MAX);
    await visit.locator(`.tile[data-key="${to}"][data-state="listening"]`)
      .waitFor({ timeout: ANSWER_MS_MAX });
  });
  await check('the kept line goes out, and is answered', async () => {
    await visit.press('#say', 'Enter');
    await speaks(visit, to);
  });
}

async function leaveChecks(visit) {
  await check('whoever leaves is back in the lobby', async () => {
    await visit.click('#leave');
    await visit.locator('#enter-word', { hasText: 'You left the room' }).waitFor();
  });
}

async function sizeChecks(browser, host) {
  for (const path of ['/', '/admin']) {
    await check(`${path} loads below 300 KB without LiveKit's client`, async () => {
      const context = await browser.newContext();
      const watch = new Watch(context);
      const page = await context.newPage();
      await page.goto(host.base + path, { waitUntil: 'load' });
      await until('its scripts ran', () => page.evaluate(() => document.readyState === 'complete'));
      const bytes = await watch.bytes();
      assert(bytes > 10_000 && bytes < PAGE_BYTES_MAX, `${bytes} bytes`);
      await context.close();
    });
  }
}
