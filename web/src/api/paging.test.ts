// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { withFirst, type Pages } from "./paging";

const down = (from: number, to: number): number[] => Array.from({ length: from - to + 1 }, (_, i) => from - i);
const list = (items: readonly number[], cursor: string | null): Pages<number> => ({ items, cursor });
const id = (item: number): number => item;

describe("withFirst", () => {
  it("keeps the pages behind and where they end", () => {
    expect(withFirst(list(down(30, 11), "11"), { items: down(30, 21), next: "21" }, id)).toEqual(list(down(30, 11), "11"));
  });

  it("has nothing twice and nothing missing when newer ones have come", () => {
    expect(withFirst(list(down(30, 21), "21"), { items: down(33, 24), next: "24" }, id)).toEqual(list(down(33, 21), "21"));
    expect(withFirst(list(down(9, 1), null), { items: down(11, 2), next: "2" }, id)).toEqual(list(down(11, 1), null));
  });

  it("begins anew when more have come than a page holds", () => {
    expect(withFirst(list(down(30, 11), "11"), { items: down(60, 51), next: "51" }, id)).toEqual(list(down(60, 51), "51"));
  });

  it("takes out what is gone", () => {
    expect(withFirst(list(down(30, 11), "11"), { items: [30, 28, ...down(26, 19)], next: "19" }, id)).toEqual(list([30, 28, ...down(26, 11)], "11"));
    expect(withFirst(list(down(9, 1), null), { items: [3, 1], next: null }, id)).toEqual(list([3, 1], null));
    expect(withFirst(list(down(9, 1), null), { items: [], next: null }, id)).toEqual(list([], null));
  });
});
