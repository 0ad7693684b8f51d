// The recording: a visible sign while it runs, and the button that starts and stops it.

import { $, attr, say } from '../dom.js';
import { order } from './feed.js';

/** A host without the switch, or one that was never asked. */
let absent = false;

/** Shows the recording of a status; `complain(sentence)` takes what goes wrong. */
export function showTape(recording, complain) {
  const on = recording?.state === 'up';
  const sign = $('tape');
  const cause = recording && !on ? recording.cause : null;
  sign.hidden = !on && !failed(recording);
  attr(sign, 'class', `pill ${on ? 'rec' : 'warn'}`);
  say(sign, on ? taping(recording) : `Not recorded: ${cause ?? ''}`);
  attr(sign, 'title', recording?.folder ?? null);
  const button = $('record');
  button.hidden = absent;
  attr(button, 'aria-pressed', String(on));
  say(button.lastElementChild, on ? 'Stop recording' : 'Record');
  button.onclick = () => toggle(!on, complain);
}

/** It stopped by itself, which somebody must see. */
const failed = (recording) => (
  recording?.state === 'down' && recording.folder && !/ended$/.test(recording.cause ?? 'ended'));

function taping({ dropped }) {
  return dropped ? `Recording, ${dropped} records lost` : 'Recording';
}

async function toggle(on, complain) {
  const button = $('record');
  button.disabled = true;
  try {
    await order('/api/recording', { on });
    complain('');
  } catch (error) {
    absent = error.status === 404;
    button.hidden = absent;
    complain(absent ? 'This host cannot switch recording; start it with --record FOLDER.'
      : error.message);
  }
  button.disabled = false;
}
