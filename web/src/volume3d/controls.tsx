// SPDX-License-Identifier: Apache-2.0
import type { Views } from "../api/types";
import { count, score } from "../app/format";
import { Choice, Swatch } from "../app/parts";
import { Slider } from "../app/slider";
import { f1 } from "../experiments/scoring";
import { planes, type Plane } from "../slices/geometry";
import { outcomeColours, outcomeNames } from "../slices/scoring";
import { imagesOf, imageText } from "../slices/settings";
import { axisNames, type Axis } from "../zarr/space";
import type { OutcomeCounts } from "./fill";
import { labelledPredictions, modesOf, type Settings } from "./settings";

/** How the errors of the chosen class stand. */
export interface ErrorsInfo {
  /** The threshold that the experiment chose for the class; null where errors can go by the labels alone. */
  readonly threshold: number | null;
  /** Counted in the voxels drawn, by region; null until they are. */
  readonly counts: readonly (readonly [region: string, OutcomeCounts])[] | null;
  /** Whether the voxels drawn are the volume's own. */
  readonly exact: boolean;
}

interface ControlsProps {
  readonly views: Views;
  readonly settings: Settings;
  readonly errors: ErrorsInfo;
  readonly onChange: (change: Partial<Settings>) => void;
  readonly onCamera: (plane: Plane["name"] | null) => void;
  readonly onPicture: () => void;
}

export function Controls({ views, settings, errors, onChange, onCamera, onPicture }: ControlsProps) {
  const images = imagesOf(views);
  const modes = modesOf(views);
  const predictions = labelledPredictions(views);
  return (
    <div class="volume-controls">
      {images.length > 0 && (
        <fieldset>
          <legend>Image</legend>
          {images.length > 1 && (
            <label class="field">
              <span>Shown</span>
              <select value={settings.image} onChange={(e) => onChange({ image: e.currentTarget.value })}>
                {images.map((v) => <option key={v.name} value={v.name}>{imageText(v.name)}</option>)}
              </select>
            </label>
          )}
          <Percent label="Opacity" value={settings.imageOpacity} onInput={(imageOpacity) => onChange({ imageOpacity })} />
        </fieldset>
      )}
      {modes.length > 1 && (
        <fieldset>
          <legend>Classes</legend>
          <Choice label="What is drawn" value={settings.mode} options={modes} onChange={(mode) => onChange({ mode })} />
          {(settings.mode === "prediction" || settings.mode === "errors") && predictions.length > 1 && (
            <label class="field">
              <span>Prediction</span>
              <select value={settings.prediction} onChange={(e) => onChange({ prediction: e.currentTarget.value })}>
                {predictions.map((p) => <option key={p} value={p}>{p}</option>)}
              </select>
            </label>
          )}
          {(settings.mode === "prediction" || settings.mode === "truth") && <Classes views={views} settings={settings} onChange={onChange} />}
          {settings.mode === "errors" && <Errors views={views} settings={settings} errors={errors} onChange={onChange} />}
        </fieldset>
      )}
      <Cutting settings={settings} onChange={onChange} />
      <fieldset>
        <legend>Camera</legend>
        <div class="buttons">
          {planes.map(({ name }) => <button key={name} type="button" class="small" title={`As a section lies: ${name[0]} to the right, ${name[1]} down`} onClick={() => onCamera(name)}>{name}</button>)}
          <button type="button" class="small" onClick={() => onCamera(null)}>Reset camera</button>
        </div>
        <label class="check">
          <input type="checkbox" checked={settings.box} onChange={(e) => onChange({ box: e.currentTarget.checked })} />
          Box with axes and lengths
        </label>
        <div class="buttons"><button type="button" class="small" onClick={onPicture}>Save picture</button></div>
      </fieldset>
    </div>
  );
}

function Percent({ label, value, onInput }: { label: string; value: number; onInput: (value: number) => void }) {
  return <Slider label={label} min={0} max={100} unit="%" value={Math.round(value * 100)} onInput={(v) => onInput(v / 100)} />;
}

type Part = Pick<ControlsProps, "views" | "settings" | "onChange">;

function Classes({ views, settings, onChange }: Part) {
  const toggle = (id: number) => {
    const shown = new Set(settings.shown);
    if (!shown.delete(id)) shown.add(id);
    onChange({ shown });
  };
  return (
    <>
      <Percent label="Opacity" value={settings.classes} onInput={(classes) => onChange({ classes })} />
      <div class="buttons">
        <button type="button" class="small" onClick={() => onChange({ shown: new Set(views.classes.map((c) => c.id)) })}>All</button>
        <button type="button" class="small" onClick={() => onChange({ shown: new Set() })}>None</button>
      </div>
      <ul class="legend" aria-label="Classes shown">
        {views.classes.map((c) => (
          <li key={c.id}>
            <label>
              <input type="checkbox" checked={settings.shown.has(c.id)} onChange={() => toggle(c.id)} />
              <Swatch colour={c.colour} />
              {c.name}
            </label>
          </li>
        ))}
      </ul>
    </>
  );
}

function Errors({ views, settings, errors, onChange }: Part & { errors: ErrorsInfo }) {
  const { outcomes } = settings;
  const calledBy = errors.threshold === null ? "labels" : settings.calledBy;
  const name = views.classes.find((c) => c.id === settings.classId)?.name ?? "the class";
  return (
    <>
      <label class="field">
        <span>Class</span>
        <select value={settings.classId} onChange={(e) => onChange({ classId: Number(e.currentTarget.value) })}>
          {views.classes.map((c) => <option key={c.id} value={c.id}>{c.name}</option>)}
        </select>
      </label>
      {([["tp", 1], ["fp", 2], ["fn", 3]] as const).map(([part, i]) => (
        <div key={part} class="outcome">
          <Swatch colour={outcomeColours[i]} />
          <Percent label={outcomeNames[i]} value={outcomes[part]} onInput={(value) => onChange({ outcomes: { ...outcomes, [part]: value } })} />
        </div>
      ))}
      <Choice
        label="By what a voxel is called the class" value={calledBy} onChange={(by) => onChange({ calledBy: by })}
        options={errors.threshold === null ? [["labels", "By labels"]] : [["threshold", `By threshold ${errors.threshold}`], ["labels", "By labels"]]}
      />
      <p class="hint">{calledBy === "threshold"
        ? `A voxel is called ${name} where its output is ${errors.threshold} of 255 or more, the threshold that is best on the training region: what the scores count.`
        : `A voxel is called ${name} where it is labelled so: of the classes that reach their thresholds the one with the largest output, as in the report's pictures.`}
      </p>
      {errors.counts !== null && <OutcomeTable counts={errors.counts} exact={errors.exact} />}
    </>
  );
}

function OutcomeTable({ counts, exact }: { counts: NonNullable<ErrorsInfo["counts"]>; exact: boolean }) {
  const rows = [["TP", "tp"], ["FP", "fp"], ["FN", "fn"]] as const;
  return (
    <table class="live-scores outcome-counts" aria-live="polite">
      <caption class={exact ? "unseen" : "hint"}>{exact ? "Voxels of each kind" : "Of the coarser voxels drawn; the scores count the finest."}</caption>
      <thead>
        <tr><th scope="col"><span class="unseen">Kind</span></th>{counts.map(([region]) => <th key={region} scope="col">{region}</th>)}</tr>
      </thead>
      <tbody>
        <tr><th scope="row">F1</th>{counts.map(([region, c]) => <td key={region} data-region={region}>{score(f1(c.tp, c.fp, c.fn))}</td>)}</tr>
        {rows.map(([text, part]) => (
          <tr key={part}><th scope="row">{text}</th>{counts.map(([region, c]) => <td key={region} data-region={region}>{count(c[part])}</td>)}</tr>
        ))}
      </tbody>
    </table>
  );
}

function Cutting({ settings, onChange }: Omit<Part, "views">) {
  const axis = settings.cutAxis === null ? "off" : axisNames[settings.cutAxis];
  const choose = (name: "off" | "z" | "y" | "x") => onChange({ cutAxis: name === "off" ? null : (axisNames.indexOf(name) as Axis) });
  return (
    <fieldset>
      <legend>Cut</legend>
      <Choice label="Axis that the cut is across" value={axis} options={[["off", "Off"], ["z", "z"], ["y", "y"], ["x", "x"]]} onChange={choose} />
      {settings.cutAxis !== null && (
        <>
          <Percent label="Position" value={settings.cutPosition} onInput={(cutPosition) => onChange({ cutPosition })} />
          <label class="check">
            <input type="checkbox" checked={!settings.keepsEnd} onChange={(e) => onChange({ keepsEnd: !e.currentTarget.checked })} />
            Keep the other side
          </label>
        </>
      )}
    </fieldset>
  );
}
