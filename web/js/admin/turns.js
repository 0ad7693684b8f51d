// The newest turns: a bar each on one axis for all, and a waterfall when opened.

import { $, attr, el, say } from '../dom.js';
import { tint } from '../face.js';
import { VirtualList } from '../virtual.js';
import { chip, sure } from './chips.js';
import { pictures } from './pictures.js';
import { listen } from './sound.js';
import { PARTS, duration, span, timeline } from './stages.js';
import { waterfall } from './waterfall.js';

/** The axis ends at one of these, in seconds, so that bars seldom change their scale. */
const AXIS_S = [0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 20, 40];
const VOICED = ['spoke', 'interrupted', 'failed'];

/** Turns whose waterfall is open, by id: rows come and go with the view. */
const open = new Set();
let axis_us = 1e6;
let know = null;
let list = null;

export function showLegend() {
  $('legend').replaceChildren(...PARTS.map(({ id, name }) => el('span', { 'data-part': id },
    el('i', { class: 'swatch' }), name)), el('span', { id: 'axis', class: 'axis' }));
}

/**
 * Shows turns, oldest first as they come; `known` looks things up: `name(persona)`, `line(id)`,
 * `taped()`.
 */
export function showTurns(turns, filter, known) {
  know = known;
  const key = (turn) => turn.turn;
  list ??= new VirtualList($('turns-scroll'), $('turns'), { key, make, update });
  const chosen = turns.filter((turn) => wanted(turn, filter)).reverse();
  const longest = chosen.reduce((most, turn) => Math.max(most, span(turn)), 0);
  axis_us = 1e6 * (AXIS_S.find((s) => s * 1e6 >= longest) ?? AXIS_S.at(-1));
  say($('axis'), longest ? `bars: 0 to ${axis_us / 1e6} s` : '');
  say($('count'), chosen.length ? `${chosen.length} of the last ${turns.length}` : '');
  list.show(chosen);
}

function wanted(turn, filter) {
  if (filter === '') return true;
  if (filter === 'voiced') return VOICED.includes(turn.outcome);
  return turn.persona === filter;
}

function make(turn) {
  const asked = know.line(turn.line);
  const summary = el('summary', {},
    tint(el('span', { class: 'who tinted', text: know.name(turn.persona) }), turn.persona),
    chip(turn),
    el('span', { class: 'asked', text: asked ? asked.text : turn.reason }),
    el('span', { class: 'e2e', text: duration(turn.e2e_us) }),
    bar(turn));
  const details = el('details', { open: open.has(turn.turn) }, summary);
  const fill = () => {
    if (details.children.length === 1) details.append(inside(turn, asked));
  };
  if (details.open) fill();
  // The waterfall is made when somebody looks.
  details.addEventListener('toggle', () => {
    if (!details.open) open.delete(turn.turn);
    else {
      open.add(turn.turn);
      fill();
    }
  });
  return el('li', { class: 'turn', id: `turn-${turn.turn}` }, details);
}

function bar(turn) {
  const parts = timeline(turn).filter((piece) => piece.us > 0).map((piece) => {
    const node = el('i', { 'data-part': piece.stage.part });
    node.style.setProperty('--us', piece.us);
    return node;
  });
  return el('span', { class: 'track', 'aria-hidden': 'true' }, ...parts);
}

function update(node, turn) {
  const track = node.querySelector('.track');
  attr(track, 'hidden', span(turn) ? null : '');
  track.style.setProperty('--axis', axis_us);
}

function inside(turn, asked) {
  const parts = [];
  if (asked) parts.push(quote(`${asked.name}`, asked.text));
  const shown = pictures(turn.pictures, 'Pictures that the model was shown');
  if (shown) parts.push(shown);
  if (turn.heard_text) parts.push(quote(know.name(turn.persona), turn.heard_text));
  parts.push(el('p', { class: 'why soft', text: why(turn) }));
  if (timeline(turn).some((piece) => piece.us !== null)) parts.push(...waterfall(turn));
  const facts = figures(turn);
  if (facts) parts.push(el('p', { class: 'soft facts', text: facts }));
  if (know.taped()) parts.push(listen(turn));
  return el('div', { class: 'inside' }, ...parts);
}

function quote(who, text) {
  return el('p', { class: 'quote' }, el('span', { class: 'soft', text: `${who}: ` }),
    el('q', { text }));
}

function why(turn) {
  return `${turn.turn}, to line ${turn.line}: ${turn.outcome}, ${turn.reason}${sure(turn)}.`;
}

function figures(turn) {
  const words = [];
  if (turn.prompt_tokens) {
    words.push(`prompt ${turn.prompt_tokens} tokens, ${turn.cached_tokens ?? 0} of them kept`);
  }
  if (turn.completion_tokens) words.push(`reply ${turn.completion_tokens} tokens`);
  if (turn.decode_tok_s) words.push(`${turn.decode_tok_s.toFixed(0)} tokens a second`);
  return words.join(' · ');
}
