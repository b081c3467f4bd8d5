// The last 15 minutes as this page saw them, which outlive a reload of it.

export const spanMs = 15 * 60_000;
const slot = 'penstock-history';
const gapMs = 10_000;

// A sample is [time in ms, interactive waiting, bulk waiting, documents/s, failed/s].
export class History {
  constructor() {
    this.samples = [];
    try {
      const stored = JSON.parse(sessionStorage.getItem(slot) ?? '[]');
      if (Array.isArray(stored)) this.samples = stored.filter((sample) => sample?.length === 5);
    } catch {
      // Of an older version of this page.
    }
    addEventListener('pagehide', () => sessionStorage.setItem(slot, JSON.stringify(this.samples)));
  }

  // Where nobody looked there is a gap, not a line between what was before and after.
  add(sample) {
    const last = this.samples.at(-1);
    if (last && sample[0] <= last[0]) return;
    if (last && sample[0] - last[0] > gapMs)
      this.samples.push([last[0] + 1, null, null, null, null]);
    this.samples.push(sample);
    const first = this.samples.findIndex(([at]) => at >= sample[0] - spanMs);
    if (first > 0) this.samples.splice(0, first);
  }
}
