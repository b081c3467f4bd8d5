// Search: what was found, with its place in the document, which a click opens.
import { request } from './api.js';
import { byId, el, setText } from './dom.js';
import * as say from './format.js';
import { openDocument } from './links.js';

const limit = 10;
let current = null; // aborts the search before this one

// The words that matched stand between \u0002 and \u0003.
export function marked(snippet) {
  return snippet.split('\u0002').flatMap((part, i) => {
    if (i === 0) return [part];
    const [word, ...rest] = part.split('\u0003');
    return [el('mark', {}, word), rest.join('')];
  });
}

function hit({ id, name, page_first: first, page_last: last, snippet, text }) {
  const pages = first === last ? `page ${first}` : `pages ${first}–${last}`;
  const label = say.visible(name);
  return el(
    'li',
    {},
    el(
      'button',
      { type: 'button', class: 'hit', on: { click: () => openDocument(id, first) } },
      el(
        'span',
        { class: 'hit-head' },
        el('span', { class: 'stranger name' }, label),
        el('span', { class: 'chip' }, pages),
      ),
      el('span', { class: 'snippet', dir: 'auto' }, ...marked(snippet || text)),
      el('span', { class: 'hit-open' }, `Open at page ${first}`),
    ),
  );
}

async function search(query) {
  current?.abort();
  if (query === '') {
    setText(
      byId('search-note'),
      'Words and phrases from your documents; each hit opens at its page.',
    );
    byId('hits').replaceChildren();
    return;
  }
  const abort = new AbortController();
  current = abort;
  setText(byId('search-note'), 'Searching…');
  byId('hits').setAttribute('aria-busy', 'true');
  try {
    const { hits } = await request('GET', 'v1/search', {
      query: { q: query, limit },
      signal: abort.signal,
    });
    byId('hits').replaceChildren(...hits.map(hit));
    setText(
      byId('search-note'),
      hits.length > 0
        ? `${say.plural(hits.length, 'passage')}, the best first.`
        : 'Nothing was found. Try other words, or upload the document first.',
    );
  } catch (error) {
    if (abort.signal.aborted) return;
    byId('hits').replaceChildren();
    setText(byId('search-note'), `The search failed. ${error.message}`);
  }
  byId('hits').removeAttribute('aria-busy');
}

// The query is part of the address, so that a search can be kept and gone back to.
export function showSearch(query) {
  if (byId('query').value.trim() !== query) byId('query').value = query;
  if (query === '') byId('query').focus();
  search(query);
}

export function startSearch() {
  byId('search-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const query = byId('query').value.trim();
    const hash = query === '' ? '#search' : `#search/${encodeURIComponent(query)}`;
    if (window.location.hash === hash) search(query);
    else window.location.hash = hash;
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector('dialog[open]') || event.target.closest('input, textarea, select'))
      return;
    event.preventDefault();
    if (byId('search-view').hidden) window.location.hash = '#search';
    else byId('query').select();
  });
}
