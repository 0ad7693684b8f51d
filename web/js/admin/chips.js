// Outcomes in a word, with their reason.

import { el } from '../dom.js';

/** ` (95 % sure)`; nothing where nothing spoke for an answer. */
export function sure({ confidence }) {
  if (!confidence) return '';
  return ` (${Math.round(confidence * 100)} % sure)`;
}

/** An outcome in one word, or the words given; the reason on hover. */
export function chip(turn, text = turn.outcome) {
  return el('span', {
    class: 'chip', 'data-outcome': turn.outcome, text, title: turn.reason + sure(turn),
  });
}
