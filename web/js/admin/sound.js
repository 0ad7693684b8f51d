// The sound of a recorded turn, fetched when somebody wants to hear it.

import { el, say } from '../dom.js';

/** A button that becomes a player, or says why there is nothing to hear. */
export function listen(turn) {
  const place = el('div', { class: 'sound' });
  const word = el('p', { class: 'soft', role: 'status' });
  const button = el('button', { class: 'button small', type: 'button', text: 'Listen' });
  button.addEventListener('click', async () => {
    button.disabled = true;
    say(word, 'Looking for it on the tape…');
    try {
      const source = await fetchSound(turn);
      const label = 'The turn as it was';
      const player = el('audio', { controls: true, src: source, 'aria-label': label });
      const legend = el('p', { class: 'soft', text: 'left: humans · right: persona' });
      place.replaceChildren(player, legend);
      player.focus();
      await player.play();
    } catch (error) {
      say(word, error.message);
      button.disabled = false;
    }
  });
  place.append(button, word);
  return place;
}

/** The address of a WAV file in the page's memory; throws a sentence. */
async function fetchSound(turn) {
  const answer = await fetch(`/api/turns/${encodeURIComponent(turn.turn)}/audio`).catch(() => null);
  if (!answer) throw new Error('The host does not answer.');
  if (answer.ok) return URL.createObjectURL(await answer.blob());
  const { error } = await answer.json().catch(() => ({}));
  const sentence = error ?? `the host answered ${answer.status}`;
  throw new Error(`${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`);
}
