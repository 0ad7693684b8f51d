// What somebody looks like: a colour from the identity, initials from the name.

import { attr, el, say } from './dom.js';

/** Hues that can be told apart, in degrees; neighbours in a list of names seldom get neighbours. */
const HUES = [15, 255, 145, 320, 75, 200, 285, 115, 350, 230, 45, 175];
/** Humans are a warm grey, so that the cast has the colours. */
const HUMAN = { hue: 70, vivid: 0.22 };

let cast = new Map();

/**
 * Deals the colours. Each persona has its own place by its identity, and takes the next free one
 * where two would share; so a cast looks the same on every page, whatever the order.
 */
export function dealColours(ids) {
  const taken = new Set();
  cast = new Map([...ids].sort().map((id) => {
    let place = hash(id) % HUES.length;
    while (taken.has(place) && taken.size < HUES.length) place = (place + 1) % HUES.length;
    taken.add(place);
    return [id, HUES[place]];
  }));
}

/** FNV-1a. */
function hash(id) {
  let sum = 2166136261;
  for (const char of String(id)) sum = Math.imul(sum ^ char.codePointAt(0), 16777619);
  return (sum ^ (sum >>> 15)) >>> 0;
}

/** Gives `node` the colour of `id`. */
export function tint(node, id) {
  const hue = cast.get(id);
  node.style.setProperty('--hue', hue ?? HUMAN.hue);
  node.style.setProperty('--vivid', hue === undefined ? HUMAN.vivid : 1);
  return node;
}

/** One or two letters. */
export function initials(name) {
  const words = String(name).trim().split(/\s+/u).filter(Boolean);
  const first = (word) => [...(word ?? '')][0] ?? '';
  const last = words.length > 1 ? first(words.at(-1)) : '';
  return (first(words[0]) + last).toUpperCase() || '?';
}

/** A face; `setFace` keeps it. A persona of this house has a picture over its initials. */
export function face(id, name, persona = false) {
  const node = tint(el('span', { class: 'face', 'aria-hidden': 'true' }, el('span')), id);
  if (persona) {
    node.append(el('img', {
      class: 'still',
      alt: '',
      draggable: 'false',
      src: `/api/personas/${encodeURIComponent(id)}/face.png`,
      // A persona of somebody else's house: its initials stay.
      onerror: (event) => event.target.remove(),
    }));
  }
  setFace(node, name, null);
  return node;
}

export function setFace(node, name, state) {
  say(node.firstElementChild, initials(name));
  attr(node, 'data-state', state);
}
