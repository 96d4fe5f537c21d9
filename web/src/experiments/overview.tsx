// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import type { ExperimentProgress } from "../api/types";
import { progressPercent } from "../app/format";
import { Bar, Empty, Panel } from "../app/parts";
import { DagView } from "./dagView";
import { LogPanel } from "./log";
import { LossPanel } from "./losses";
import { StageTable } from "./stages";

/** How the experiment goes: what waits for what, what runs where, what failed, the loss and the log. */
export function OverviewTab({ progress, onChange }: { progress: ExperimentProgress; onChange: () => void }) {
  const { experiment, stages, running, failures } = progress;
  // Counts up with every event of the log, so that what hangs on it is looked at again.
  const [news, setNews] = useState(0);
  const trains = stages.some((s) => s.kind === "train");
  const blocked = [...new Set(stages.map((s) => s.blocked).filter((b): b is string => b != null && b !== ""))];
  return (
    <div class="stack">
      {blocked.map((why) => <p key={why} class="blocked-note" role="status">No silo can go on with this experiment: {why}.</p>)}
      {failures.length > 0 && <Failures progress={progress} />}
      <Panel title="Stages" aside={<DagKey />}>
        <DagView stages={stages} running={running} />
        <details class="stage-list" open={stages.length <= 12}>
          <summary>All stages as a list</summary>
          <StageTable stages={stages} running={running} />
        </details>
      </Panel>
      <div class="grid">
        <div class={`stack ${trains ? "half" : ""}`}>
          {(running.length > 0 || experiment.state === "running") && (
            <Panel title="Running now" aside={running.length > 0 ? `${running.length} ${running.length === 1 ? "item" : "items"}` : undefined}>
              {running.length === 0 ? <Empty>Nothing is being worked on at the moment.</Empty> : <Running progress={progress} />}
            </Panel>
          )}
          <LogPanel experiment={experiment} onEvent={(event) => {
            setNews((n) => n + 1);
            // "log" lines come often and change no stage.
            if (event !== "log") onChange();
          }} />
        </div>
        {trains && <div class="half"><LossPanel experiment={experiment} stages={stages} news={news} /></div>}
      </div>
    </div>
  );
}

function DagKey() {
  return (
    <>
      {["waiting", "queued", "running", "done", "failed"].map((s) => <span key={s} class="dag-key"><i class={s} />{s}</span>)}
    </>
  );
}

function Running({ progress }: { progress: ExperimentProgress }) {
  return (
    <div class="scroll">
      <table>
        <caption class="unseen">Items that silos work on</caption>
        <thead>
          <tr><th scope="col">Stage</th><th scope="col" class="number">Item</th><th scope="col">Silo</th><th scope="col">Progress</th><th scope="col">How it goes</th></tr>
        </thead>
        <tbody>
          {progress.running.map((r) => (
            <tr key={`${r.stage}/${r.index}`}>
              <th scope="row" class="whole">{r.stage}</th>
              <td class="number">{r.index}</td>
              <td class="whole">{r.silo}{r.attempt > 1 && <small> · attempt {r.attempt}</small>}</td>
              <td class="progress-cell"><div class="row-progress"><Bar fraction={r.fraction} label={`${r.stage} ${r.index}`} /><span>{progressPercent(r.fraction)}</span></div></td>
              <td class="note">{r.note}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Failures({ progress }: { progress: ExperimentProgress }) {
  return (
    <Panel title="Failures" aside={progress.failures.length >= 100 ? "the first 100" : undefined}>
      <ul class="failures">
        {progress.failures.map((f) => (
          <li key={`${f.stage}/${f.index}`}>
            <div>
              <b>{f.stage}</b>{f.index >= 0 && <> item {f.index}</>}
              <small> · {f.failures} {f.failures === 1 ? "failure" : "failures"}{f.deaths > 0 && `, ${f.deaths} ${f.deaths === 1 ? "death" : "deaths"} of its silo`}</small>
            </div>
            <pre>{f.error}</pre>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
