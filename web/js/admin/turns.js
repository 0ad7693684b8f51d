// The newest turns: a bar each on one axis for all, and a waterfall when opened.

import { $, attr, el, keep, say } from '../dom.js';
import { tint } from '../face.js';
import { PARTS, STAGES, duration, timeline } from './stages.js';

/** Turns on the page; older ones are at /api/turns. */
const SHOWN_MAX = 150;
/** The axis ends at one of these, in seconds, so that bars seldom change their scale. */
const AXIS_S = [0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 20, 40];

export const VOICED = ['spoke', 'interrupted', 'failed'];

export function showLegend() {
  $('legend').replaceChildren(...PARTS.map(({ id, name }) => el('span', { 'data-part': id },
    el('i', { class: 'swatch' }), name)), el('span', { id: 'axis', class: 'axis' }));
}

/** Shows turns, oldest first as they come; `name(persona)` and `line(id)` look things up. */
export function showTurns(turns, filter, name, line) {
  const chosen = turns.filter((turn) => wanted(turn, filter)).slice(-SHOWN_MAX).reverse();
  const longest = Math.max(0, ...chosen.map((turn) => span(turn)));
  const axis_us = 1e6 * (AXIS_S.find((s) => s * 1e6 >= longest) ?? AXIS_S.at(-1));
  say($('axis'), chosen.some((turn) => span(turn)) ? `bars: 0 to ${axis_us / 1e6} s` : '');
  keep($('turns'), chosen, (turn) => turn.turn, (turn) => make(turn, name, line),
    (node, turn) => scale(node, turn, axis_us));
}

function wanted(turn, filter) {
  if (filter === '') return true;
  if (filter === 'voiced') return VOICED.includes(turn.outcome);
  return turn.persona === filter;
}

function span(turn) {
  return turn.e2e_us ?? timeline(turn).reduce((sum, bar) => sum + (bar.us ?? 0), 0);
}

function make(turn, name, line) {
  const asked = line(turn.line);
  const summary = el('summary', {},
    tint(el('span', { class: 'who tinted', text: name(turn.persona) }), turn.persona),
    chip(turn),
    el('span', { class: 'asked', text: asked ? asked.text : turn.reason }),
    el('span', { class: 'e2e', text: duration(turn.e2e_us) }),
    bar(turn));
  const details = el('details', {}, summary);
  // The waterfall is made when somebody looks.
  details.addEventListener('toggle', () => {
    if (details.open && details.children.length === 1) details.append(...inside(turn, asked));
  });
  return el('li', { class: 'turn', id: `turn-${turn.turn}` }, details);
}

/** An outcome in one word; the reason on hover. */
export function chip(turn) {
  const sure = turn.confidence === null || turn.confidence === undefined
    ? '' : `, ${Math.round(turn.confidence * 100)} % sure`;
  return el('span', {
    class: 'chip', 'data-outcome': turn.outcome, text: turn.outcome, title: turn.reason + sure,
  });
}

function bar(turn) {
  const parts = timeline(turn).filter((piece) => piece.us > 0).map((piece) => {
    const node = el('i', {
      'data-part': piece.stage.part, title: `${piece.stage.name}: ${duration(piece.us)}`,
    });
    node.style.setProperty('--us', piece.us);
    return node;
  });
  return el('span', { class: 'track', 'aria-hidden': 'true' }, ...parts);
}

function scale(node, turn, axis_us) {
  const track = node.querySelector('.track');
  attr(track, 'hidden', span(turn) ? null : '');
  track.style.setProperty('--axis', axis_us);
}

function inside(turn, asked) {
  const parts = [];
  if (asked) parts.push(quote(`${asked.name} asked`, asked.text));
  if (turn.heard_text) parts.push(quote('heard of the answer', turn.heard_text));
  parts.push(el('p', { class: 'why soft', text: why(turn) }));
  if (timeline(turn).some((piece) => piece.us !== null)) parts.push(waterfall(turn));
  const facts = figures(turn);
  if (facts) parts.push(el('p', { class: 'soft facts', text: facts }));
  return [el('div', { class: 'inside' }, ...parts)];
}

function quote(label, text) {
  return el('p', { class: 'quote' }, el('span', { class: 'soft', text: `${label} ` }),
    el('q', { text }));
}

function why(turn) {
  const sure = turn.confidence === null || turn.confidence === undefined
    ? '' : ` (${Math.round(turn.confidence * 100)} % sure)`;
  return `${turn.turn}, to line ${turn.line}: ${turn.outcome}, ${turn.reason}${sure}.`;
}

function waterfall(turn) {
  const whole = span(turn) || 1;
  const rows = timeline(turn).flatMap(({ stage, from_us, us }) => {
    const part = el('i', { 'data-part': stage.part });
    part.style.setProperty('--from', from_us / whole);
    part.style.setProperty('--to', (us ?? 0) / whole);
    const missing = us === null ? missingWord(turn, stage) : null;
    return [
      el('span', { class: 'label', text: stage.name, title: stage.livekit }),
      missing
        ? el('span', { class: 'lane missing', text: missing })
        : el('span', { class: 'lane' }, part),
      el('span', { class: 'value', text: us === null ? 'missing' : duration(us) }),
      ...ahead(turn, stage),
    ];
  });
  return el('div', { class: 'waterfall', role: 'img', 'aria-label': spelled(turn) }, ...rows,
    el('span', { class: 'label sum', text: 'Together' }), el('span', { class: 'lane' }),
    el('span', { class: 'value sum', text: duration(turn.e2e_us) }));
}

function missingWord(turn, stage) {
  return turn.missing?.[stage.id] ?? turn.stages_missing?.[stage.id] ?? 'no reason given';
}

/** What ran ahead of time is beside the path, not in the sum. */
function ahead(turn, stage) {
  const us = turn.ahead_us?.[stage.id];
  if (!us) return [];
  return [el('span', { class: 'label soft', text: '· ahead of time' }),
    el('span', { class: 'lane' }),
    el('span', { class: 'value soft', text: duration(us) })];
}

function spelled(turn) {
  const words = STAGES.map(({ id, name }) => {
    const us = turn.stages_us?.[id] ?? null;
    return `${name} ${us === null ? 'missing' : duration(us)}`;
  });
  return `${words.join(', ')}; together ${duration(turn.e2e_us)}`;
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
