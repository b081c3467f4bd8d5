// The page: which of its views is in sight, by the address's fragment, and what runs in all.
import { byId, setAttribute } from './dom.js';
import { showDocuments, startDocuments } from './documents.js';
import { followEvents } from './events.js';
import { showFailures, startFailures } from './failures.js';
import { showOverview, watchOverview } from './overview.js';
import { showSearch, startSearch } from './search.js';
import { startUploads } from './uploads.js';

const views = {
  overview: showOverview,
  documents: showDocuments,
  search: showSearch,
  failures: showFailures,
};
let shown = null;

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function route() {
  const [name, ...rest] = window.location.hash.slice(1).split('/');
  const view = Object.hasOwn(views, name) ? name : 'overview';
  // Not an element's id, or the browser would scroll there, below the frame.
  for (const other of Object.keys(views)) byId(`${other}-view`).hidden = other !== view;
  for (const link of document.querySelectorAll('nav a')) {
    setAttribute(link, 'aria-current', link.hash === `#${view}` ? 'page' : null);
  }
  document.title =
    view === 'overview' ? 'Penstock' : `${byId(`${view}-title`).textContent} – Penstock`;
  if (shown !== null && shown !== view) window.scrollTo(0, 0);
  const left = shown;
  shown = view;
  if (left === 'documents' && view !== left) showDocuments(); // it wants no events any more
  views[view](decode(rest.join('/')));
}

startUploads();
startDocuments();
startSearch();
startFailures();
addEventListener('hashchange', route);
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault(); // the fragment is the view's
  byId('main').focus();
});
route();
followEvents();
watchOverview();
