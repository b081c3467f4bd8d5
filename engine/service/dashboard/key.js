// The API key: kept in this tab's session storage, asked for when the service wants one.
import { byId, setText } from './dom.js';

const slot = 'penstock-key';
let key = sessionStorage.getItem(slot);
let asking = null; // the answer that everybody waits for
let dismissed = false; // nobody is asked again until they press the button

export const currentKey = () => key;
export const changes = new EventTarget(); // 'change': there is another key, or none

function keep(value) {
  key = value;
  if (value === null) sessionStorage.removeItem(slot);
  else sessionStorage.setItem(slot, value);
  changes.dispatchEvent(new Event('change'));
}

// After a 401 to a request that carried `used`. True: there is another key, so try again.
export function keyInstead(used) {
  if (used !== key) return Promise.resolve(true);
  byId('key-button').hidden = false;
  if (dismissed) return Promise.resolve(false);
  return ask(used === null ? '' : 'The service does not take this key.');
}

function ask(error) {
  setText(byId('key-error'), error);
  asking ??= new Promise((resolve) => {
    const dialog = byId('key-dialog');
    byId('key').value = '';
    dialog.returnValue = '';
    dialog.showModal();
    dialog.addEventListener(
      'close',
      () => {
        asking = null;
        const given = dialog.returnValue === 'given' ? byId('key').value.trim() : '';
        byId('key').value = '';
        dismissed = given === '';
        if (given !== '') keep(given);
        resolve(given !== '');
      },
      { once: true },
    );
  });
  return asking;
}

byId('key-button').hidden = key === null;
byId('key-button').addEventListener('click', () => ask(''));
byId('key-cancel').addEventListener('click', () => byId('key-dialog').close(''));
byId('key-form').addEventListener('submit', (event) => {
  event.preventDefault();
  byId('key-dialog').close('given');
});
