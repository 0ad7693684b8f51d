// The pictures that went with a line, or that the model was shown for a turn.

import { el } from '../dom.js';

/** Small views, each a link to the whole; null without pictures. */
export function pictures(ids, what) {
  if (!ids?.length) return null;
  return el('ul', { class: 'pictures', 'aria-label': what }, ...ids.map((id) => {
    const href = `/api/pictures/${encodeURIComponent(id)}`;
    const image = el('img', {
      src: href, alt: `Picture ${id.slice(0, 8)}`, loading: 'lazy', decoding: 'async',
    });
    // Only the newest are kept; of older ones the name tells at least which they were.
    image.addEventListener('error', () => {
      const text = `${id.slice(0, 8)}, no longer kept`;
      image.replaceWith(el('span', { class: 'gone soft', text }));
    }, { once: true });
    return el('li', {}, el('a', { href, target: '_blank', rel: 'noopener', title: id }, image));
  }));
}
