// The dialog in which microphone, camera and speaker are chosen.

import { $, say } from '../dom.js';
import { canChooseSpeaker, fill, obstacle, onDevices, remember } from './devices.js';

const CHOICES = { 'mics-live': 'audioinput', cams: 'videoinput', speakers: 'audiooutput' };

/** `choose(kind, id)` is called at each choice; it may throw a sentence. */
export function chooser(choose) {
  for (const [id, kind] of Object.entries(CHOICES)) {
    $(id).addEventListener('change', async () => {
      remember(kind, $(id).value);
      say($('devices-word'), '');
      try {
        await choose(kind, $(id).value);
      } catch (error) {
        say($('devices-word'), error.message);
      }
    });
  }
  $('devices-done').addEventListener('click', () => $('devices').close());
  // A click beside it closes it too.
  $('devices').addEventListener('click', (event) => {
    if (event.target === $('devices')) $('devices').close();
  });
  onDevices(() => $('devices').open && refresh());
}

/** Opens it; in the lobby the microphone is chosen elsewhere. */
export function openChooser({ lobby }) {
  $('mics-row').hidden = lobby;
  say($('devices-word'), obstacle() ?? '');
  refresh();
  $('devices').showModal();
}

async function refresh() {
  await fill($('mics-live'), 'audioinput');
  const cameras = await fill($('cams'), 'videoinput');
  const speakers = await fill($('speakers'), 'audiooutput');
  $('speakers-row').hidden = !canChooseSpeaker() || !speakers;
  if (!cameras && !obstacle()) {
    say($('devices-word'), 'The browser names cameras and speakers once you allowed one.');
  }
}
