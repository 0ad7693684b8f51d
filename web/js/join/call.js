// The room: everything that touches livekit-client.

import { canChooseSpeaker, deviceWord, look, remembered, wish } from './devices.js';
import { Captions } from './captions.js';

const STATE = 'lk.agent.state';
const BEHALF = 'lk.publish_on_behalf';
const RECORDED = 'troupe.recording';
const CLIENT = '/assets/livekit-client.mjs';
/** The client's own attempts: a server that restarts is back in seconds, so never wait long. */
const RESUME = {
  nextRetryDelayInMs: ({ retryCount, elapsedMs }) => (
    elapsedMs > 60_000 ? null : Math.min(300 * retryCount, 2000)),
};
/** Waits between attempts to come back after the connection was lost for good, in seconds. */
const RETRY_S = [1, 2, 3, 5, 8];
/** Between looks at a client that is nearly back. */
const SETTLE_MS = 50;

let client;

/**
 * Whether what is sent now would be lost. The client (2.23) keeps what it is given while it
 * reconnects and never sends it if it had to start over, and it says Reconnected a moment before it
 * sends again. Its only sign of that is private.
 */
function holdsBack(room) {
  return room.state !== client.ConnectionState.Connected
    || (room.engine?.attemptingReconnect ?? false);
}

/** Loads the LiveKit client; throws a sentence when this build has none. */
export async function loadClient() {
  try {
    client ??= await import(CLIENT);
  } catch {
    throw new Error('This build has no LiveKit client in it. Run scripts/setup, build again, '
      + 'then reload this page.');
  }
}

/** Asks the host for a pass: `{url, token, identity, room, share, admin}`. */
async function pass(name) {
  let answer;
  try {
    answer = await fetch('/api/token', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name }),
    });
  } catch {
    throw new Error('The host does not answer. Is it still running?');
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(upper(body.error ?? `The host answered ${answer.status}.`));
  return body;
}

/** Whose tile somebody's sound and picture belong to: an avatar worker has none of its own. */
const owner = (person) => person.attributes?.[BEHALF] || person.identity;

const upper = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/**
 * One visit. `view` has: people(list), isPersona(identity), caption({…}), link(state, word),
 * chat({identity, text, pictures}), mic({on, word}), camera({on, word}), screen({on, word?}),
 * sound(blocked), recorded(on), track(identity, track), trackGone(identity),
 * video(identity, element or null), over(word, manner).
 */
export class Call {
  #view;
  #room;
  #name;
  #mic;
  #camera = false;
  #left = false;
  #captions;

  constructor(view) {
    this.#view = view;
    this.#captions = new Captions((caption) => view.caption(caption), view.isPersona);
  }

  /** Joins; throws a sentence. Resolves to the pass. */
  async join(name, mic) {
    this.#name = name;
    this.#mic = mic;
    await loadClient();
    const given = await pass(name);
    await this.#connect(given);
    return given;
  }

  async #connect(given) {
    const room = new client.Room({
      audioCaptureDefaults: wish(this.#mic?.id),
      // Pictures come as large as their tiles are, and not while nobody sees them.
      adaptiveStream: true,
      dynacast: true,
      reconnectPolicy: RESUME,
    });
    this.#listen(room);
    try {
      await room.connect(given.url, given.token);
    } catch (error) {
      throw new Error(`The room at ${given.url} cannot be reached (${error.message}).`);
    }
    // Only now: a room that never connected has nothing to come back to.
    this.#room = room;
    this.#view.link('good', 'Connected');
    room.startAudio().catch(() => this.#view.sound(true));
    await this.#speaker(remembered('audiooutput'));
    this.#people();
    if (this.#mic) await this.mute(false);
    else this.#view.mic({ on: false, word: '' });
    if (this.#camera) await this.camera(true);
    // A browser asks for a screen only after a click.
    this.#view.screen({ on: false });
  }

  #listen(room) {
    const on = (event, act) => room.on(client.RoomEvent[event], act);
    const people = () => this.#people();
    for (const event of ['ParticipantConnected', 'ParticipantDisconnected', 'TrackMuted',
      'ParticipantAttributesChanged', 'ParticipantNameChanged', 'ActiveSpeakersChanged',
      'TrackUnmuted', 'LocalTrackPublished', 'LocalTrackUnpublished']) on(event, people);
    on('TrackSubscribed', (track, _, person) => this.#hear(track, person));
    on('TrackUnsubscribed', (track, _, person) => this.#unhear(track, person));
    on('Reconnecting', () => this.#view.link('warn', 'Reconnecting'));
    on('SignalReconnecting', () => this.#view.link('warn', 'Reconnecting'));
    on('Reconnected', () => this.#back(room));
    on('AudioPlaybackStatusChanged', () => this.#view.sound(!room.canPlaybackAudio));
    on('MediaDevicesError', (error, kind) => {
      if (kind === 'videoinput') {
        this.#view.camera({ on: false, word: deviceWord(error, 'camera') });
      } else this.#view.mic({ on: false, word: deviceWord(error) });
    });
    on('LocalTrackPublished', ({ track }, me) => {
      if (track?.kind === client.Track.Kind.Video) this.#see(track, me);
    });
    on('LocalTrackUnpublished', ({ source, track }, me) => {
      // Browsers have a button of their own that ends it.
      if (source === client.Track.Source.ScreenShare) this.#view.screen({ on: false });
      if (track?.kind === client.Track.Kind.Video) this.#unsee(track, me);
    });
    on('Disconnected', (reason) => this.#dropped(room, reason));
    room.registerTextStreamHandler('lk.transcription', (reader, { identity }) => {
      this.#captions.take(reader, identity);
    });
    room.registerTextStreamHandler('lk.chat', async (reader, { identity }) => {
      const text = await reader.readAll().catch(() => '');
      if (text.trim()) this.#view.chat({ identity, text });
    });
  }

  /** Everybody: personas first, then humans, the visitor first of them. */
  #people() {
    const room = this.#room;
    if (!room) return;
    const everyone = [room.localParticipant, ...room.remoteParticipants.values()];
    const seen = new Set(everyone.filter((person) => person.isCameraEnabled).map(owner));
    const all = everyone
      .filter((person) => !person.attributes?.[BEHALF])
      .map((person) => this.#person(person, seen));
    const rank = (person) => (person.persona ? 0 : person.you ? 1 : 2);
    all.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
    this.#view.people(all);
    // The host writes it on every persona; a visitor's own attribute says nothing.
    const agents = everyone.filter((person) => person.kind === client.ParticipantKind.AGENT);
    this.#view.recorded(agents.some((person) => person.attributes?.[RECORDED] === 'true'));
  }

  #person(person, seen) {
    const persona = person.kind === client.ParticipantKind.AGENT;
    return {
      id: person.identity,
      name: person.name || person.identity,
      persona,
      you: person.isLocal,
      muted: !person.isMicrophoneEnabled,
      seen: seen.has(person.identity),
      state: persona
        ? person.attributes?.[STATE] || 'initializing'
        : person.isSpeaking ? 'speaking' : 'idle',
    };
  }

  #hear(track, person) {
    if (track.kind === client.Track.Kind.Video) {
      this.#see(track, person);
      return;
    }
    const sound = track.attach();
    sound.hidden = true;
    document.body.append(sound);
    this.#view.track(owner(person), track.mediaStreamTrack);
  }

  #unhear(track, person) {
    if (track.kind === client.Track.Kind.Video) {
      this.#unsee(track, person);
      return;
    }
    for (const sound of track.detach()) sound.remove();
    this.#view.trackGone(owner(person));
  }

  #see(track, person) {
    if (track.source === client.Track.Source.ScreenShare) return;
    const picture = track.attach();
    picture.muted = true;
    this.#view.video(owner(person), picture);
    this.#people();
  }

  #unsee(track, person) {
    track.detach();
    this.#view.video(owner(person), null);
    this.#people();
  }

  /** Comes back after the client gave up, unless the visitor or the room meant it. */
  async #dropped(room, reason) {
    if (this.#left || room !== this.#room) return;
    const why = client.DisconnectReason;
    const final = {
      [why.DUPLICATE_IDENTITY]: 'You joined again in another tab, so this one left.',
      [why.PARTICIPANT_REMOVED]: 'You were taken out of the room.',
    }[reason];
    if (final) {
      this.#end(final);
      return;
    }
    for (let attempt = 0; !this.#left; attempt += 1) {
      const wait = RETRY_S[Math.min(attempt, RETRY_S.length - 1)];
      this.#view.link('bad', `Connection lost, trying again in ${wait} s`);
      await new Promise((done) => { setTimeout(done, wait * 1000); });
      if (this.#left) return;
      try {
        await this.#connect(await pass(this.#name));
        return;
      } catch (error) {
        this.#view.link('bad', error.message);
      }
    }
  }

  #end(word, manner) {
    this.#left = true;
    this.#view.over(word, manner);
  }

  /** Mutes or opens the microphone. */
  async mute(muted) {
    this.#mic ??= { id: '' };
    const me = this.#room.localParticipant;
    try {
      await me.setMicrophoneEnabled(!muted, wish(this.#mic.id));
      const track = me.getTrackPublication(client.Track.Source.Microphone)?.track;
      if (!muted && track) this.#view.track(me.identity, track.mediaStreamTrack);
      this.#view.mic({ on: !muted, word: '' });
    } catch (error) {
      this.#view.mic({ on: false, word: deviceWord(error) });
    }
    this.#people();
  }

  /** Shows or hides the visitor's picture. */
  async camera(on) {
    this.#camera = on;
    try {
      const camera = look(remembered('videoinput'));
      await this.#room.localParticipant.setCameraEnabled(on, camera);
      this.#view.camera({ on, word: '' });
    } catch (error) {
      this.#camera = false;
      this.#view.camera({ on: false, word: deviceWord(error, 'camera') });
    }
    this.#people();
  }

  /** Shows or hides the visitor's screen; the browser asks which. */
  async screen(on) {
    let word = '';
    try {
      // Its sound stays where it is: the cast would hear itself.
      await this.#room.localParticipant.setScreenShareEnabled(on, { audio: false });
    } catch (error) {
      // Whoever closes the browser's question has changed their mind.
      if (error.name !== 'NotAllowedError') word = `Your screen is not shown (${error.message}).`;
    }
    const shown = this.#room.localParticipant.isScreenShareEnabled;
    this.#view.screen({ on: shown, word });
  }

  /** Changes a device in mid-call; throws a sentence. */
  async device(kind, id) {
    if (kind === 'audiooutput') return this.#speaker(id);
    const device = kind === 'audioinput' ? 'microphone' : 'camera';
    if (kind === 'audioinput') this.#mic = { id };
    try {
      await this.#room.switchActiveDevice(kind, id);
    } catch (error) {
      throw new Error(deviceWord(error, device));
    }
    const me = this.#room.localParticipant;
    const track = me.getTrackPublication(client.Track.Source.Microphone)?.track;
    if (track) this.#view.track(me.identity, track.mediaStreamTrack);
    return undefined;
  }

  /** Plays the room where the visitor wants it; a speaker that is gone leaves it where it is. */
  async #speaker(id) {
    if (!id || !canChooseSpeaker()) return;
    await this.#room.switchActiveDevice('audiooutput', id).catch(() => {});
  }

  /** Shows that the room is back, once lines go out again. */
  async #back(room) {
    while (room.state === client.ConnectionState.Connected && holdsBack(room)) {
      await new Promise((done) => { setTimeout(done, SETTLE_MS); });
    }
    if (!holdsBack(room)) this.#view.link('good', 'Connected');
  }

  /** Says a typed line, which may have pictures with it; throws when it did not go out. */
  async say(text, pictures = []) {
    if (holdsBack(this.#room)) throw new Error('the room is reconnecting');
    const me = this.#room.localParticipant;
    const attachments = pictures.map(({ file }) => file);
    await me.sendText(text, { topic: 'lk.chat', attachments });
    this.#view.chat({ identity: me.identity, text, pictures });
  }

  /** Lets the browser play sound; call it from a click. */
  async sound() {
    await this.#room.startAudio();
    this.#view.sound(!this.#room.canPlaybackAudio);
  }

  async leave() {
    this.#end('You left the room.', 'calm');
    await this.#room?.disconnect();
  }
}
