// How elements are made and kept up to date. Data only ever becomes text or an attribute's value,
// never markup: the names of files come from strangers.

export const byId = (id) => document.getElementById(id);

// attributes: `on` is a map of listeners, true means present, null and false absent.
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else if (value !== null && value !== false) {
      node.setAttribute(name, value === true ? '' : value);
    }
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

export function button(text, onClick, attributes = {}) {
  return el(
    'button',
    { type: 'button', class: 'quiet', on: { click: onClick }, ...attributes },
    text,
  );
}

// Writes only what changes, so that neither a selection nor a screen reader is disturbed.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

// A share from 0 to 1 as a custom property: the policy forbids style attributes, not this.
export function setShare(node, name, share) {
  const value = Number.isFinite(share) ? Math.min(Math.max(share, 0), 1) : 0;
  node.style.setProperty(name, `${(value * 100).toFixed(2)}%`);
}

const rowsOf = new WeakMap();

// Makes the children of `parent` one a item, in this order. A row ({node, ...}) is made once for a
// key and updated from then on: focus, open rows and the place scrolled to stay as they are.
export function reconcile(parent, items, keyOf, create, update) {
  const before = rowsOf.get(parent) ?? new Map();
  const after = new Map();
  for (const item of items) {
    const key = keyOf(item);
    after.set(key, before.get(key) ?? create(item));
    before.delete(key);
  }
  for (const row of before.values()) row.node.remove();
  let next = parent.firstElementChild;
  for (const item of items) {
    const row = after.get(keyOf(item));
    update(row, item);
    if (row.node === next) next = next.nextElementSibling;
    else parent.insertBefore(row.node, next);
  }
  rowsOf.set(parent, after);
  parent.dataset.loaded = ''; // from now on, empty means that there is nothing
}

// Asks before something that cannot be undone. True if the person said yes.
export function confirmed(title, text, yes) {
  const dialog = byId('confirm-dialog');
  setText(byId('confirm-title'), title);
  setText(byId('confirm-text'), text);
  setText(byId('confirm-yes'), yes);
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  });
}
