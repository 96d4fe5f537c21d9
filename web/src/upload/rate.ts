// SPDX-License-Identifier: Apache-2.0

const windowMs = 15_000;

/** Bytes per second over the last seconds: steady enough to read, and soon right after a change. */
export class Rate {
  private readonly marks: { bytes: number; ms: number }[];

  constructor(bytes: number, ms: number) {
    this.marks = [{ bytes, ms }];
  }

  add(bytes: number, ms: number): void {
    this.marks.push({ bytes, ms });
    // The last mark before the window stays, as the window's beginning.
    while (this.marks.length > 2 && (this.marks[1]?.ms ?? ms) <= ms - windowMs) this.marks.shift();
  }

  /** Null before anything was sent. */
  perSecond(ms: number): number | null {
    const first = this.marks[0];
    const last = this.marks.at(-1);
    if (first === undefined || last === undefined || last.bytes <= first.bytes) return null;
    const passed = Math.max(ms, last.ms) - first.ms;
    return passed <= 0 ? null : ((last.bytes - first.bytes) * 1000) / passed;
  }
}
