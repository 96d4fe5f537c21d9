// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { ChunkCache, type ChunkRequest } from "./cache";
import type { ChunkVoxels } from "./chunks";

class Source {
  readonly started: string[] = [];
  readonly aborted: string[] = [];
  private readonly waiting = new Map<string, { come: (v: ChunkVoxels) => void; fail: (e: unknown) => void }>();

  request(key: string): ChunkRequest {
    return {
      key,
      load: (signal) => {
        this.started.push(key);
        signal.addEventListener("abort", () => this.aborted.push(key));
        return new Promise((come, fail) => this.waiting.set(key, { come, fail }));
      },
    };
  }

  async come(key: string, bytes = 10): Promise<void> {
    this.waiting.get(key)?.come({ data: new Uint8Array(bytes), shape: [1, 1, bytes] });
    await settle();
  }

  async fail(key: string): Promise<void> {
    this.waiting.get(key)?.fail(new Error(`no ${key}`));
    await settle();
  }
}

const settle = () => new Promise<void>((done) => setImmediate(done));

describe("ChunkCache", () => {
  it("fetches a chunk once for all panes that want it", async () => {
    const source = new Source();
    const cache = new ChunkCache(1000, () => undefined);
    cache.want("xy", [source.request("a")]);
    cache.want("xz", [source.request("a")]);
    await source.come("a");
    cache.want("yz", [source.request("a")]);
    expect(source.started).toEqual(["a"]);
    expect(cache.get("a")).not.toBeNull();
  });

  it("aborts what nobody wants any more, and only that", async () => {
    const source = new Source();
    const cache = new ChunkCache(1000, () => undefined);
    cache.want("xy", [source.request("a"), source.request("b")]);
    cache.want("xz", [source.request("b")]);
    cache.want("xy", [source.request("c")]);
    expect(source.aborted).toEqual(["a"]);
    await source.come("b");
    expect(cache.get("b")).not.toBeNull();
  });

  it("keeps to its number of connections and goes on when one is free", async () => {
    const source = new Source();
    const cache = new ChunkCache(1000, () => undefined, 2);
    cache.want("xy", ["a", "b", "c"].map((k) => source.request(k)));
    expect(source.started).toEqual(["a", "b"]);
    await source.come("a");
    expect(source.started).toEqual(["a", "b", "c"]);
  });

  it("drops the least lately used beyond its bytes, never what is wanted", async () => {
    const source = new Source();
    const cache = new ChunkCache(25, () => undefined);
    cache.want("xy", ["a", "b"].map((k) => source.request(k)));
    await source.come("a");
    await source.come("b");
    cache.want("xy", [source.request("a"), source.request("c")]);
    await source.come("c");
    expect(cache.get("b")).toBeNull();
    expect(cache.get("a")).not.toBeNull();
    expect(cache.heldBytes).toBe(20);
  });

  it("says why a chunk is missing and tries again when asked", async () => {
    const source = new Source();
    let changes = 0;
    const cache = new ChunkCache(1000, () => changes++);
    cache.want("xy", [source.request("a")]);
    expect(cache.waiting).toBe(true);
    await source.fail("a");
    expect([cache.waiting, changes, String(cache.failure)]).toEqual([false, 1, "Error: no a"]);
    cache.retry();
    await source.come("a");
    expect(cache.failure).toBeNull();
    expect(source.started).toEqual(["a", "a"]);
  });

  it("forgets chunks of a view that was being written", async () => {
    const source = new Source();
    const cache = new ChunkCache(1000, () => undefined);
    cache.want("xy", [source.request("labels/s0/0")]);
    await source.come("labels/s0/0");
    cache.forget("labels/");
    expect(cache.get("labels/s0/0")).toBeNull();
    expect(source.started).toHaveLength(2);
  });
});
