// Latencies per persona and stage, the parts, the queues.

import { $, attr, el, keep, say } from '../dom.js';
import { tint } from '../face.js';
import { STAGES, duration } from './stages.js';

const COLUMNS = [...STAGES, { id: 'e2e', name: 'Together' }];
const PARTS = [
  ['ears', 'Ears'], ['engine', 'Engine'], ['voice', 'Voice'], ['server', 'Server'],
];
const STATE_CLASS = { up: 'good', strained: 'warn', starting: 'warn', down: 'bad' };

export function showLatency(rows, personas) {
  const table = $('latency');
  const cells = new Map(rows.map((row) => [`${row.persona} ${row.stage}`, row]));
  const head = el('thead', {}, el('tr', {},
    el('th', { scope: 'col', text: 'Persona' }),
    ...COLUMNS.map(({ name, livekit, part }) => el('th', {
      scope: 'col', title: livekit, text: name, 'data-part': part,
    }))));
  const body = el('tbody', {}, ...personas.map(({ id, name }) => el('tr', {},
    el('th', { scope: 'row' }, tint(el('span', { class: 'who tinted', text: name }), id)),
    ...COLUMNS.map((column) => cell(cells.get(`${id} ${column.id}`))))));
  table.replaceChildren(head, body);
}

function cell(row) {
  if (!row) return el('td', { class: 'none', text: '–' });
  const title = `${row.count} turns, p99 ${duration(row.p99_us)}, most ${duration(row.max_us)}`;
  return el('td', { title }, el('b', { text: duration(row.p50_us) }),
    el('span', { class: 'soft', text: duration(row.p95_us) }));
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
