// SPDX-License-Identifier: Apache-2.0
import { api } from "../api/client";
import { useLoaded } from "../api/loading";
import { ago, time } from "../app/format";
import { Empty, Panel, StateChip, Status } from "../app/parts";
import { href } from "../app/router";
import { useStore } from "../app/store";
import { flow } from "./flow";

const few = 5;

/** The newest experiments, as a way back to them. */
export function Recent() {
  const { run } = useStore(flow.store);
  // A segmentation that has just begun or been left is looked for at once.
  const loaded = useLoaded(run.kind === "segmenting" ? `with ${run.experiment}` : "recent", (signal) => api.experiments({ limit: few }, signal), 10_000);
  const now = Date.now();
  const items = loaded.value?.items ?? [];
  return (
    <Panel title="Recent experiments" aside={<a href={href(["experiments"])}>All experiments</a>}>
      <Status loaded={loaded} />
      {loaded.value !== null && items.length === 0 && <Empty>There is none yet.</Empty>}
      {items.length > 0 && (
        <ul class="recent">
          {items.map((e) => (
            <li key={e.id}>
              <a href={href(["experiments", e.id])}>{e.name}</a>
              <StateChip state={e.state} />
              <span class="hint" title={time(e.created)}>{ago(e.created, now)}</span>
              {e.state === "succeeded" && <span class="recent-views"><a href={href(["experiments", e.id, "slices"])} aria-label={`Slices of ${e.name}`}>Slices</a> <a href={href(["experiments", e.id, "3d"])} aria-label={`3D view of ${e.name}`}>3D</a></span>}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
