// SPDX-License-Identifier: Apache-2.0
import type { NetworkLosses } from "../api/types";

/** The losses of networks over one common axis of iterations; each mean stands at the end of its span. */
export function joinLosses(networks: readonly NetworkLosses[]): { x: readonly number[]; values: readonly (readonly (number | null)[])[] } {
  const at = networks.map((n) => n.losses.map((_, i) => Math.round(((i + 1) * n.done) / n.losses.length)));
  const x = [...new Set(at.flat())].sort((a, b) => a - b);
  const place = new Map(x.map((iteration, i) => [iteration, i]));
  const values = networks.map((n, k) => {
    const line: (number | null)[] = x.map(() => null);
    n.losses.forEach((loss, i) => {
      const p = place.get(at[k]?.[i] ?? -1);
      if (p !== undefined && Number.isFinite(loss)) line[p] = loss;
    });
    return line;
  });
  return { x, values };
}
