// A recorded question as the WAV file that Chromium's fake microphone plays.

import { readFileSync, writeFileSync } from 'node:fs';

const RATE_HZ = 48_000;
/** The visitor has joined and is heard before the question begins. */
const LEAD_S = 4;
/** Nobody breathes into this microphone: the silence after it lasts for the whole test. */
const TAIL_S = 120;

/** Decodes `clip` (Ogg Opus) in a page, which has a decoder, and writes it with silence around. */
export async function writeQuestion(page, clip, to) {
  const encoded = readFileSync(clip).toString('base64');
  const samples = await page.evaluate(async ([data, rate]) => {
    const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
    const sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes.buffer);
    return [...sound.getChannelData(0)];
  }, [encoded, RATE_HZ]);
  const whole = Buffer.alloc(2 * (RATE_HZ * (LEAD_S + TAIL_S) + samples.length));
  samples.forEach((sample, index) => {
    const value = Math.round(Math.min(1, Math.max(-1, sample)) * 32_767);
    whole.writeInt16LE(value, 2 * (RATE_HZ * LEAD_S + index));
  });
  writeFileSync(to, Buffer.concat([header(whole.length), whole]));
}

/** Of a WAV file of one channel and 16 bits. */
function header(bytes) {
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + bytes, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(RATE_HZ, 24);
  head.writeUInt32LE(2 * RATE_HZ, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(bytes, 40);
  return head;
}

/** The two sides of a WAV file and its rate: `{left, right, rate_hz}`, samples from -1 to 1. */
export function sides(file) {
  const view = new DataView(file);
  const text = (at) => String.fromCharCode(...new Uint8Array(file, at, 4));
  let at = 12;
  while (text(at) !== 'data') at += 8 + view.getUint32(at + 4, true);
  const count = view.getUint32(at + 4, true) / 4;
  const side = (offset) => Float32Array.from({ length: count },
    (_, index) => view.getInt16(at + 8 + 4 * index + offset, true) / 32_768);
  return { left: side(0), right: side(2), rate_hz: view.getUint32(24, true) };
}

export const loudest = (samples) => samples.reduce((most, it) => Math.max(most, Math.abs(it)), 0);
