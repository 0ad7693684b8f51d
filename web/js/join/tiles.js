// One tile for everybody in the room: face, name, state, what they say now.

import { $, attr, el, keep, say } from '../dom.js';
import { dealColours, face, setFace, tint } from '../face.js';
import { levelOf } from './devices.js';

/** How long a finished caption stays on its tile. */
const CAPTION_MS = 7000;
const WORDS = {
  initializing: 'getting ready',
  idle: 'idle',
  listening: 'listening',
  thinking: 'thinking…',
  speaking: 'speaking',
};

/** A tile is good when it is a little wider than high. */
const SHAPE = 1.2;

export class Tiles {
  #people = [];
  #captions = new Map();
  #levels = new Map();
  #pictures = new Map();
  #drawing = false;

  constructor() {
    new ResizeObserver(() => this.#arrange()).observe($('tiles'));
  }

  /** Shows who is there. */
  people(list) {
    this.#people = list;
    dealColours(list.filter((person) => person.persona).map((person) => person.id));
    keep($('tiles'), list, (person) => person.id, make, (node, person) => {
      update(node, person);
      frame(node, person, this.#pictures.get(person.id));
      say(node.querySelector('.says'), this.#captions.get(person.id)?.text ?? '');
    });
    this.#arrange();
    this.#draw();
  }

  /** As many columns as make the tiles largest. */
  #arrange() {
    const { clientWidth: width, clientHeight: height } = $('tiles');
    const count = this.#people.length;
    let best = { columns: 1, size: 0 };
    for (let columns = 1; columns <= count; columns += 1) {
      const rows = Math.ceil(count / columns);
      const size = Math.min(width / columns, (height / rows) * SHAPE);
      if (size > best.size) best = { columns, size };
    }
    $('tiles').style.setProperty('--columns', best.columns);
  }

  nameOf(id) {
    return this.#people.find((person) => person.id === id)?.name ?? id;
  }

  isPersona(id) {
    return Boolean(this.#people.find((person) => person.id === id)?.persona);
  }

  /** Puts a caption on its speaker's tile, until a while after its end. */
  caption({ identity, text, last }) {
    clearTimeout(this.#captions.get(identity)?.timer);
    const timer = last ? setTimeout(() => this.#clear(identity), CAPTION_MS) : null;
    this.#captions.set(identity, { text, timer });
    this.#put(identity, text);
  }

  #clear(identity) {
    this.#captions.delete(identity);
    this.#put(identity, '');
  }

  #put(identity, text) {
    const node = this.#node(identity);
    if (!node) return;
    say(node.querySelector('.says'), text);
  }

  #node(identity) {
    return [...$('tiles').children].find((node) => node.dataset.key === identity);
  }

  /** Follows the level of somebody's sound. */
  track(identity, track) {
    this.trackGone(identity);
    const level = levelOf(track);
    if (level) this.#levels.set(identity, level);
  }

  trackGone(identity) {
    this.#levels.get(identity)?.stop();
    this.#levels.delete(identity);
  }

  /** Gives somebody a picture, or takes it away. */
  video(identity, picture) {
    if (picture) this.#pictures.set(identity, picture);
    else this.#pictures.delete(identity);
    const person = this.#people.find(({ id }) => id === identity);
    const node = this.#node(identity);
    if (person && node) frame(node, person, picture);
  }

  /** Draws the levels of those who speak, for as long as somebody does. */
  #draw() {
    const speaking = this.#people.filter((person) => person.state === 'speaking');
    if (!speaking.length || this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      for (const { id } of speaking) {
        const level = this.#levels.get(id)?.() ?? 0;
        const look = this.#node(id)?.querySelector('.look');
        for (const node of look?.children ?? []) {
          node.style.setProperty('--level', level.toFixed(2));
        }
      }
      this.#drawing = false;
      this.#draw();
    });
  }

  /** Empties the room. */
  clear() {
    for (const id of [...this.#levels.keys()]) this.trackGone(id);
    this.#pictures.clear();
    this.people([]);
  }
}

function make(person) {
  return el('li', { class: 'tile card tinted' },
    el('div', { class: 'look' }, face(person.id, person.name, person.persona)),
    el('div', { class: 'tag' },
      el('span', { class: 'name' }),
      el('span', { class: 'state' })),
    el('p', { class: 'says' }));
}

function update(node, person) {
  tint(node, person.id);
  tint(node.querySelector('.face'), person.id);
  attr(node, 'data-state', person.state);
  attr(node, 'data-kind', person.persona ? 'persona' : 'human');
  setFace(node.querySelector('.face'), person.name, person.state);
  say(node.querySelector('.name'), person.you ? `${person.name} (you)` : person.name);
  const silent = !person.persona && person.muted;
  say(node.querySelector('.state'), silent ? 'muted' : stateWord(person));
}

/** Shows the picture in place of the face while there is one to see. */
function frame(node, person, picture) {
  const seen = picture && person.seen ? picture : null;
  const look = node.querySelector('.look');
  const old = look.querySelector('video');
  if (old && old !== seen) old.remove();
  if (seen && seen !== old) {
    seen.className = 'picture';
    attr(seen, 'aria-label', person.you ? 'Your picture' : `Picture of ${person.name}`);
    seen.classList.toggle('mirror', Boolean(person.you));
    look.append(seen);
  }
  attr(node, 'data-seen', Boolean(seen));
}

function stateWord(person) {
  if (person.persona) return WORDS[person.state] ?? person.state;
  return person.state === 'speaking' ? 'speaking' : 'here';
}
