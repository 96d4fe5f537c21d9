// SPDX-License-Identifier: Apache-2.0
import { useMemo, useState } from "preact/hooks";
import { api } from "../api/client";
import { useLoaded } from "../api/loading";
import type { ExperimentInfo, NetworkLosses, StageProgress } from "../api/types";
import { LineChart, lineColour, type Line } from "../charts/lineChart";
import { count, figure, loss } from "../app/format";
import { Choice, Empty, Failure, Panel, Swatch, Waiting } from "../app/parts";
import { joinLosses } from "./lossLines";

const pollMs = 10_000;

/** The loss of each network over its iterations, also while it is trained. */
export function LossPanel({ experiment, stages, news }: { experiment: ExperimentInfo; stages: readonly StageProgress[]; news: number }) {
  const training = stages.some((s) => s.kind === "train" && s.state === "running") && experiment.state === "running";
  const loaded = useLoaded(`${experiment.id}/${training ? 0 : news}`, (signal) => api.losses(experiment.id, signal), training ? pollMs : 0);
  // What came for an earlier key stays until the next has come, so that the chart does not flicker.
  const [kept, setKept] = useState<readonly NetworkLosses[] | null>(null);
  if (loaded.value !== null && loaded.value.networks !== kept) setKept(loaded.value.networks);
  const networks = (loaded.value?.networks ?? kept ?? []).filter((n) => n.losses.length > 0);
  const [axis, setAxis] = useState<"linear" | "log">("linear");
  const { x, lines } = useMemo(() => {
    const joined = joinLosses(networks);
    return {
      x: joined.x,
      lines: networks.map((n, i): Line => ({ label: n.name, values: joined.values[i] ?? [], colour: lineColour(i), dashed: i >= 8 })),
    };
  }, [loaded.value, kept]);

  return (
    <Panel title="Training loss" aside={<Choice label="Axis of the loss" value={axis} options={[["linear", "linear"], ["log", "log"]]} onChange={setAxis} />}>
      {networks.length === 0
        ? loaded.problem !== null && loaded.problem.status !== 404
          ? <Failure text={loaded.problem.message} again={loaded.reload} />
          : loaded.loading && kept === null ? <Waiting /> : <Empty>Losses come with the first checkpoint.</Empty>
        : (
          <>
            <LineChart
              label={`Training loss of ${networks.map((n) => `${n.name}: ${figure(n.losses[n.losses.length - 1])} after ${count(n.done)} iterations`).join("; ")}`}
              x={x} lines={lines} xTitle="Iteration" yTitle="Loss" height={260} legend={false} logarithmicY={axis === "log"}
            />
            <div class="scroll loss-table">
              <table>
                <caption class="unseen">Newest loss of each network</caption>
                <thead><tr><th scope="col">Network</th><th scope="col" class="number">Iterations</th><th scope="col" class="number">Loss</th></tr></thead>
                <tbody>
                  {networks.map((n, i) => (
                    <tr key={n.name}>
                      <th scope="row"><Swatch colour={`var(${lineColour(i)})`} />{n.name}{i >= 8 && <span class="hint"> dashed</span>}</th>
                      <td class="number">{count(n.done)} / {count(n.iterations)}</td>
                      <td class="number">{loss(n.losses[n.losses.length - 1])}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </>
        )}
    </Panel>
  );
}
