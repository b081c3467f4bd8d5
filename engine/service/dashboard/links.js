// Opens a document's content in another tab, by a signed link: a tab cannot send the API key.
import { documentPath, request } from './api.js';
import { notice } from './notice.js';

export async function openDocument(id, page = null) {
  // Opened while the click still counts, or the browser takes it for an advertisement.
  const tab = window.open('about:blank', '_blank');
  if (tab) tab.opener = null;
  try {
    const link = await request('POST', documentPath(id, '/links'), {
      json: { expires_in_s: 3600 },
    });
    const url = new URL(link.url, document.baseURI);
    if (!/^https?:$/.test(url.protocol))
      throw new Error('The service returned a link of another kind.');
    if (page !== null) url.hash = `page=${page}`;
    if (tab) tab.location.replace(url);
    else window.location.assign(url);
  } catch (error) {
    tab?.close();
    notice(`Could not open the document. ${error.message}`, true);
  }
}
