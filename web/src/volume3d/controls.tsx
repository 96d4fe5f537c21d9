// SPDX-License-Identifier: Apache-2.0
import type { Views } from "../api/types";
import { Choice, Swatch } from "../app/parts";
import { Slider } from "../app/slider";
import { outcomeColours, outcomeNames } from "../slices/scoring";
import { imagesOf } from "../slices/settings";
import { axisNames, type Axis } from "../zarr/space";
import { labelledPredictions, modesOf, type Settings } from "./settings";

interface ControlsProps {
  readonly views: Views;
  readonly settings: Settings;
  readonly onChange: (change: Partial<Settings>) => void;
  readonly onReset: () => void;
  readonly onPicture: () => void;
}

export function Controls({ views, settings, onChange, onReset, onPicture }: ControlsProps) {
  const modes = modesOf(views);
  const predictions = labelledPredictions(views);
  return (
    <div class="volume-controls">
      {imagesOf(views).length > 0 && (
        <fieldset>
          <legend>Image</legend>
          <Percent label="Opacity" value={settings.image} onInput={(image) => onChange({ image })} />
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
          {settings.mode === "errors" && <Errors views={views} settings={settings} onChange={onChange} />}
        </fieldset>
      )}
      <Cutting settings={settings} onChange={onChange} />
      <div class="buttons">
        <button type="button" class="small" onClick={onReset}>Reset camera</button>
        <button type="button" class="small" onClick={onPicture}>Save picture</button>
      </div>
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

function Errors({ views, settings, onChange }: Part) {
  const { outcomes } = settings;
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
      <p class="hint">By the labels, in which every voxel is of one class.</p>
    </>
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
