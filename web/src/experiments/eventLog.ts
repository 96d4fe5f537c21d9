// SPDX-License-Identifier: Apache-2.0
import type { EventInfo } from "../api/types";

/** Events in the order of their numbers, each once: after a break a stream may send some again. */
export function appendEvents(old: readonly EventInfo[], come: readonly EventInfo[]): readonly EventInfo[] {
  if (come.length === 0) return old;
  const last = old[old.length - 1]?.id ?? 0;
  if (come.every((e, i) => e.id > (come[i - 1]?.id ?? last))) return [...old, ...come];
  const byId = new Map([...old, ...come].map((e) => [e.id, e]));
  return [...byId.values()].sort((a, b) => a.id - b.id);
}
