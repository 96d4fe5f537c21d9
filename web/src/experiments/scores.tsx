// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { api } from "../api/client";
import { useLoaded } from "../api/loading";
import type { ExperimentInfo } from "../api/types";
import { Empty, Failure, Panel, Status } from "../app/parts";
import { setQuery } from "../app/router";
import { ConfusionPanel } from "./confusion";
import { CurvesPanel } from "./curves";
import { ImagesPanel } from "./images";
import { ScoreTable } from "./scoreTable";
import { publishedBeside, reportBeside } from "./scoring";
import { SharesPanel } from "./shares";

/** How well the experiment did: F1, curves, confusion, shares and, where sections were degraded, image quality. */
export function ScoresTab({ experiment, query }: { experiment: ExperimentInfo; query: URLSearchParams }) {
  const loaded = useLoaded(`${experiment.id}/${experiment.state}`, (signal) => api.scores(experiment.id, signal));
  const beside = query.get("beside") ?? "";
  const other = /^[1-9]\d*$/.test(beside) ? Number(beside) : null;
  const otherScores = useLoaded(other === null ? null : String(other), (signal) => api.scores(other ?? 0, signal));
  const [chosen, setChosen] = useState<number | null>(null);

  const report = loaded.value;
  if (report === null) {
    return loaded.problem?.status === 404
      ? <Empty>{experiment.state === "running" || experiment.state === "paused" ? "Scores come with the last stage, report." : "This experiment has no scores: only those over labelled volumes are scored, when they have succeeded."}</Empty>
      : <Status loaded={loaded} />;
  }
  const column = otherScores.value !== null && other !== null
    ? reportBeside(otherScores.value, `${otherScores.value.name} · ${other}`, `no. ${other}`)
    : beside === "none" || other !== null ? null : publishedBeside(report);
  return (
    <div class="grid">
      <Panel title="F1 of the test region" aside={<BesideChoice experiment={experiment} beside={beside} published={(report.published ?? []).length > 0} />}>
        {otherScores.problem !== null && (
          <Failure text={otherScores.problem.status === 404 ? `Experiment ${other} has no scores.` : otherScores.problem.message} again={otherScores.reload} />
        )}
        <ScoreTable report={report} beside={column} onChoose={setChosen} />
      </Panel>
      <div class="half"><CurvesPanel report={report} chosen={chosen} onChoose={setChosen} /></div>
      <div class="half stack">
        <SharesPanel report={report} />
        {report.images != null && <ImagesPanel images={report.images} />}
      </div>
      <ConfusionPanel report={report} />
    </div>
  );
}

function BesideChoice({ experiment, beside, published }: { experiment: ExperimentInfo; beside: string; published: boolean }) {
  const others = useLoaded("beside", (signal) => api.experiments({ state: "succeeded", limit: 200 }, signal));
  const items = (others.value?.items ?? []).filter((e) => e.id !== experiment.id);
  const known = beside === "" || beside === "none" || items.some((e) => String(e.id) === beside);
  return (
    <label>
      Compare with{" "}
      <select class="small" value={beside} onChange={(e) => setQuery({ beside: e.currentTarget.value })}>
        {published ? <option value="">published values</option> : <option value="">nothing</option>}
        {published && <option value="none">nothing</option>}
        {!known && <option value={beside}>experiment {beside}</option>}
        {items.map((e) => <option key={e.id} value={String(e.id)}>{e.name} · {e.id}</option>)}
      </select>
    </label>
  );
}
