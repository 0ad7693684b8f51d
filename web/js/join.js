// The join page: from the lobby to the stage and back.

import { $, attr, say } from './dom.js';
import { Call } from './join/call.js';
import { chooser, openChooser } from './join/chooser.js';
import { cameras, screens } from './join/devices.js';
import { complain, lobby } from './join/lobby.js';
import { Pictures } from './join/pictures.js';
import { Talk } from './join/talk.js';
import { Tiles } from './join/tiles.js';

const tiles = new Tiles();
const talk = new Talk(tiles);
const pictures = new Pictures(banner);
let call = null;
let share = location.href;

const view = {
  people: (list) => {
    tiles.people(list);
    talk.people(list);
  },
  isPersona: (id) => tiles.isPersona(id),
  track: (id, track) => tiles.track(id, track),
  trackGone: (id) => tiles.trackGone(id),
  video: (id, picture) => tiles.video(id, picture),
  caption: (caption) => {
    tiles.caption(caption);
    talk.caption(caption);
  },
  chat: (line) => talk.chat(line),
  link: (state, word) => {
    attr($('link'), 'class', `pill ${state}`);
    say($('link'), word);
  },
  mic: ({ on, word }) => {
    attr($('mute'), 'aria-pressed', String(!on));
    say($('mute').querySelector('span'), on ? 'Mute' : 'Unmute');
    $('mute').querySelector('.slash').toggleAttribute('hidden', on);
    banner(word);
  },
  camera: ({ on, word }) => {
    attr($('camera'), 'aria-pressed', String(on));
    $('camera').querySelector('.slash').toggleAttribute('hidden', on);
    banner(word);
  },
  screen: ({ on, word }) => {
    attr($('screen'), 'aria-pressed', String(on));
    if (word !== undefined) banner(word);
  },
  sound: (blocked) => { $('sound').hidden = !blocked; },
  recorded: (on) => {
    if ($('taped').hidden !== on) return;
    $('taped').hidden = !on;
    say($('taped'), on ? 'Recording' : '');
    talk.note(on ? 'The room is being recorded.' : 'The recording ended.');
  },
  over: (word, manner) => {
    call = null;
    $('devices').close();
    $('taped').hidden = true;
    view.camera({ on: false, word: '' });
    view.screen({ on: false });
    pictures.take();
    tiles.clear();
    show('lobby');
    complain(word, manner);
    $('join').focus();
  },
};

function banner(word) {
  $('banner').hidden = !word;
  say($('banner'), word);
}

function show(which) {
  for (const id of ['lobby', 'stage']) $(id).hidden = id !== which;
}

async function enter({ name, mic }) {
  const next = new Call(view);
  const given = await next.join(name, mic);
  call = next;
  share = given.share;
  $('admin').hidden = !given.admin;
  $('camera').hidden = !cameras();
  $('screen').hidden = !screens();
  say($('room'), given.room);
  document.title = `${given.room} · Troupe`;
  show('stage');
  $('say').focus({ preventScroll: true });
}

async function copy() {
  try {
    await navigator.clipboard.writeText(share);
    flash($('share'), 'Copied');
    talk.announce('The link to this room is copied.');
  } catch {
    talk.note(`Share this address: ${share}`);
  }
}

function flash(button, word) {
  const before = button.textContent;
  say(button, word);
  setTimeout(() => say(button, before), 1600);
}

function toggleMute() {
  call?.mute($('mute').getAttribute('aria-pressed') === 'false');
}

function toggleCamera() {
  call?.camera($('camera').getAttribute('aria-pressed') === 'false');
}

function toggleScreen() {
  if (screens()) call?.screen($('screen').getAttribute('aria-pressed') === 'false');
}

const KEYS = { m: toggleMute, v: toggleCamera, s: toggleScreen };

$('mute').addEventListener('click', toggleMute);
$('camera').addEventListener('click', toggleCamera);
$('screen').addEventListener('click', toggleScreen);
$('gear').addEventListener('click', () => openChooser({ lobby: false }));
$('more').addEventListener('click', () => openChooser({ lobby: true }));
$('sound').addEventListener('click', () => call?.sound());
$('leave').addEventListener('click', () => call?.leave());
$('share').addEventListener('click', copy);
$('chat').addEventListener('submit', async (event) => {
  event.preventDefault();
  const text = $('say').value.trim();
  if (!call) return;
  const shown = pictures.take();
  if (!text && !shown.length) return;
  $('say').value = '';
  try {
    await call.say(text, shown);
    banner('');
  } catch (error) {
    $('say').value = text;
    pictures.put(shown);
    banner(`Your line did not go out (${error.message}). Try again when you are connected.`);
  }
});
document.addEventListener('keydown', (event) => {
  const typing = event.target.closest('input, select, textarea, dialog');
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  KEYS[event.key]?.();
});
window.addEventListener('pagehide', () => call?.leave());

chooser((kind, id) => call?.device(kind, id));
lobby(enter);
