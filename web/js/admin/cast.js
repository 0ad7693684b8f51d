// The cast as tiles: state, mode, hush, and how each is doing.

import { $, attr, el, keep, say } from '../dom.js';
import { face, setFace, tint } from '../face.js';
import { order } from './feed.js';
import { duration } from './stages.js';

const MODES = [
  ['open', 'Open: answers anybody'],
  ['addressed', 'Addressed: only when named'],
  ['humans', 'Humans: never the cast'],
  ['asleep', 'Asleep: answers nobody'],
];

const FIGURES = [
  ['e2e', 'answers in'], ['seat', 'seat'], ['reuse', 'reused'], ['restarts', 'restarts'],
];

/** Shows the personas; `complain(sentence)` takes what went wrong. */
export function showCast(personas, latency, complain) {
  keep($('cast'), personas, (persona) => persona.id, (persona) => make(persona, complain),
    (node, persona) => update(node, persona, latency));
}

/** A persona's new state, ahead of the next status. */
export function showState({ persona, state }) {
  const node = [...$('cast').children].find((tile) => tile.dataset.key === persona);
  if (node) setState(node, state);
}

function make({ id, name }, complain) {
  const at = (action) => `/api/personas/${encodeURIComponent(id)}/${action}`;
  const send = (path, body) => order(path, body).then(() => complain(''),
    (error) => complain(error.message));
  const modes = el('select', {
    class: 'field pick',
    'aria-label': `Mode of ${name}`,
    onchange: (event) => send(at('mode'), { mode: event.target.value }),
  }, ...MODES.map(([value, title]) => el('option', { value, text: value, title })));
  const hush = el('button', {
    class: 'button small',
    type: 'button',
    text: 'Hush',
    'aria-label': `Hush ${name}`,
    onclick: () => send(at('hush')),
  });
  return tint(el('li', { class: 'member card tinted' },
    el('div', { class: 'top' },
      face(id, name, true),
      el('div', { class: 'tag' },
        el('span', { class: 'name' }),
        el('span', { class: 'state' })),
      el('span', { class: 'adapter chip', hidden: true })),
    el('p', { class: 'cause', hidden: true }),
    el('dl', { class: 'figures' },
      ...FIGURES
        .map(([key, label]) => el('div', {},
          el('dt', { text: label }), el('dd', { 'data-figure': key })))),
    el('div', { class: 'acts' }, modes, hush)), id);
}

function update(node, persona, latency) {
  const name = node.querySelector('.name');
  say(name, persona.name);
  attr(name, 'title', persona.id);
  setFace(node.querySelector('.face'), persona.name, persona.state);
  const adapter = node.querySelector('.adapter');
  adapter.hidden = !persona.adapter;
  say(adapter, persona.adapter ?? '');
  attr(adapter, 'title', 'its adapter (LoRA)');
  const modes = node.querySelector('select');
  if (document.activeElement !== modes) modes.value = persona.mode;
  const down = !persona.link.up && persona.hosted;
  const cause = persona.failed_cause ?? (down ? persona.link.cause ?? 'not connected' : null);
  const word = node.querySelector('.cause');
  word.hidden = !cause;
  say(word, cause ?? '');
  node.classList.toggle('failed', Boolean(cause));
  const figure = (key, text) => say(node.querySelector(`[data-figure="${key}"]`), text);
  const e2e = latency.find((row) => row.persona === persona.id && row.stage === 'e2e');
  figure('e2e', duration(e2e?.p50_us));
  figure('seat', persona.seat.tokens ? `${persona.seat.tokens} tok` : '–');
  const ratio = persona.seat.cached_ratio;
  figure('reuse', ratio === null ? '–' : `${Math.round(ratio * 100)} %`);
  figure('restarts', String(persona.restarts));
  setState(node, persona.hosted ? persona.state : cause ? 'away' : persona.state);
}

function setState(node, state) {
  attr(node, 'data-state', state);
  attr(node.querySelector('.face'), 'data-state', state);
  say(node.querySelector('.state'), state === 'away' ? 'not in the room' : state);
  node.querySelector('.acts button').disabled = state !== 'speaking' && state !== 'thinking';
}
