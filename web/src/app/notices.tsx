// SPDX-License-Identifier: Apache-2.0
import { makeStore, useStore } from "./store";

export interface Notice {
  readonly id: number;
  readonly kind: "info" | "error";
  readonly text: string;
}

const notices = makeStore<readonly Notice[]>([]);
let next = 1;

/** Says something at the foot of the page. Information goes by itself; an error stays until it is closed. */
export function notify(kind: Notice["kind"], text: string): void {
  const id = next++;
  notices.set([...notices.get().filter((n) => n.text !== text), { id, kind, text }].slice(-4));
  if (kind === "info") setTimeout(() => close(id), 6000);
}

function close(id: number): void {
  notices.set(notices.get().filter((n) => n.id !== id));
}

/** Runs what a button starts; what goes wrong becomes a notice. */
export async function attempt(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    notify("error", error instanceof Error ? error.message : String(error));
  }
}

export function Notices() {
  const list = useStore(notices);
  return (
    <div class="notices" role="status" aria-live="polite">
      {list.map((n) => (
        <div key={n.id} class={`notice ${n.kind}`}>
          <span>{n.text}</span>
          <button type="button" class="quiet" aria-label="Close this message" onClick={() => close(n.id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
