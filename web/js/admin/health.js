// Latencies per persona and stage, the parts, how hearing goes, the queues.

import { $, attr, el, keep, say } from '../dom.js';
import { tint } from '../face.js';
import { STAGES, duration, pair } from './stages.js';

const COLUMNS = [...STAGES, { id: 'e2e', name: 'Together' }];
const PARTS = [
  ['ears', 'Ears'], ['engine', 'Engine'], ['voice', 'Voice'], ['server', 'Server'],
];
const STATE_CLASS = { up: 'good', strained: 'warn', starting: 'warn', down: 'bad' };
const SVG = 'http://www.w3.org/2000/svg';
const BARS_HIGH = 10;

/** `bounds_us` are the upper edges of the histograms' bars. */
export function showLatency(rows, personas, bounds_us) {
  const table = $('latency');
  const cells = new Map(rows.map((row) => [`${row.persona} ${row.stage}`, row]));
  const head = el('thead', {}, el('tr', {},
    el('th', { scope: 'col', text: 'Persona' }),
    ...COLUMNS.map(({ name, livekit, part }) => el('th', {
      scope: 'col', title: livekit, text: name, 'data-part': part,
    }))));
  const body = el('tbody', {}, ...personas.map(({ id, name }) => el('tr', {},
    el('th', { scope: 'row' }, tint(el('span', { class: 'who tinted', text: name }), id)),
    ...COLUMNS.map((column) => cell(cells.get(`${id} ${column.id}`), column, bounds_us)))));
  table.replaceChildren(head, body);
}

function cell(row, { part }, bounds_us) {
  if (!row) return el('td', { class: 'none', text: '–' });
  const title = `${row.count} turns, the longest ${duration(row.max_us)}`;
  return el('td', { title, 'data-part': part },
    bars(row.histogram, bounds_us),
    el('b', { text: duration(row.p50_us) }),
    el('span', { class: 'soft', text: pair(row.p95_us, row.p99_us) }));
}

/** How often a stage took how long: a bar for each bucket, short ones left. */
function bars(counts, bounds_us) {
  const svg = document.createElementNS(SVG, 'svg');
  const most = Math.max(1, ...counts);
  attr(svg, 'viewBox', `0 0 ${counts.length} ${BARS_HIGH}`);
  attr(svg, 'preserveAspectRatio', 'none');
  attr(svg, 'class', 'bars');
  attr(svg, 'aria-hidden', 'true');
  const shape = counts.map((count, place) => {
    // One turn is to be seen beside a thousand.
    const high = count ? Math.max(1, (BARS_HIGH * count) / most) : 0;
    return high ? `M${place + 0.1} ${BARS_HIGH}v${-high}h0.8v${high}z` : '';
  });
  const path = document.createElementNS(SVG, 'path');
  attr(path, 'd', shape.join(''));
  const tip = document.createElementNS(SVG, 'title');
  say(tip, spread(counts, bounds_us));
  svg.append(tip, path);
  return svg;
}

/** `12 up to 50 ms, 3 up to 100 ms`. */
function spread(counts, bounds_us = []) {
  const words = counts.map((count, place) => {
    const edge = bounds_us[place];
    return count && (edge === undefined ? `${count} longer` : `${count} up to ${duration(edge)}`);
  });
  return words.filter(Boolean).join(', ');
}

export function showParts(parts) {
  keep($('parts'), PARTS, ([id]) => id, ([, name]) => el('li', {},
    el('span', { class: 'name', text: name }), el('span', { class: 'pill' }),
    el('span', { class: 'detail soft' }), el('span', { class: 'soft restarts' })),
  (node, [id]) => {
    const part = parts[id];
    const pill = node.querySelector('.pill');
    attr(pill, 'class', `pill ${STATE_CLASS[part.state] ?? ''}`);
    say(pill, part.state);
    say(node.querySelector('.detail'), part.detail);
    const { restarts } = part;
    say(node.querySelector('.restarts'),
      restarts ? `restarted ${restarts === 1 ? 'once' : `${restarts} times`}` : '');
  });
}

/** What the recogniser, its early passes and the judge of pauses have done, and the eyes. */
export function showSenses({ hearing, pictures }) {
  $('hearing').hidden = !hearing;
  if (!hearing) return;
  const { early, pauses } = hearing;
  const rows = [
    ['Recognised', hearing.heard
      ? `${hearing.heard} utterances, the longest took ${duration(hearing.recognition_us_max)}`
      : 'nothing yet'],
    ['Not speech', `${hearing.gated} dropped, ${hearing.failed} given up`],
    ['Ahead of time', `${early.begun} begun in pauses: ${early.used} used, `
      + `${early.thrown} for nothing`],
    ['End of turn', pauses ? judged(pauses) : 'a fixed wait; no model judges pauses'],
    ...(pictures ? [['Seen', seen(pictures)]] : []),
  ];
  keep($('hearing'), rows, ([name]) => name, ([name]) => el('div', {},
    el('dt', { text: name }), el('dd', {})), (node, [, text]) => {
    say(node.lastElementChild, text);
  });
}

function seen(it) {
  const lost = it.refused + it.dropped;
  return `${it.looks} looks, ${it.frames - it.unchanged} with something new; `
    + `${it.given} pictures went with lines, ${it.encoded} encoded and ${it.shared} shared`
    + (lost ? `; ${lost} refused or dropped` : '');
}

function judged({ answered, skipped, failed, took_us_max }) {
  const most = answered ? `; the longest took ${duration(took_us_max)}` : '';
  return `${answered} pauses judged, ${skipped + failed} not${most}`;
}

export function showQueues(queues) {
  keep($('queues'), queues, (queue) => queue.name, ({ name }) => el('li', {},
    el('span', { class: 'name', text: name }),
    el('meter', { min: 0, 'aria-label': `Filling of ${name}` }),
    el('span', { class: 'soft fill' }), el('span', { class: 'lost' })),
  (node, queue) => {
    const meter = node.querySelector('meter');
    meter.max = queue.bound;
    meter.high = queue.bound * 0.75;
    meter.optimum = 0;
    meter.value = queue.len;
    say(node.querySelector('.fill'), `${queue.len} of ${queue.bound}`);
    const lost = node.querySelector('.lost');
    say(lost, queue.dropped ? `${queue.dropped} dropped` : 'none dropped');
    lost.classList.toggle('bad', queue.dropped > 0);
  });
}
