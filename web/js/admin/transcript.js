// What was said, and what each persona made of it.

import { $, attr, el, keep, say } from '../dom.js';
import { tint } from '../face.js';
import { chip, sure } from './chips.js';
import { pictures } from './pictures.js';

const SHOWN_MAX = 150;
const FOLLOW_PX = 80;
/** Of a large cast those who let a line pass are counted, not named, until somebody looks. */
const NAMED_MAX = 4;
const QUIET = ['passed', 'outbid', 'asleep'];

/** `live` holds captions of segments that are not a line yet, by segment. */
export function showTranscript(lines, turnsOf, live, name) {
  const list = $('said');
  const follow = list.scrollHeight - list.scrollTop - list.clientHeight < FOLLOW_PX;
  const open = [...live.values()].map((caption) => ({
    id: `live ${caption.segment}`,
    speaker: caption.speaker,
    name: name(caption.speaker),
    text: caption.text,
    live: true,
  }));
  keep(list, [...lines.slice(-SHOWN_MAX), ...open], (line) => line.id, make, (node, line) => {
    say(node.querySelector('.text'), line.text);
    node.classList.toggle('open', Boolean(line.live));
    showOutcomes(node, turnsOf(line.id), name);
  });
  if (follow) list.scrollTop = list.scrollHeight;
}

function make(line) {
  const time = line.at_unix_ms
    ? el('time', {
      class: 'soft',
      datetime: new Date(line.at_unix_ms).toISOString(),
      text: new Date(line.at_unix_ms).toLocaleTimeString([], { timeStyle: 'medium' }),
    })
    : null;
  const by = tint(el('span', { class: 'who tinted', text: line.name }), line.speaker);
  return el('li', { 'data-human': line.human ? 'yes' : null },
    el('div', { class: 'by' }, by,
      el('span', { class: 'soft', text: line.manner === 'typed' ? 'typed' : '' }), time),
    el('p', { class: 'text' }),
    pictures(line.pictures, 'What was shown with it'),
    el('details', { class: 'outcomes', hidden: true },
      el('summary', {}),
      el('ul', { class: 'reasons' })));
}

function showOutcomes(node, turns, name) {
  const outcomes = node.querySelector('.outcomes');
  // Records never change: as many as before are the same.
  if (outcomes.dataset.count === String(turns.length)) return;
  attr(outcomes, 'data-count', turns.length);
  attr(outcomes, 'hidden', turns.length ? null : '');
  const quiet = turns.filter((turn) => QUIET.includes(turn.outcome));
  const few = turns.length <= NAMED_MAX;
  const named = few ? turns : turns.filter((turn) => !quiet.includes(turn));
  const chips = named.map((turn) => chip(turn, `${name(turn.persona)} ${turn.outcome}`));
  if (!few) chips.push(...counted(quiet));
  outcomes.querySelector('summary').replaceChildren(...chips);
  outcomes.querySelector('.reasons').replaceChildren(...turns.map((turn) => el('li', {},
    tint(el('span', { class: 'who tinted', text: name(turn.persona) }), turn.persona),
    el('span', { text: ` ${turn.outcome}: ${turn.reason}${sure(turn)}` }))));
}

/** `9 passed`, `1 asleep`. */
function counted(turns) {
  const counts = new Map();
  for (const { outcome } of turns) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return [...counts].map(([outcome, count]) => el('span', {
    class: 'chip', 'data-outcome': outcome, text: `${count} ${outcome}`,
  }));
}
