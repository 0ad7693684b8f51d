// The conversation as text: captions as they come, and typed lines.

import { $, el, say } from '../dom.js';
import { tint } from '../face.js';
import { thumbnail } from './pictures.js';

const LINES_MAX = 300;
/** A persona's typed reply is what it also says; within this many lines they are one. */
const TWIN_LINES = 8;
/** Nearer to the end than this, the log follows what is new. */
const FOLLOW_PX = 80;
const SPOKEN_MAX = 4;

export class Talk {
  #segments = new Map();
  #who;
  #cast = '';

  /** `who` knows names: nameOf(id), isPersona(id). */
  constructor(who) {
    this.#who = who;
  }

  /** Who joins late may change the colours: what they said keeps up with their tiles. */
  people(list) {
    const cast = list.filter((person) => person.persona).map((person) => person.id).join();
    if (cast === this.#cast) return;
    this.#cast = cast;
    for (const line of $('log').querySelectorAll('.said')) tint(line, line.dataset.by);
  }

  caption({ segment, identity, text, last }) {
    if (!text.trim()) return;
    let line = this.#segments.get(segment);
    if (!line) {
      line = this.#add(identity, 'heard');
      this.#segments.set(segment, line);
    }
    const follow = following();
    say(line.querySelector('.text'), text);
    line.classList.toggle('open', !last);
    if (last) {
      this.#segments.delete(segment);
      this.#aloud(identity, text);
      this.#join(line, identity, text);
    }
    if (follow) toEnd();
  }

  chat({ identity, text, pictures = [] }) {
    const line = this.#add(identity, 'typed');
    say(line.querySelector('.text'), text);
    if (pictures.length) line.append(el('div', { class: 'thumbs' }, ...pictures.map(thumbnail)));
    const words = [text, ...pictures.map(({ name }) => `picture ${name}`)];
    if (this.#who.isPersona(identity)) this.#join(line, identity, text);
    else this.#aloud(identity, words.filter(Boolean).join(', '));
    toEnd();
  }

  /** A word of the page itself. */
  note(text) {
    $('log').append(el('li', { class: 'aside', text }));
    trim();
    toEnd();
  }

  #add(identity, manner) {
    const follow = following();
    const name = this.#who.nameOf(identity);
    const line = tint(el('li', { class: 'said tinted', 'data-manner': manner, 'data-by': identity },
      el('span', { class: 'who', text: name }),
      el('span', { class: 'manner', text: manner === 'typed' ? 'typed' : '' }),
      el('p', { class: 'text' })), identity);
    $('log').append(line);
    trim();
    if (follow) toEnd();
    return line;
  }

  /** Leaves one of a spoken and a typed line of one persona that say the same. */
  #join(line, identity, text) {
    const plain = squeeze(text);
    const near = [...$('log').children].slice(-TWIN_LINES);
    const twin = near.find((other) => other !== line
      && other.dataset.by === identity
      && other.dataset.manner !== line.dataset.manner
      && squeeze(other.querySelector('.text').textContent) === plain);
    if (!twin) return;
    const typed = line.dataset.manner === 'typed' ? line : twin;
    typed.remove();
  }

  #aloud(identity, text) {
    this.announce(`${this.#who.nameOf(identity)}: ${text}`);
  }

  /** Tells a screen reader. */
  announce(text) {
    const aloud = $('spoken');
    aloud.append(el('p', { text }));
    while (aloud.children.length > SPOKEN_MAX) aloud.firstElementChild.remove();
  }
}

const squeeze = (text) => text.replace(/\s+/gu, ' ').trim();

function following() {
  const log = $('log');
  return log.scrollHeight - log.scrollTop - log.clientHeight < FOLLOW_PX;
}

function toEnd() {
  $('log').scrollTop = $('log').scrollHeight;
}

function trim() {
  while ($('log').children.length > LINES_MAX) $('log').firstElementChild.remove();
}
