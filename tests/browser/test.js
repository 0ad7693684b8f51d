// The pages in a browser: a visitor with a voice in a real room, and an invented full house.
//
// node tests/browser/test.js [--screenshots] [--house]
// `--screenshots` paints docs/images anew; `--house` leaves the real room out. TROUPE_BIN is the
// program, else the release build.

import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch } from './chromium.js';
import { assert, check, close } from './checks.js';
import { firefoxBinary, firefoxChecks } from './firefox_checks.js';
import { Host } from './host.js';
import { houseChecks } from './house_checks.js';
import { roomChecks } from './room_checks.js';
import { writeQuestion } from './voice.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const QUESTION = 'felix_storm';
/** Of what was asked, a word that a small recogniser gets right. */
const HEARD_WORD = 'storm';
const PICTURE_BYTES_MAX = 300_000;

function binary() {
  const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target');
  return process.env.TROUPE_BIN ?? join(target, 'release', 'troupe');
}

function clip() {
  const { clips } = JSON.parse(readFileSync(join(ROOT, 'tests/peers/clips/clips.json'), 'utf8'));
  return clips.find(({ file }) => file.endsWith(`/${QUESTION}.ogg`));
}

async function room(question, to, pictures) {
  let host;
  await check('the host starts, and its cast is there', async () => {
    host = await Host.start(binary());
  });
  if (!host) return;
  let whole = false;
  try {
    await roomChecks(host, question, to, HEARD_WORD, pictures);
    const fox = firefoxBinary();
    if (fox) await firefoxChecks(host, fox, to);
    else console.log('not run: there is no Firefox on this machine');
    whole = true;
  } finally {
    if (!whole) console.log(host.tail());
    await check('the host ends in order', async () => {
      const code = await host.stop();
      assert(code === 0, `exit code ${code}:\n${host.tail()}`);
    });
    host.clean();
  }
}

async function main() {
  const place = mkdtempSync(join(tmpdir(), 'troupe-browser-'));
  const pictures = process.argv.includes('--screenshots') ? place : null;
  try {
    const browser = await launch();
    const { file, to } = clip();
    const question = join(place, 'question.wav');
    try {
      await writeQuestion(await browser.newPage(), join(ROOT, file), question);
      await houseChecks(browser, join(ROOT, 'web'));
    } finally {
      await browser.close();
    }
    if (!process.argv.includes('--house')) await room(question, to, pictures);
    if (pictures) keep(pictures);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** Moves the pictures to the documents, when they are small enough for them. */
function keep(pictures) {
  for (const name of ['join.png', 'admin.png'].filter((name) => existsSync(join(pictures, name)))) {
    const bytes = statSync(join(pictures, name)).size;
    if (bytes > PICTURE_BYTES_MAX) throw new Error(`${name} has ${bytes} bytes`);
    copyFileSync(join(pictures, name), join(ROOT, 'docs/images', name));
  }
}

try {
  await main();
} catch (error) {
  // What broke outside of a check counts as one that failed.
  await check('the test ran to its end', () => { throw error; });
}
process.exitCode = close();
