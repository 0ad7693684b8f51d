// A host that is invented: the pages from web/ as they are, and answers that the test chooses.
// It shows what a real room cannot show on demand: a thousand turns, a break of the feed, a tape.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';

const KINDS = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css',
  '.mjs': 'text/javascript', '.svg': 'image/svg+xml',
};
/** As src/admin/guard.rs sends it, so that what it forbids is noticed here too. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
  + "media-src 'self' blob:; worker-src 'self' blob:; connect-src 'self'";
const STAGES = ['end_of_turn', 'transcription', 'decide', 'queue', 'prefill', 'first_token',
  'first_sentence', 'first_audio', 'publish'];
const NAMES = ['Ada', 'Bruno', 'Chidi', 'Delia', 'Emeka', 'Felix', 'Greta', 'Hanako', 'Ines',
  'Jonas', 'Kwame', 'Nora'];
const OUTCOMES = ['spoke', 'passed', 'outbid', 'interrupted', 'asleep', 'failed'];
const REASONS = {
  spoke: 'called by name', passed: 'somebody else is asked', outbid: 'another bid more',
  interrupted: 'a human began to speak', asleep: 'asleep', failed: 'the voice gave no sound',
};
const BOUNDS_US = [1e3, 3e3, 1e4, 25e3, 5e4, 1e5, 2e5, 35e4, 5e5, 7e5, 1e6, 15e5, 2e6, 4e6];
const BEGAN_UNIX_MS = Date.UTC(2026, 2, 21, 18, 30);

/** Numbers that look random and are the same in every run. */
function dice(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % below;
  };
}

/** A turn of a persona; a spoken one has stages, some of them ahead of time. */
export function turn(number, persona, outcome) {
  const roll = dice(number * 7919);
  const granted = ['spoke', 'interrupted', 'failed'].includes(outcome);
  const us = [240e3, 90e3, 800, roll(4e3), 4e4 + roll(1e5), 100, 5e4 + roll(9e4), 8e4 + roll(2e5),
    roll(900)];
  const stages_us = {};
  const missing = {};
  STAGES.forEach((stage, place) => {
    const cut = (!granted && place > 1) || (outcome === 'failed' && place > 6);
    stages_us[stage] = cut ? null : us[place];
    if (cut) missing[stage] = granted ? 'not reached' : 'not granted';
  });
  const ahead_us = {};
  if (granted && number % 3 === 0) {
    // Recognised in the pause: the text was there before the turn was over.
    ahead_us.transcription = 60e3;
    stages_us.transcription = 0;
  }
  const audible = outcome === 'spoke' || outcome === 'interrupted';
  const e2e_us = audible ? STAGES.reduce((sum, stage) => sum + stages_us[stage], 0) : null;
  return {
    turn: `t${number}`, line: `l${Math.ceil(number / NAMES.length)}`, persona, outcome,
    reason: REASONS[outcome], confidence: 0.4 + roll(60) / 100, stages_us, missing, ahead_us,
    e2e_us, prompt_tokens: 300 + roll(900), cached_tokens: 250, completion_tokens: 20,
    decode_tok_s: 96.4, heard_text: audible ? 'Ferns, and almost every moss.' : '',
    at_unix_ms: BEGAN_UNIX_MS + number * 900,
  };
}

/** The snapshot of a house with so many personas and turns. */
export function house(personas, turns) {
  const cast = NAMES.slice(0, personas);
  const ids = cast.map((name) => name.toLowerCase());
  const all = Array.from({ length: turns }, (_, index) => {
    const speaks = index % personas === (index / personas | 0) % personas;
    const outcome = speaks ? OUTCOMES[[0, 0, 0, 3, 0, 5][(index / personas | 0) % 6]]
      : OUTCOMES[[1, 1, 2, 1, 4][index % 5]];
    return turn(index + 1, ids[index % personas], outcome);
  });
  const lines = Array.from({ length: Math.ceil(turns / NAMES.length) }, (_, index) => ({
    id: `l${index + 1}`, speaker: 'tom-1', name: 'Tom', human: true, manner: 'heard',
    text: `${cast[index % personas]}, which plants like the shade behind the house?`,
    at_unix_ms: BEGAN_UNIX_MS + index * 10_800,
  }));
  const up = (detail) => ({ state: 'up', detail, restarts: 0 });
  return {
    bounds_us: BOUNDS_US,
    lines,
    turns: all,
    latency: ids.flatMap((persona) => [...STAGES, 'e2e'].map((stage) => row(persona, stage))),
    status: {
      version: '0.1.0', room: 'demo', url: 'ws://127.0.0.1:7880', ready: true, uptime_s: 4321,
      personas: cast.map((name, index) => ({
        id: ids[index], name, mode: index === 8 ? 'asleep' : 'open', hosted: index !== 9,
        state: ['listening', 'thinking', 'speaking'][index % 3],
        failed_cause: index === 9 ? 'the room refused it' : null, restarts: index === 7 ? 2 : 0,
        link: { up: index !== 9, cause: null },
        seat: { tokens: 1000 + 77 * index, cached_ratio: 0.9 },
        adapter: index === 1 ? 'bruno-verse' : null,
      })),
      humans: [{ id: 'tom-1', name: 'Tom', speaking: false }],
      parts: {
        ears: { state: 'down', detail: 'the recogniser ended by signal 9', restarts: 3 },
        engine: up('smollm2-135m-instruct'), voice: up('piper-en-us-joe'),
        server: up('ws://127.0.0.1:7880'),
      },
      hearing: {
        heard: 84, gated: 3, failed: 0, recognition_us_max: 412_000,
        early: { begun: 120, used: 71, thrown: 44 },
        pauses: { answered: 131, skipped: 2, failed: 0, took_us_max: 83_000 },
      },
      queues: [
        { name: 'utterances', len: 1, bound: 8, dropped: 0 },
        { name: 'early passes', len: 0, bound: 4, dropped: 0 },
        { name: 'pauses', len: 0, bound: 4, dropped: 2 },
        { name: 'replies', len: 3, bound: 16, dropped: 0 },
      ],
    },
  };
}

function row(persona, stage) {
  const roll = dice(persona.length * 31 + stage.length * 17);
  const histogram = BOUNDS_US.concat(0).map(() => (roll(3) ? 0 : roll(20)));
  histogram[6] += 30;
  return {
    persona, stage, count: 90, p50_us: 180e3, p95_us: 300e3, p99_us: 420e3, max_us: 600e3,
    histogram,
  };
}

/** Serves until `close()`. `state` may be changed at any time; `tell` sends a frame. */
export class StandIn {
  state;
  /** Orders that came: `[path, body]`. */
  orders = [];
  /** What GET /api/turns/…/audio answers: a WAV file, or a sentence. */
  sound = 'the turn is on no tape of this run';
  /** Whether POST /api/recording is known. */
  records = true;
  /** How often the feed was opened. */
  opened = 0;
  #feeds = new Set();
  #web;
  #server;

  constructor(web, state) {
    this.#web = web;
    this.state = state;
    this.#server = createServer((request, answer) => this.#serve(request, answer));
  }

  async listen() {
    await new Promise((ready) => { this.#server.listen(0, '127.0.0.1', ready); });
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  close() {
    this.breakFeeds();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  tell(kind, body) {
    for (const feed of this.#feeds) feed.write(`event: ${kind}\ndata: ${JSON.stringify(body)}\n\n`);
  }

  /** Ends every feed, as a host that stops does. */
  breakFeeds() {
    for (const feed of this.#feeds) feed.destroy();
    this.#feeds.clear();
  }

  async #serve(request, answer) {
    const path = new URL(request.url, 'http://host').pathname;
    answer.setHeader('content-security-policy', POLICY);
    if (request.method === 'POST') return this.#order(path, request, answer);
    if (path === '/api/events') return this.#feed(answer);
    if (path === '/api/latency') {
      const { latency, bounds_us } = this.state;
      return json(answer, 200, { latency, bounds_us, outcomes: {} });
    }
    if (path.endsWith('/audio')) return this.#audio(answer);
    if (path.endsWith('/face.png')) return this.#face(answer);
    return this.#file(path, answer);
  }

  #feed(answer) {
    this.opened += 1;
    answer.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    this.#feeds.add(answer);
    answer.on('close', () => this.#feeds.delete(answer));
    answer.write(`retry: 200\nevent: snapshot\ndata: ${JSON.stringify(this.state)}\n\n`);
  }

  /** A still of one colour; what a face is sent as is the browser's to find out. */
  #face(answer) {
    answer.writeHead(200, { 'content-type': 'image/svg+xml' });
    return answer.end('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path '
      + 'fill="#b88" d="M0 0h1v1H0z"/></svg>');
  }

  #audio(answer) {
    if (typeof this.sound === 'string') return json(answer, 404, { error: this.sound });
    answer.writeHead(200, { 'content-type': 'audio/wav' });
    return answer.end(this.sound);
  }

  async #order(path, request, answer) {
    let body = '';
    for await (const chunk of request) body += chunk;
    this.orders.push([path, body && JSON.parse(body)]);
    if (path !== '/api/recording') return json(answer, 202, {});
    if (!this.records) return json(answer, 404, { error: 'there is no such page' });
    const on = JSON.parse(body).on;
    this.state.status.recording = {
      state: on ? 'up' : 'down', cause: on ? null : 'the recording ended', dropped: 0,
      folder: 'tapes/demo-1.tape',
    };
    json(answer, 200, this.state.status.recording);
    return this.tell('status', this.state.status);
  }

  async #file(path, answer) {
    const named = { '/': 'join.html', '/admin': 'admin.html' }[path]
      ?? normalize(path).replace(/^\/assets\//, '');
    try {
      const file = await readFile(join(this.#web, named));
      const kind = KINDS[extname(named)] ?? 'application/octet-stream';
      answer.writeHead(200, { 'content-type': kind });
      answer.end(file);
    } catch {
      json(answer, 404, { error: 'there is no such page' });
    }
  }
}

function json(answer, status, body) {
  answer.writeHead(status, { 'content-type': 'application/json' });
  answer.end(JSON.stringify(body));
}
