// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api/client";
import { followEvents } from "../api/events";
import { useLoaded } from "../api/loading";
import type { ExperimentProgress } from "../api/types";
import { Confirm } from "../app/confirm";
import { duration, progressPercent, rate, secondsBetween, timeLeft } from "../app/format";
import { lazy } from "../app/lazy";
import { attempt } from "../app/notices";
import { Bar, Panel, StateChip, Status } from "../app/parts";
import { href } from "../app/router";
import { StageTable } from "../experiments/stages";
import { overallFraction, secondsLeftOfRunning } from "../experiments/timing";
import { flow } from "./flow";
import { saidOfSegmenting } from "./words";
import "../experiments/experiment.css";

const VolumeView = lazy(() => import("../volume3d/volumeView"));
const pollMs = 2000;

/** How far the segmentation is, and in the end what it has found, in 3D. */
export function SegmentingPanel({ id, name }: { id: number; name: string }) {
  const [going, setGoing] = useState(true);
  const loaded = useLoaded(String(id), async (signal) => {
    const progress = await api.progress(id, signal);
    setGoing(progress.experiment.state === "running" || progress.experiment.state === "paused");
    return progress;
  }, going ? pollMs : 0);
  const progress = loaded.value;
  const { reload } = loaded;
  const ended = useRef(reload);
  ended.current = reload;
  // The stream says at once that it has ended; in between, asking every two seconds shows the bars move.
  useEffect(() => {
    const controller = new AbortController();
    void followEvents({
      path: `/experiments/${id}/events/stream`, after: 0, signal: controller.signal, onState: () => undefined,
      onMessage: (message) => {
        if (message.event === "end") ended.current();
      },
    });
    return () => controller.abort();
  }, [id, going]);
  const state = progress?.experiment.state;
  return (
    <>
      <Panel title={state === "succeeded" ? `${name} is segmented` : state === "failed" || state === "cancelled" ? `${name} is not segmented` : `Segmenting ${name}`} aside={state && <StateChip state={state} />}>
        <div class="run">
          <Status loaded={loaded} />
          {progress !== null && state !== "succeeded" && <Going progress={progress} />}
          {progress !== null && <p class="unseen" role="status">{saidOfSegmenting(progress.experiment.state, overallFraction(progress.stages))}</p>}
          {progress !== null && <Actions progress={progress} onChange={reload} />}
        </div>
      </Panel>
      {state === "succeeded" && <VolumeView source={{ kind: "experiment", id }} />}
    </>
  );
}

function Going({ progress }: { progress: ExperimentProgress }) {
  const { experiment, stages, failures } = progress;
  const fraction = overallFraction(stages);
  // Stages of what was cancelled stay as they were; nothing runs there any more.
  const running = experiment.state === "running" ? stages.filter((s) => s.state === "running") : [];
  const left = secondsLeftOfRunning(running);
  const fastest = running.find((s) => s.itemsPerSecond != null);
  const blocked = [...new Set(stages.map((s) => s.blocked).filter((b): b is string => b != null && b !== ""))];
  return (
    <>
      <div class="run-bar"><Bar fraction={fraction} label="Segmentation" state={experiment.state} /><b>{progressPercent(fraction)}</b></div>
      <div class="facts run-facts">
        <span><b>{stages.filter((s) => s.state === "done").length}</b> of {stages.length} stages done</span>
        {running.length > 0 && <span>now <b>{running.map((s) => s.name).join(", ")}</b></span>}
        {fastest !== undefined && <span><b>{rate(fastest.itemsPerSecond)}</b> items</span>}
        {left !== null && <span title="What comes after the stages that run now cannot be said yet"><b>{timeLeft(left)}</b> left of what runs</span>}
      </div>
      {blocked.map((why) => <p key={why} class="broken" role="status">No silo can go on with this experiment: {why}.</p>)}
      {failures.slice(0, 3).map((f) => <p key={`${f.stage}/${f.index}`} class="upload-refused" role="alert">{f.stage}: {f.error}</p>)}
      <details class="stage-list" open>
        <summary>Stages</summary>
        <StageTable stages={stages} running={progress.running} />
      </details>
    </>
  );
}

/** What may be done here in a state; more may be on the experiment's own page. */
const steerings = {
  running: ["cancel", "Cancel…"], paused: ["resume", "Resume"], failed: ["retry", "Retry"], succeeded: null, cancelled: null,
} as const;

function Actions({ progress, onChange }: { progress: ExperimentProgress; onChange: () => void }) {
  const { experiment } = progress;
  const { id, state } = experiment;
  const [asking, setAsking] = useState(false);
  const [how, text] = steerings[state] ?? [null, ""];
  const steer = (how: "cancel" | "resume" | "retry") => attempt(async () => {
    await api.steer(id, how);
    onChange();
  });
  return (
    <div class="buttons">
      {state === "succeeded" && (
        <>
          <a class="button" href={href(["experiments", id, "slices"])}>Slices</a>
          <a class="button" href={href(["experiments", id, "files"])}>Downloads</a>
        </>
      )}
      <a class="button" href={href(["experiments", id])}>Experiment {id}</a>
      {how !== null && <button type="button" class={how === "cancel" ? "danger" : undefined} onClick={() => (how === "cancel" ? setAsking(true) : void steer(how))}>{text}</button>}
      {state === "succeeded" && experiment.ended && <span class="hint took">took {duration(secondsBetween(experiment.created, experiment.ended))}</span>}
      <button type="button" class="again" onClick={flow.again}>Upload another</button>
      {asking && (
        <Confirm
          question="Cancel the segmentation? What runs is stopped, and it cannot be taken up again. The uploaded volume stays."
          yes="Cancel the segmentation"
          onNo={() => setAsking(false)}
          onYes={() => {
            setAsking(false);
            void steer("cancel");
          }}
        />
      )}
    </div>
  );
}
