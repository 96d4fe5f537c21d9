// SPDX-License-Identifier: Apache-2.0
import type { Loaded } from "../api/loading";
import type { ModelInfo, Page } from "../api/types";
import { bytes } from "../app/format";
import { attempt } from "../app/notices";
import { Status } from "../app/parts";
import { href } from "../app/router";
import { useStore } from "../app/store";
import { FileField } from "./fileField";
import { flow } from "./flow";
import { RegisterModel } from "./registerModel";
import { classesOf, missingToStart, readVoxelSize, scaleWarning, voxelSizeOf, type Place, type Refused } from "./state";

const axes = ["z", "y", "x"] as const;

/** The three things to do. */
export function UploadForm({ models, limit }: { models: Loaded<Page<ModelInfo>>; limit: number }) {
  const state = useStore(flow.store);
  const list = models.value?.items ?? [];
  const chosen = list.find((m) => m.name === state.model);
  const missing = missingToStart(state);
  const submit = (event: Event) => {
    event.preventDefault();
    void flow.start();
  };
  return (
    <form class="panel upload-form" onSubmit={submit} aria-label="Upload to 3D" noValidate>
      <section aria-labelledby="upload-1">
        <h2 id="upload-1"><b>1</b> Sections</h2>
        <FileField limit={limit} file={state.file} refused={at(state.refused, "file")} />
      </section>
      <section aria-labelledby="upload-2">
        <h2 id="upload-2"><b>2</b> Model</h2>
        <Status loaded={models} />
        {models.value !== null && (list.length === 0 ? <NoModel onRegistered={models.reload} /> : <ModelField models={list} chosen={chosen} />)}
        <RefusedLine refused={at(state.refused, "model")} id="model-refused" />
        <VoxelSizeField chosen={chosen} />
        {list.length > 0 && (
          <details class="register">
            <summary>Make a model of a finished experiment</summary>
            <RegisterModel onRegistered={models.reload} />
          </details>
        )}
      </section>
      <section aria-labelledby="upload-3">
        <h2 id="upload-3"><b>3</b> Start</h2>
        <button type="submit" class="primary start" disabled={missing !== null} aria-describedby="start-hint">
          {state.run.kind === "stopped" ? "Go on uploading" : "Upload and segment"}
        </button>
        <p id="start-hint" class="hint">{missing ?? "The volume is uploaded, segmented and shown in 3D here."}</p>
        {state.run.kind === "stopped" && (
          <div class="stopped" role="status">
            <p>Stopped. {bytes(state.run.progress.sent)} of {bytes(state.run.progress.all)} have arrived and are kept for a week.</p>
            <button type="button" class="small" onClick={() => void attempt(flow.discard)}>Remove them</button>
          </div>
        )}
      </section>
    </form>
  );
}

const at = (refused: Refused | null, place: Place) => (refused?.place === place ? refused : null);

/** Why something was not taken, beside its field. */
export function RefusedLine({ refused, id }: { refused: Refused | null; id: string }) {
  return (
    <div id={id} role="alert">
      {refused !== null && <p class="upload-refused">{refused.text}{refused.field !== null && <small> (field <code>{refused.field}</code>)</small>}</p>}
    </div>
  );
}

function ModelField({ models, chosen }: { models: readonly ModelInfo[]; chosen: ModelInfo | undefined }) {
  const classes = chosen === undefined ? [] : classesOf(chosen);
  return (
    <>
      <label class="field">
        Network that segments
        <select
          value={chosen?.name ?? ""} aria-describedby="model-about model-refused"
          onChange={(e) => {
            const model = models.find((m) => m.name === e.currentTarget.value);
            if (model !== undefined) flow.chooseModel(model);
          }}
        >
          {models.map((m) => <option key={m.id} value={m.name}>{m.name}</option>)}
        </select>
      </label>
      {chosen !== undefined && (
        <p id="model-about" class="hint">
          {classes.length > 0 && <>Finds {classes.join(", ")}. </>}
          {chosen.experiment != null && <>From <a href={href(["experiments", chosen.experiment])}>experiment {chosen.experiment}</a>.</>}
        </p>
      )}
    </>
  );
}

function NoModel({ onRegistered }: { onRegistered: () => void }) {
  return (
    <>
      <p>There is no model yet. A model is a trained network: submit an experiment over a labelled volume, as <code>teravox submit SPEC.json</code>, and make a model of it when it has finished.</p>
      <RegisterModel onRegistered={onRegistered} />
    </>
  );
}

function VoxelSizeField({ chosen }: { chosen: ModelInfo | undefined }) {
  const { voxelSize, voxelSizeTyped, refused } = useStore(flow.store);
  const learnt = voxelSizeOf(chosen);
  const size = readVoxelSize(voxelSize);
  const warning = typeof size === "string" ? null : scaleWarning(size, learnt);
  const wrong = at(refused, "voxelSize");
  return (
    <fieldset class="voxel-size" aria-describedby="voxel-about voxel-refused">
      <legend>Voxel size in nm</legend>
      <div class="axes">
        {axes.map((axis, i) => (
          <label key={axis}>
            {axis}
            <input
              type="text" inputMode="decimal" autoComplete="off" value={voxelSize[i]} aria-invalid={wrong !== null}
              onInput={(e) => flow.typeVoxelSize(i, e.currentTarget.value)}
            />
          </label>
        ))}
      </div>
      <p id="voxel-about" class="hint">{warning ?? (learnt !== null && !voxelSizeTyped ? "What the model has learnt from. Change it where yours differs." : "z is the distance between sections. Empty when unknown.")}</p>
      <RefusedLine refused={wrong} id="voxel-refused" />
    </fieldset>
  );
}
