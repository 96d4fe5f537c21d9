// SPDX-License-Identifier: Apache-2.0
import type { ChunkVoxels } from "./chunks";

/** A chunk to have: key is unique over all views, levels, channels and places. */
export interface ChunkRequest {
  readonly key: string;
  readonly load: (signal: AbortSignal) => Promise<ChunkVoxels>;
}

interface Entry {
  readonly request: ChunkRequest;
  voxels: ChunkVoxels | null;
  loading: AbortController | null;
  failure: unknown;
  /** Grows with each use: the smallest is dropped first. */
  used: number;
}

/**
 * Holds chunks up to a number of bytes, the least lately used going first. Each pane says which chunks it wants; what nobody wants any
 * more is aborted, so that moving fast through sections does not fetch the sections in between.
 */
export class ChunkCache {
  private readonly entries = new Map<string, Entry>();
  private readonly wanted = new Map<string, readonly ChunkRequest[]>();
  private clock = 0;
  private bytes = 0;
  private loading = 0;

  constructor(
    private readonly limitBytes: number,
    /** Called when a chunk came or could not be had. */
    private readonly onChange: () => void,
    private readonly atOnce = 8,
  ) {}

  get heldBytes(): number {
    return this.bytes;
  }

  /** The first reason why a wanted chunk could not be had; null when there is none. */
  get failure(): unknown {
    for (const key of this.wantedKeys()) {
      const failure = this.entries.get(key)?.failure;
      if (failure != null) return failure;
    }
    return null;
  }

  /** True while something wanted is on its way. */
  get waiting(): boolean {
    for (const key of this.wantedKeys()) {
      const entry = this.entries.get(key);
      if (entry === undefined || (entry.voxels === null && entry.failure === null)) return true;
    }
    return false;
  }

  /** owner wants exactly these from now on, the first ones first. */
  want(owner: string, requests: readonly ChunkRequest[]): void {
    if (requests.length === 0) this.wanted.delete(owner);
    else this.wanted.set(owner, requests);
    const keys = this.wantedKeys();
    for (const [key, entry] of this.entries) {
      if (entry.loading !== null && !keys.has(key)) {
        entry.loading.abort();
        this.entries.delete(key);
      }
    }
    this.next();
  }

  get(key: string): ChunkVoxels | null {
    const entry = this.entries.get(key);
    if (entry?.voxels == null) return null;
    entry.used = ++this.clock;
    return entry.voxels;
  }

  /** Tries again what could not be had. */
  retry(): void {
    for (const [key, entry] of this.entries) {
      if (entry.failure !== null) this.entries.delete(key);
    }
    this.next();
  }

  /** Forgets the chunks whose keys begin so, as those of a view that was still being written. */
  forget(prefix: string): void {
    for (const [key, entry] of this.entries) {
      if (!key.startsWith(prefix)) continue;
      entry.loading?.abort();
      this.bytes -= entry.voxels?.data.byteLength ?? 0;
      this.entries.delete(key);
    }
    this.next();
  }

  close(): void {
    this.wanted.clear();
    for (const entry of this.entries.values()) entry.loading?.abort();
    this.entries.clear();
    this.bytes = 0;
  }

  private wantedKeys(): Set<string> {
    const keys = new Set<string>();
    for (const requests of this.wanted.values()) {
      for (const { key } of requests) keys.add(key);
    }
    return keys;
  }

  private next(): void {
    // Turn by turn over the owners, so that no pane waits for all of another one's chunks.
    const lists = [...this.wanted.values()];
    const longest = Math.max(0, ...lists.map((l) => l.length));
    for (let place = 0; place < longest; place++) {
      for (const list of lists) {
        if (this.loading >= this.atOnce) return;
        const request = list[place];
        if (request !== undefined && !this.entries.has(request.key)) this.start(request);
      }
    }
  }

  private start(request: ChunkRequest): void {
    const loading = new AbortController();
    const entry: Entry = { request, voxels: null, loading, failure: null, used: ++this.clock };
    this.entries.set(request.key, entry);
    this.loading++;
    request.load(loading.signal).then(
      (voxels) => {
        if (loading.signal.aborted) return;
        entry.voxels = voxels;
        this.bytes += voxels.data.byteLength;
        this.shrink();
      },
      (error: unknown) => {
        if (!loading.signal.aborted) entry.failure = error ?? new Error("failed");
      },
    ).finally(() => {
      this.loading--;
      entry.loading = null;
      this.next();
      if (!loading.signal.aborted) this.onChange();
    });
  }

  private shrink(): void {
    if (this.bytes <= this.limitBytes) return;
    const keys = this.wantedKeys();
    const idle = [...this.entries].filter(([key, e]) => e.voxels !== null && !keys.has(key)).sort(([, a], [, b]) => a.used - b.used);
    for (const [key, entry] of idle) {
      if (this.bytes <= this.limitBytes) return;
      this.bytes -= entry.voxels?.data.byteLength ?? 0;
      this.entries.delete(key);
    }
  }
}
