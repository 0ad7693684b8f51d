// A long list of which only the rows in sight are in the page.

import { attr } from './dom.js';

/** Rows beyond each edge, so that Tab and a flick of the wheel find some. */
const MARGIN = 8;
/** Before a row was measured. */
const ROW_PX = 64;

/**
 * Keeps the rows of a scroller in step with items that may be thousands. `list` is inside
 * `scroller`; its rows are placed by hand, and may be of any height. `row` has `key(item)`,
 * `make(item)` and `update(node, item)`. A row that holds the focus stays, wherever it is; what is
 * in sight stays in place when items come before it.
 */
export class VirtualList {
  #scroller;
  #list;
  #row;
  #items = [];
  /** Where each item begins, and at the end the whole height, in pixels. */
  #tops = [0];
  /** Measured heights by key; most rows are alike. */
  #heights = new Map();
  #usual = ROW_PX;
  #nodes = new Map();
  #due = false;
  #sizes;

  constructor(scroller, list, row) {
    this.#scroller = scroller;
    this.#list = list;
    this.#row = row;
    this.#sizes = new ResizeObserver((entries) => this.#measured(entries));
    scroller.addEventListener('scroll', () => this.#later(), { passive: true });
    new ResizeObserver(() => this.#later()).observe(scroller);
    list.addEventListener('keydown', (event) => this.#key(event));
  }

  /** Shows these items from now on. */
  show(items) {
    const anchor = this.#anchor();
    this.#items = items;
    const known = new Set(items.map((item) => this.#row.key(item)));
    for (const key of this.#heights.keys()) if (!known.has(key)) this.#heights.delete(key);
    this.#place();
    this.#restore(anchor);
    this.#draw();
  }

  #later() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#draw();
    });
  }

  #place() {
    let top = 0;
    this.#tops = this.#items.map((item) => {
      const at = top;
      top += this.#heights.get(this.#row.key(item)) ?? this.#usual;
      return at;
    });
    this.#tops.push(top);
    this.#list.style.height = top ? `${top}px` : '';
  }

  /** The first row in sight, and how far it is cut; none at the top, which follows the news. */
  #anchor() {
    const { scrollTop } = this.#scroller;
    if (scrollTop < 4) return null;
    const index = this.#at(scrollTop);
    const item = this.#items[index];
    return item && { key: this.#row.key(item), cut: scrollTop - this.#tops[index] };
  }

  #restore(anchor) {
    if (!anchor) return;
    const index = this.#items.findIndex((item) => this.#row.key(item) === anchor.key);
    if (index < 0) return;
    const wanted = this.#tops[index] + anchor.cut;
    if (Math.abs(this.#scroller.scrollTop - wanted) >= 1) this.#scroller.scrollTop = wanted;
  }

  /** The item at a height. */
  #at(px) {
    let [low, high] = [0, this.#items.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#tops[middle + 1] <= px) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #draw() {
    const { scrollTop, clientHeight } = this.#scroller;
    const first = Math.max(0, this.#at(scrollTop) - MARGIN);
    const last = Math.min(this.#items.length, this.#at(scrollTop + clientHeight) + 1 + MARGIN);
    const wanted = new Set();
    const focused = this.#focused();
    for (let index = 0; index < this.#items.length; index += 1) {
      if (index < first || index >= last) {
        if (focused === null || this.#row.key(this.#items[index]) !== focused) continue;
      }
      wanted.add(this.#put(index));
    }
    for (const [key, node] of this.#nodes) {
      if (wanted.has(key)) continue;
      this.#sizes.unobserve(node);
      node.remove();
      this.#nodes.delete(key);
    }
    this.#order();
  }

  #put(index) {
    const item = this.#items[index];
    const key = this.#row.key(item);
    let node = this.#nodes.get(key);
    if (!node) {
      node = this.#row.make(item);
      node.dataset.key = key;
      this.#nodes.set(key, node);
      this.#list.append(node);
      this.#sizes.observe(node);
    }
    node.dataset.place = index;
    node.style.top = `${this.#tops[index]}px`;
    attr(node, 'aria-setsize', this.#items.length);
    attr(node, 'aria-posinset', index + 1);
    this.#row.update(node, item);
    return key;
  }

  /** Tab goes by the order in the page. */
  #order() {
    const sorted = [...this.#nodes.values()].sort((a, b) => a.dataset.place - b.dataset.place);
    sorted.forEach((node, place) => {
      const there = this.#list.children[place];
      if (there !== node && !node.contains(document.activeElement)) {
        this.#list.insertBefore(node, there);
      }
    });
  }

  #focused() {
    const row = document.activeElement?.closest?.('[data-place]');
    return row && this.#list.contains(row) ? row.dataset.key : null;
  }

  #measured(entries) {
    let changed = false;
    for (const { target } of entries) {
      const height = target.offsetHeight;
      if (!height || !this.#nodes.has(target.dataset.key)) continue;
      const known = this.#heights.get(target.dataset.key) ?? this.#usual;
      if (known === height) continue;
      // The first closed row tells for all that were not seen yet.
      if (!this.#heights.size && this.#usual === ROW_PX) this.#usual = height;
      this.#heights.set(target.dataset.key, height);
      changed = true;
    }
    if (!changed) return;
    const anchor = this.#anchor();
    this.#place();
    this.#restore(anchor);
    this.#draw();
  }

  /** Arrows go from row to row, Home and End to the ends. */
  #key(event) {
    const row = event.target.closest('[data-place]');
    if (!row || event.target.closest('audio, input, select, button')) return;
    const place = Number(row.dataset.place);
    const last = this.#items.length - 1;
    const to = {
      ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#go(Math.min(last, Math.max(0, to)));
  }

  #go(index) {
    const { clientHeight, scrollTop } = this.#scroller;
    const [top, bottom] = [this.#tops[index], this.#tops[index + 1]];
    if (top < scrollTop) this.#scroller.scrollTop = top;
    else if (bottom > scrollTop + clientHeight) {
      this.#scroller.scrollTop = Math.min(top, bottom - clientHeight);
    }
    this.#draw();
    const node = this.#nodes.get(String(this.#row.key(this.#items[index])));
    node?.querySelector('summary, a, button')?.focus({ preventScroll: true });
    this.#later();
  }
}
