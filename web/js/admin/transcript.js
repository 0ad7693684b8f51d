// What was said, and what each persona made of it.

import { $, attr, el, keep, say } from '../dom.js';
import { tint } from '../face.js';
import { chip } from './turns.js';

const SHOWN_MAX = 150;
const FOLLOW_PX = 80;

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
    showChips(node, line, turnsOf(line.id), name);
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
    el('ul', { class: 'chips', 'aria-label': 'What the cast made of it' }));
}

function showChips(node, line, turns, name) {
  const chips = node.querySelector('.chips');
  attr(chips, 'hidden', turns.length ? null : '');
  keep(chips, turns, (turn) => turn.turn, (turn) => {
    const it = chip(turn);
    say(it, `${name(turn.persona)} ${turn.outcome}`);
    return el('li', {}, it);
  }, () => {});
}
