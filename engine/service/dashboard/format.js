// Numbers, durations, times and names as people read them.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const dateAndClock = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'medium',
});

export const count = (n) => (n < 100_000 ? whole.format(n) : compact.format(n));
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
export const compactCount = (n) => compact.format(n);

export function bytes(n) {
  for (const [unit, size] of [
    ['TB', 1e12],
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ]) {
    if (n >= size) return `${(n >= 100 * size ? whole : fine).format(n / size)} ${unit}`;
  }
  return plural(n, 'byte');
}

// A rate without its unit; what is small is not zero.
export function rate(perSecond) {
  if (perSecond > 0 && perSecond < 0.1) return '<0.1';
  return perSecond < 100 ? fine.format(perSecond) : count(perSecond);
}

export function duration(ms) {
  if (ms < 1) return '<1 ms';
  if (ms < 1000) return `${whole.format(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${fine.format(s)} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(s % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}

export function ago(ms) {
  if (ms < 5000) return 'just now';
  if (ms < 60_000) return `${Math.floor(ms / 1000)} s ago`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ago`;
  if (ms < 172_800_000) return `${Math.floor(ms / 3_600_000)} h ago`;
  return `${Math.floor(ms / 86_400_000)} days ago`;
}

export const time = (at) => clock.format(new Date(at));
export const dateTime = (at) => dateAndClock.format(new Date(at));

// Control characters, and those that turn the direction of what follows, are shown as what they
// are: "report<RLO>fdp.exe" must not read as a PDF.
export function visible(name) {
  return (
    name.replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '\ufffd') || '(no name)'
  );
}

const outcomes = {
  done: ['Done', ''],
  no_text: ['No text', 'Run OCR on the scan and upload the result.'],
  encrypted: ['Encrypted', 'Upload a copy without a password.'],
  corrupt: ['Corrupt', 'Upload a sound copy.'],
  crashed: ['Crashed', 'No other document was harmed. Upload it saved anew, by another program.'],
  timed_out: ['Timed out', 'Split it, or retry it when less is going on.'],
  out_of_memory: ['Out of memory', 'Split it into smaller documents.'],
  unsupported: ['Unsupported', 'Upload it as a PDF or as text.'],
  too_large: ['Too large', 'Split it into smaller documents.'],
  unreadable: ['Unreadable', 'Retry it; if that fails too, upload it again.'],
  failed: ['Failed', 'Retry it once the reason is gone.'],
};
// What went wrong as a sentence, and what a person can do about it.
export function sentence(message) {
  const text = message.trim();
  return text === ''
    ? ''
    : text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');
}
export const outcomeName = (outcome) => outcomes[outcome]?.[0] ?? outcome;
// Failures are to be retried; a scan is not, which was read and has no text.
export const isFailure = (outcome) => outcome !== 'done' && outcome !== 'no_text';
export const advice = (outcome) => outcomes[outcome]?.[1] ?? '';
