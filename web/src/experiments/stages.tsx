// SPDX-License-Identifier: Apache-2.0
import type { RunningInfo, StageProgress } from "../api/types";
import { count, duration, progressPercent, rate, secondsBetween, timeLeft } from "../app/format";
import { Bar, StateChip } from "../app/parts";
import { shownState } from "./timing";

/** The stages in order with rate and time left. */
export function StageTable({ stages, running }: { stages: readonly StageProgress[]; running: readonly RunningInfo[] }) {
  return (
    <div class="scroll">
      <table class="stages">
        <caption class="unseen">Stages of the experiment in order</caption>
        <thead>
          <tr>
            <th scope="col">Stage</th>
            <th scope="col">State</th>
            <th scope="col">Progress</th>
            <th scope="col" class="number">Items</th>
            <th scope="col" class="number">Rate</th>
            <th scope="col" class="number">Time</th>
            <th scope="col">Waits for</th>
          </tr>
        </thead>
        <tbody>
          {stages.map((s) => (
            <tr key={s.name}>
              <th scope="row" class="whole">{s.name}</th>
              <td><StateChip state={shownState(s, running)} /></td>
              <td class="progress-cell">
                <div class="row-progress"><Bar fraction={s.fraction} label={s.name} state={s.state} /><span>{progressPercent(s.fraction)}</span></div>
              </td>
              <td class="number">{s.items === 0 ? "" : `${count(s.done)} / ${count(s.items)}`}{s.failed > 0 && <span class="failed-text"> · {s.failed} failed</span>}</td>
              <td class="number">{s.state === "running" ? rate(s.itemsPerSecond) : ""}</td>
              <td class="number">{timeText(s)}</td>
              <td class="note">{s.blocked ? <span class="blocked">{s.blocked}</span> : (s.after ?? []).join(", ")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function timeText(stage: StageProgress): string {
  if (stage.ended) return duration(secondsBetween(stage.started, stage.ended));
  return stage.state === "running" && stage.secondsLeft != null ? `${timeLeft(stage.secondsLeft)} left` : "";
}
