// SPDX-License-Identifier: Apache-2.0
import type { SiloInfo } from "../api/types";

export type SiloState = "alive" | "draining" | "silent";

/** silent: not heard of for longer than three beats. */
export function siloState(silo: SiloInfo): SiloState {
  if (!silo.alive) return "silent";
  return silo.status.draining ? "draining" : "alive";
}

export interface ClusterSum {
  readonly alive: number;
  readonly draining: number;
  readonly devices: number;
  readonly slots: number;
  readonly running: number;
  readonly itemsPerSecond: number;
  readonly memoryBytes: number;
}

/** Over the silos that are alive: what a silent one said last no longer holds. */
export function sumUp(silos: readonly SiloInfo[]): ClusterSum {
  const alive = silos.filter((s) => s.alive);
  const sum = (of: (silo: SiloInfo) => number) => alive.reduce((total, s) => total + of(s), 0);
  return {
    alive: alive.length,
    draining: alive.filter((s) => s.status.draining).length,
    devices: sum((s) => s.devices.length),
    slots: sum((s) => s.devices.reduce((n, d) => n + d.slots, 0)),
    running: sum((s) => s.status.running.length),
    itemsPerSecond: sum((s) => s.status.itemsPerSecond),
    memoryBytes: sum((s) => s.status.memoryBytes),
  };
}
