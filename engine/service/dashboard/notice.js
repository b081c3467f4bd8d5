// Short messages at the edge of the page, read out once; those of trouble stay longer.
import { byId, el } from './dom.js';

export function notice(text, trouble = false) {
  const node = el('p', { class: trouble ? 'trouble' : '' }, text);
  const box = byId('notice');
  while (box.childElementCount > 2) box.firstElementChild.remove();
  box.append(node);
  setTimeout(() => node.remove(), trouble ? 12_000 : 5000);
}
