// SPDX-License-Identifier: Apache-2.0

export interface Order {
  readonly column: string;
  readonly descending: boolean;
}

export type SortValue = string | number | null | undefined;

const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** Rows in a column's order. Equal rows keep their order, and rows without a value stand last whichever way it is sorted. */
export function sorted<T>(rows: readonly T[], order: Order | null, value: (row: T, column: string) => SortValue): readonly T[] {
  if (order === null) return rows;
  const sign = order.descending ? -1 : 1;
  return rows
    .map((row) => ({ row, key: value(row, order.column) }))
    .sort((a, b) => {
      const aMissing = isMissing(a.key);
      const bMissing = isMissing(b.key);
      if (aMissing || bMissing) return Number(aMissing) - Number(bMissing);
      return sign * compare(a.key as string | number, b.key as string | number);
    })
    .map(({ row }) => row);
}

function isMissing(value: SortValue): boolean {
  return value === null || value === undefined || (typeof value === "number" && Number.isNaN(value));
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return words.compare(String(a), String(b));
}

/** What a click on a column's head does: numbers begin with the largest, words with the first, then the other way, then as it was. */
export function nextOrder(order: Order | null, column: string, numeric: boolean): Order | null {
  if (order?.column !== column) return { column, descending: numeric };
  return order.descending === numeric ? { column, descending: !numeric } : null;
}
