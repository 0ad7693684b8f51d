// LiveKit's text streams as segments of text.
//
// A persona's segment is one stream that grows; a human's comes as a new stream per update, each
// with the whole text so far, under the same segment id. In both the newest stream holds the text.

const SEGMENT = 'lk.segment_id';
const FINAL = 'lk.transcription_final';
/** Segments remembered, so that a late stream of an old one is put right; the oldest leave. */
const SEGMENTS_MAX = 200;

export class Captions {
  #segments = new Map();
  #count = 0;
  #show;
  #isPersona;

  /** `show({segment, identity, text, last})` is called at each change. */
  constructor(show, isPersona) {
    this.#show = show;
    this.#isPersona = isPersona;
  }

  /** Takes one text stream, from its first chunk to its end. */
  async take(reader, identity) {
    const attributes = () => reader.info.attributes ?? {};
    const segment = `${identity}/${attributes()[SEGMENT] ?? reader.info.id}`;
    const order = ++this.#count;
    this.#remember(segment, order);
    let text = '';
    try {
      for await (const chunk of reader) {
        text += chunk;
        this.#put(segment, order, { segment, identity, text, last: false });
      }
    } catch {
      // The speaker left in mid-sentence: what came is what was said.
      this.#put(segment, order, { segment, identity, text, last: true });
      return;
    }
    // The flag may come with the end of the stream.
    const last = this.#isPersona(identity) || attributes()[FINAL] !== 'false';
    this.#put(segment, order, { segment, identity, text, last });
  }

  #remember(segment, order) {
    this.#segments.delete(segment);
    this.#segments.set(segment, order);
    if (this.#segments.size > SEGMENTS_MAX) {
      this.#segments.delete(this.#segments.keys().next().value);
    }
  }

  #put(segment, order, caption) {
    if (this.#segments.get(segment) === order) this.#show(caption);
  }
}
