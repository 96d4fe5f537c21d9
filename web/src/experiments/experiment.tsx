// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { api, type Steering } from "../api/client";
import { useLoaded } from "../api/loading";
import type { ExperimentInfo, ExperimentProgress } from "../api/types";
import { Confirm } from "../app/confirm";
import { duration, progressPercent, secondsBetween, time, timeLeft } from "../app/format";
import { lazy } from "../app/lazy";
import { attempt } from "../app/notices";
import { Gone, StateChip, Status, Tabs, Title } from "../app/parts";
import { experimentTabs, href, type ExperimentTab } from "../app/router";
import { maySteer, sessionStore } from "../app/session";
import { useStore } from "../app/store";
import { FilesTab } from "./files";
import { OverviewTab } from "./overview";
import { ScoresTab } from "./scores";
import { overallFraction, secondsLeftOfRunning } from "./timing";
import "./experiment.css";

const SlicesView = lazy(() => import("../slices/slicesView"));
const VolumeView = lazy(() => import("../volume3d/volumeView"));

const tabTexts: Readonly<Record<ExperimentTab, string>> = { overview: "Overview", scores: "Scores", slices: "Slices", "3d": "3D", files: "Files" };
const pollMs = 3000;

/** True while the experiment may still change. */
export function isGoing(experiment: ExperimentInfo): boolean {
  return experiment.state === "running" || experiment.state === "paused";
}

export default function ExperimentPage({ id, tab, query }: { id: number; tab: ExperimentTab; query: URLSearchParams }) {
  const [going, setGoing] = useState(true);
  const loaded = useLoaded(String(id), async (signal) => {
    const progress = await api.progress(id, signal);
    setGoing(isGoing(progress.experiment));
    return progress;
  }, going ? pollMs : 0);
  const progress = loaded.value;
  if (progress === null && loaded.problem?.status === 404) return <Gone what={`experiment ${id}`}><a href={href(["experiments"])}>Go to the experiments.</a></Gone>;
  return (
    <>
      <Title text={progress === null ? `Experiment ${id}` : `${progress.experiment.name} · ${id}`}>
        {progress !== null && (
          <>
            <StateChip state={progress.experiment.state} />
            <Steer experiment={progress.experiment} onDone={loaded.reload} />
          </>
        )}
      </Title>
      {progress !== null && <Facts progress={progress} />}
      <Tabs label="Parts of the experiment" tabs={experimentTabs.map((t) => [t, tabTexts[t], href(["experiments", id, ...(t === "overview" ? [] : [t])])] as const)} current={tab} />
      <Status loaded={loaded} />
      {progress !== null && tab === "overview" && <OverviewTab progress={progress} onChange={loaded.reload} />}
      {progress !== null && tab === "scores" && <ScoresTab experiment={progress.experiment} query={query} />}
      {tab === "slices" && <SlicesView source={{ kind: "experiment", id }} />}
      {tab === "3d" && <VolumeView source={{ kind: "experiment", id }} />}
      {progress !== null && tab === "files" && <FilesTab experiment={progress.experiment} />}
    </>
  );
}

function Facts({ progress }: { progress: ExperimentProgress }) {
  const { experiment: e, stages } = progress;
  const ended = e.ended ?? null;
  const done = stages.filter((s) => s.state === "done").length;
  const left = e.state === "running" ? secondsLeftOfRunning(stages) : null;
  return (
    <div class="facts">
      {isGoing(e) && <span><b>{progressPercent(overallFraction(stages))}</b></span>}
      <span role="status"><b>{done}</b> of <b>{stages.length}</b> stages done</span>
      {left !== null && <span title="The longest of the stages that run now; what comes after them cannot be said yet"><b>{timeLeft(left)}</b> left of what runs</span>}
      <span>submitted {time(e.created)}{e.owner ? ` by ${e.owner}` : ""}</span>
      {ended !== null && <span>took <b>{duration(secondsBetween(e.created, ended))}</b></span>}
      {e.campaign && <span>campaign <a href={href(["campaigns", e.campaign])}>{e.campaign}</a></span>}
      {Object.entries(e.parameters ?? {}).map(([field, value]) => <span key={field}>{field} <b>{JSON.stringify(value)}</b></span>)}
      {e.priority !== 100 && <span>priority {e.priority}</span>}
    </div>
  );
}

/** What may be done in a state, in the API's words. */
export function steerings(state: ExperimentInfo["state"]): readonly Steering[] {
  switch (state) {
    case "running": return ["pause", "cancel"];
    case "paused": return ["resume", "cancel"];
    case "failed": return ["retry"];
    default: return [];
  }
}

const steerTexts: Readonly<Record<Steering, string>> = { pause: "Pause", resume: "Resume", cancel: "Cancel…", retry: "Retry" };

function Steer({ experiment, onDone }: { experiment: ExperimentInfo; onDone: () => void }) {
  const { session } = useStore(sessionStore);
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const run = async (how: Steering) => {
    setBusy(true);
    await attempt(async () => void (await api.steer(experiment.id, how)));
    setBusy(false);
    onDone();
  };
  return (
    <div class="buttons">
      <a class="button" href={href(["compare"], { a: experiment.id })}>Compare…</a>
      {maySteer(session, experiment) && steerings(experiment.state).map((how) => (
        <button key={how} type="button" disabled={busy} class={how === "cancel" ? "danger" : undefined} onClick={() => (how === "cancel" ? setAsking(true) : void run(how))}>
          {steerTexts[how]}
        </button>
      ))}
      {asking && (
        <Confirm
          question={`Cancel experiment ${experiment.id}? What runs is stopped, and it cannot be taken up again.`}
          yes="Cancel the experiment"
          onNo={() => setAsking(false)}
          onYes={() => {
            setAsking(false);
            void run("cancel");
          }}
        />
      )}
    </div>
  );
}
