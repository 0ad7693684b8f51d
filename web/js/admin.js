// The admin page: keeps what the feed tells, and draws it at most once a frame.

import { $, attr, el, say } from './dom.js';
import { dealColours } from './face.js';
import { showCast, showState } from './admin/cast.js';
import { follow } from './admin/feed.js';
import { showLatency, showParts, showQueues, showSenses } from './admin/health.js';
import { showTape } from './admin/tape.js';
import { showTranscript } from './admin/transcript.js';
import { showLegend, showTurns } from './admin/turns.js';

const TURNS_MAX = 1000;
const LINES_MAX = 500;
/** Latencies are asked for again this long after a turn, not after each of a burst. */
const LATENCY_MS = 400;

const house = {
  status: null, latency: [], bounds_us: [], turns: [], lines: [], live: new Map(), at: 0,
};
/** What the turns need to know of the rest. */
const known = {
  name: (id) => nameOf(id),
  line: (id) => house.lines.find((line) => line.id === id),
  taped: () => Boolean(house.status.recording?.folder),
};
const stale = new Set();

/** Marks a part of the page for the next frame. */
function redraw(...parts) {
  if (!stale.size) requestAnimationFrame(draw);
  for (const part of parts) stale.add(part);
}

function draw() {
  const parts = new Set(stale);
  stale.clear();
  if (!house.status) return;
  if (parts.has('status')) drawStatus();
  if (parts.has('turns')) showTurns(house.turns, $('filter').value, known);
  if (parts.has('said')) showTranscript(house.lines, byLine(), house.live, nameOf);
  if (parts.has('latency')) showLatency(house.latency, house.status.personas, house.bounds_us);
}

function drawStatus() {
  const { status } = house;
  say($('room'), status.room);
  const sign = status.recording?.state === 'up' ? '● ' : '';
  document.title = `${sign}${status.room} · Troupe admin`;
  const hosted = status.personas.filter((persona) => persona.hosted).length;
  attr($('ready'), 'class', `pill ${status.ready ? 'good' : 'warn'}`);
  say($('ready'), `${hosted} of ${status.personas.length} hosted`);
  showCast(status.personas, house.latency, complain);
  showParts(status.parts);
  showSenses(status);
  showQueues(status.queues);
  showTape(status.recording, complain);
  drawFacts();
  drawFilter();
}

function drawFacts() {
  const { status } = house;
  if (!status) return;
  const humans = status.humans.map((human) => human.name).join(', ') || 'nobody yet';
  const up_s = status.uptime_s + Math.floor((performance.now() - house.at) / 1000);
  const facts = [`Visitors: ${humans}`, `up ${span(up_s)}`, status.version];
  say($('facts'), facts.join(' · '));
}

function span(s) {
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

/** One choice for each persona behind the two fixed ones. */
function drawFilter() {
  const select = $('filter');
  const known = new Set([...select.options].map((option) => option.value));
  for (const { id, name } of house.status.personas) {
    if (!known.has(id)) select.append(el('option', { value: id, text: `of ${name}` }));
  }
}

function nameOf(id) {
  const { personas, humans } = house.status;
  return [...personas, ...humans].find((person) => person.id === id)?.name ?? id;
}

/** Finds the turns of a line. */
function byLine() {
  const turns = new Map();
  for (const turn of house.turns) {
    if (!turns.has(turn.line)) turns.set(turn.line, []);
    turns.get(turn.line).push(turn);
  }
  return (line) => turns.get(line) ?? [];
}

function complain(sentence) {
  $('banner').hidden = !sentence;
  say($('banner'), sentence);
}

function push(list, entry, bound) {
  list.push(entry);
  if (list.length > bound) list.splice(0, list.length - bound);
}

let latencyDue = null;

function askLatency() {
  latencyDue ??= setTimeout(async () => {
    latencyDue = null;
    const answer = await fetch('/api/latency').catch(() => null);
    if (!answer?.ok) return;
    const { latency, bounds_us } = await answer.json();
    Object.assign(house, { latency, bounds_us });
    redraw('latency', 'status');
  }, LATENCY_MS);
}

follow({
  link(up) {
    attr($('feed'), 'class', `pill ${up ? 'good' : 'bad'}`);
    say($('feed'), up ? 'Live' : 'Reconnecting');
  },
  snapshot({ status, latency, bounds_us, turns, lines }) {
    Object.assign(house, { status, latency, bounds_us, turns, lines, at: performance.now() });
    house.live.clear();
    dealColours(status.personas.map((persona) => persona.id));
    redraw('status', 'turns', 'said', 'latency');
  },
  status(status) {
    Object.assign(house, { status, at: performance.now() });
    redraw('status');
  },
  state(change) {
    const persona = house.status?.personas.find(({ id }) => id === change.persona);
    if (persona) persona.state = change.state;
    showState(change);
  },
  line(line) {
    push(house.lines, line, LINES_MAX);
    for (const [segment, { speaker }] of house.live) {
      if (speaker === line.speaker) house.live.delete(segment);
    }
    redraw('said', 'turns');
  },
  turn(turn) {
    push(house.turns, turn, TURNS_MAX);
    redraw('turns', 'said');
    askLatency();
  },
  caption(caption) {
    const { segment, human, text, last } = caption;
    const before = human ? '' : house.live.get(segment)?.text ?? '';
    if (last) house.live.delete(segment);
    else house.live.set(segment, { ...caption, text: before + text });
    redraw('said');
  },
});

$('filter').addEventListener('change', () => redraw('turns'));
setInterval(drawFacts, 1000);
showLegend();
