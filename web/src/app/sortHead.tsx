// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";
import { nextOrder, type Order } from "./sorting";

/** The head of a column that rows can be sorted by. */
export function SortHead({ column, order, onOrder, numeric = false, title, children }: {
  column: string; order: Order | null; onOrder: (order: Order | null) => void; numeric?: boolean; title?: string; children: ComponentChildren;
}) {
  const mine = order?.column === column;
  return (
    <th
      scope="col" class={numeric ? "number" : undefined} title={title}
      aria-sort={mine ? (order.descending ? "descending" : "ascending") : undefined}
    >
      <button type="button" class="sort" onClick={() => onOrder(nextOrder(order, column, numeric))}>
        {children}
        <span class="arrow" aria-hidden="true">{mine ? (order.descending ? "↓" : "↑") : ""}</span>
      </button>
    </th>
  );
}
