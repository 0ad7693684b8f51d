// Small helpers for the DOM. Text goes in as text only: names and lines come from strangers.

/** The element of an id; it is part of the page. */
export const $ = (id) => document.getElementById(id);

/**
 * Makes an element. Of `props`, `class` and `data-*`/`aria-*` and other attributes are set as
 * attributes, `on*` functions as listeners, `text` as text. Children are nodes or strings.
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'text') node.textContent = value;
    else if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Sets text only when it differs, so that screen readers and selections stay undisturbed. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets or removes an attribute when it differs. */
export function attr(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
}

/**
 * Keeps the children of `parent` in step with `items`: one node per key, made by `make(item)`,
 * brought up to date by `update(node, item)`, in the order of the items. Nodes that stay are not
 * touched, so focus and open details survive.
 */
export function keep(parent, items, key, make, update) {
  const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let node = old.get(name);
    old.delete(name);
    if (!node) {
      node = make(item);
      node.dataset.key = name;
    }
    update(node, item);
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
  }
  for (const node of old.values()) node.remove();
}
