// Requests to the service. What goes wrong is a Problem (the service says no) or ConnectionLost
// (nobody answers); a 401 asks the person for a key and tries again.
import { currentKey, keyInstead } from './key.js';

export class Problem extends Error {
  constructor(status, detail, retryAfterS = null) {
    super(detail);
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

export class ConnectionLost extends Error {
  constructor() {
    super('The service does not answer.');
  }
}

// Relative to the page, so that a proxy may put a prefix before it.
export function address(path, query = {}) {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null) url.searchParams.set(name, value);
  }
  return url;
}

export const documentPath = (id, rest = '') => `v1/documents/${encodeURIComponent(id)}${rest}`;

// The problem in an answer that is not a success: RFC 9457, or what a proxy wrote instead.
export function problemOf(status, retryAfter, text) {
  let detail = '';
  try {
    const body = JSON.parse(text);
    detail = body.detail || body.title || '';
  } catch {
    // Not from the service.
  }
  const seconds = Number.parseInt(retryAfter ?? '', 10);
  return new Problem(
    status,
    String(detail) || `The service answered ${status}.`,
    Number.isFinite(seconds) ? Math.max(seconds, 0) : null,
  );
}

export function authorization() {
  const key = currentKey();
  return key === null ? {} : { Authorization: `Bearer ${key}` };
}

// The response, once it is a success; its body is still to be read.
export async function open(method, path, { query, json, signal } = {}) {
  for (;;) {
    const used = currentKey();
    const headers = authorization();
    if (json !== undefined) headers['Content-Type'] = 'application/json';
    let response;
    try {
      response = await fetch(address(path, query), {
        method,
        headers,
        signal,
        cache: 'no-store',
        body: json === undefined ? undefined : JSON.stringify(json),
      });
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw new ConnectionLost();
    }
    if (response.ok) return response;
    const text = await response.text().catch(() => '');
    if (response.status === 401 && (await keyInstead(used))) continue;
    throw problemOf(response.status, response.headers.get('Retry-After'), text);
  }
}

export async function request(method, path, options) {
  const response = await open(method, path, options);
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch {
    throw new ConnectionLost(); // cut off in the middle
  }
}
