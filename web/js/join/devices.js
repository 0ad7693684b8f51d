// Microphones and cameras: which there are, how loud one is, what is wrong with one, in words.

/** Why the page cannot have a microphone at all; null when it can. */
export function obstacle() {
  if (navigator.mediaDevices?.getUserMedia) return null;
  return window.isSecureContext
    ? 'This browser offers no microphone. You can join and type.'
    : 'Browsers give the microphone to https pages and to this machine’s own address only. '
      + 'You can join and type.';
}

/** A sentence for the error of a `microphone` or a `camera`, with the mend. */
export function deviceWord(error, device = 'microphone') {
  switch (error?.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return `The ${device} is not allowed here. Allow it at the lock beside the address, `
        + 'then try again.';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return device === 'camera'
        ? 'No camera is connected. Plug one in, then try again.'
        : 'No such microphone is connected. Plug one in, or choose another.';
    case 'NotReadableError':
    case 'AbortError':
      return `The ${device} does not answer; another program may hold it. `
        + 'Close that, then try again.';
    default:
      return `The ${device} failed (${error?.message || error?.name || 'no reason given'}).`;
  }
}

const KINDS = {
  audioinput: { name: 'Microphone', none: 'Default microphone' },
  videoinput: { name: 'Camera', none: 'Default camera' },
  audiooutput: { name: 'Speaker', none: 'Default speaker' },
};

/** Which device was chosen at an earlier visit; `''` for the browser's own choice. */
export const remembered = (kind) => localStorage.getItem(`troupe.${kind}`) ?? '';

export const remember = (kind, id) => localStorage.setItem(`troupe.${kind}`, id);

/** The devices of a kind, `[{id, label}]`; labels are known only once the visitor allowed one. */
async function devices(kind) {
  if (obstacle()) return [];
  const all = await navigator.mediaDevices.enumerateDevices();
  return all
    .filter((device) => device.kind === kind && device.deviceId)
    .map((device, index) => ({
      id: device.deviceId,
      label: device.label || `${KINDS[kind].name} ${index + 1}`,
    }));
}

/** Fills a choice of devices, keeping what was chosen; resolves to how many there are. */
export async function fill(select, kind, chosen = select.value || remembered(kind)) {
  const found = await devices(kind);
  const options = found.length ? found : [{ id: '', label: KINDS[kind].none }];
  select.replaceChildren(...options.map(({ id, label }) => new Option(label, id)));
  if (options.some(({ id }) => id === chosen)) select.value = chosen;
  return found.length;
}

/** Calls when a device was plugged in or out. */
export function onDevices(act) {
  navigator.mediaDevices?.addEventListener?.('devicechange', act);
}

/** Firefox before 116 and Safari cannot choose where sound goes. */
export const canChooseSpeaker = () => 'setSinkId' in HTMLMediaElement.prototype;

/** Whether the visitor allowed the microphone on an earlier visit. */
export async function allowed() {
  try {
    return (await navigator.permissions.query({ name: 'microphone' })).state === 'granted';
  } catch {
    return false;
  }
}

/** Whether the page can show a camera at all. */
export const cameras = () => obstacle() === null;

/** Whether the page can show a screen: telephones cannot. */
export const screens = () => Boolean(navigator.mediaDevices?.getDisplayMedia);

/** How a camera is opened; one that is gone since is no error. */
export const look = (deviceId) => (deviceId ? { deviceId: { ideal: deviceId } } : {});

/** How a microphone is opened: browsers' own echo cancelling keeps the cast out of it. */
export function wish(deviceId) {
  return {
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
    ...(deviceId ? { deviceId: { exact: deviceId } } : {}),
  };
}

let context;

/**
 * The level of a track as a function: 0 to 1 on a scale of loudness, from -60 dB to -10 dB. Null
 * where the browser cannot tell: Firefox refuses tracks of another rate than its output's.
 */
export function levelOf(track) {
  let source;
  try {
    context ??= new AudioContext();
    context.resume();
    source = context.createMediaStreamSource(new MediaStream([track]));
  } catch {
    return null;
  }
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const read = () => {
    analyser.getFloatTimeDomainData(samples);
    let power = 0;
    for (const sample of samples) power += sample * sample;
    const decibel = 10 * Math.log10(power / samples.length + 1e-9);
    return Math.min(1, Math.max(0, (decibel + 60) / 50));
  };
  read.stop = () => source.disconnect();
  return read;
}
