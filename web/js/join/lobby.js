// Before the stage: the name, the microphone and whether it hears something.

import { $, attr, say } from '../dom.js';
import {
  allowed, deviceWord, fill, levelOf, obstacle, onDevices, remember, wish,
} from './devices.js';

const NAME_KEY = 'troupe.name';
/** Louder than the noise of a quiet room. */
const HEARD = 0.35;

/** Shows the lobby; `enter({name, mic})` is called when the visitor goes in; mic null = none. */
export function lobby(enter) {
  const preview = new Preview();
  $('name').value = localStorage.getItem(NAME_KEY) ?? '';
  $('try').addEventListener('click', () => preview.toggle());
  $('mics').addEventListener('change', () => {
    remember('audioinput', $('mics').value);
    if (preview.on) preview.start();
  });
  $('quiet').addEventListener('change', () => preview.quiet($('quiet').checked));
  $('enter').addEventListener('submit', async (event) => {
    event.preventDefault();
    const name = $('name').value.trim();
    if (!name) {
      complain('Type a name, so that the others know who speaks.');
      $('name').focus();
      return;
    }
    localStorage.setItem(NAME_KEY, name);
    complain('');
    busy(true);
    const mic = $('quiet').checked ? null : { id: $('mics').value };
    preview.stop();
    try {
      await enter({ name, mic });
    } catch (error) {
      complain(error.message);
    }
    busy(false);
  });
  preview.begin();
}

/** Shows a sentence under the form, or none. */
export function complain(sentence, manner = 'bad') {
  $('enter-word').hidden = !sentence;
  attr($('enter-word'), 'class', `note ${manner}`);
  say($('enter-word'), sentence);
}

function busy(on) {
  $('join').disabled = on;
  say($('join'), on ? 'Joining…' : 'Join');
}

/** The microphone before it is in the room. */
class Preview {
  on = false;

  async begin() {
    const no = obstacle();
    if (no) {
      $('quiet').checked = true;
      $('quiet').disabled = true;
      this.quiet(true);
      say($('mic-word'), no);
      return;
    }
    await fill($('mics'), 'audioinput');
    onDevices(() => fill($('mics'), 'audioinput'));
    if (await allowed()) await this.start();
    else say($('mic-word'), 'The browser asks for leave when you try it, or when you join.');
  }

  quiet(on) {
    if (on) this.stop();
    for (const id of ['mics', 'try']) $(id).disabled = on;
  }

  toggle() {
    return this.on ? this.stop() : this.start();
  }

  async start() {
    this.stop();
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: wish($('mics').value) });
    } catch (error) {
      say($('mic-word'), deviceWord(error));
      return;
    }
    const [track] = this.stream.getAudioTracks();
    await fill($('mics'), 'audioinput', track.getSettings().deviceId);
    this.on = true;
    say($('try'), 'Stop');
    this.read = levelOf(track);
    say($('mic-word'), this.read
      ? 'Say something: the bar shows what is heard.'
      : 'The microphone is open; this browser cannot show its level.');
    this.draw();
  }

  draw() {
    if (!this.on || !this.read) return;
    const level = this.read();
    this.paint(level);
    if (level > HEARD) say($('mic-word'), 'You are heard.');
    requestAnimationFrame(() => this.draw());
  }

  paint(level) {
    $('level').firstElementChild.style.setProperty('--level', level.toFixed(3));
    attr($('level'), 'aria-valuenow', Math.round(level * 100));
  }

  stop() {
    this.on = false;
    this.read?.stop();
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    say($('try'), 'Try it');
    say($('mic-word'), '');
    this.paint(0);
  }
}
