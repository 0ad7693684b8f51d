// Pictures on their way into the chat: pasted, dropped or chosen, and shown above their line.

import { $, el, say } from '../dom.js';

const TYPES = ['image/png', 'image/jpeg', 'image/webp'];
/** The host takes no more of them with a line, and no larger ones. */
const COUNT_MAX = 4;
const BYTES_MAX = 8 * 1024 * 1024;
/** Twice of what the cast is shown; more is only slower to send. */
const SIDE_MAX = 1024;
/** A drawing this small stays as sharp as it is; photographs become JPEG. */
const PNG_BYTES_MAX = 512 * 1024;
const JPEG_QUALITY = 0.9;
const THUMB_SIDE = 240;

export class Pictures {
  #waiting = [];
  #complain;

  /** `complain(sentence)` shows why a picture is not taken, or '' when all were. */
  constructor(complain) {
    this.#complain = complain;
    $('attach').addEventListener('click', () => $('file').click());
    $('file').addEventListener('change', () => {
      this.#add([...$('file').files]);
      // Or the same one could not be chosen again.
      $('file').value = '';
    });
    document.addEventListener('paste', (event) => {
      // Office programs put a picture of the words beside the words, which are what is meant.
      const words = event.clipboardData?.getData('text/plain');
      if (!words) this.#offered(event, event.clipboardData);
    });
    // Anywhere: a file that misses a small target would open in place of the room.
    document.addEventListener('dragover', (event) => {
      if (event.dataTransfer.types.includes('Files')) event.preventDefault();
    });
    document.addEventListener('drop', (event) => this.#offered(event, event.dataTransfer));
  }

  /** Hands out what waits: `[{file, thumb, name}]`. */
  take() {
    const taken = this.#waiting;
    this.#show([]);
    return taken;
  }

  /** Takes back what did not go out, before what came since. */
  put(pictures) {
    this.#show([...pictures, ...this.#waiting].slice(0, COUNT_MAX));
  }

  #offered(event, data) {
    const files = [...data?.files ?? []];
    if (!files.length || $('stage').hidden) return;
    event.preventDefault();
    this.#add(files);
  }

  async #add(files) {
    let word = '';
    for (const file of files) {
      try {
        const picture = await prepare(file);
        if (this.#waiting.length >= COUNT_MAX) {
          throw new Error(`At most ${COUNT_MAX} pictures go with a line. Send these first.`);
        }
        this.#show([...this.#waiting, picture]);
      } catch (error) {
        word = error.message;
      }
    }
    this.#complain(word);
    $('say').focus({ preventScroll: true });
  }

  #show(pictures) {
    this.#waiting = pictures;
    $('tray').hidden = !pictures.length;
    $('tray').replaceChildren(...pictures.map((picture) => el('li', {},
      thumbnail(picture),
      el('button', {
        class: 'button',
        type: 'button',
        'aria-label': `Leave out ${picture.name}`,
        text: '×',
        onclick: () => {
          this.#show(this.#waiting.filter((other) => other !== picture));
          $('say').focus({ preventScroll: true });
        },
      }))));
    const count = pictures.length;
    say($('tray-word'), count ? `${count} of ${COUNT_MAX} pictures go with your line.` : '');
  }
}

/** A small picture of one that is sent. */
export const thumbnail = ({ thumb, name }) => (
  el('img', { class: 'thumb', src: thumb, alt: `Your picture ${name}` }));

/**
 * Draws a file anew: no larger than is of use, and without what hides in photographs, as the place
 * where they were taken. Throws a sentence when it is no picture.
 */
async function prepare(file) {
  const name = file.name || 'without a name';
  if (!TYPES.includes(file.type)) {
    throw new Error(`${name} is no PNG, JPEG or WebP picture.`);
  }
  if (file.size > BYTES_MAX) {
    throw new Error(`${name} has more than 8 MB. Choose a smaller picture.`);
  }
  let image;
  try {
    image = await createImageBitmap(file);
  } catch {
    throw new Error(`${name} is broken, or no picture that this browser can read.`);
  }
  const large = draw(image, SIDE_MAX);
  let bytes = file.type === 'image/png' ? await encode(large, 'image/png') : null;
  if (!bytes || bytes.size > PNG_BYTES_MAX) bytes = await encode(large, 'image/jpeg');
  const thumb = draw(image, THUMB_SIDE).toDataURL('image/jpeg', JPEG_QUALITY);
  image.close();
  return { file: new File([bytes], 'picture', { type: bytes.type }), thumb, name };
}

function draw(image, side) {
  const scale = Math.min(1, side / Math.max(image.width, image.height));
  const canvas = el('canvas', {
    width: Math.max(1, Math.round(image.width * scale)),
    height: Math.max(1, Math.round(image.height * scale)),
  });
  const pen = canvas.getContext('2d');
  // What is transparent is white, as on most pages.
  pen.fillStyle = 'white';
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}

const encode = (canvas, type) => (
  new Promise((done) => { canvas.toBlob(done, type, JPEG_QUALITY); }));
