// SPDX-License-Identifier: Apache-2.0
import type { Views } from "../api/types";
import { Choice, Swatch } from "../app/parts";
import { Slider } from "../app/slider";
import { outcomeColours, outcomeNames, type Score } from "./scoring";
import { greysOf, imagesOf, imageText, overlaysOf, predictionsOf, truthOf, type Settings } from "./settings";

export interface ThresholdInfo {
  readonly value: number;
  /** The one that the experiment chose on the training region; null before it did. */
  readonly chosen: number | null;
  readonly train: Score | null;
  readonly test: Score | null;
}

interface ControlsProps {
  readonly views: Views;
  readonly settings: Settings;
  readonly threshold: ThresholdInfo;
  readonly onChange: (change: Partial<Settings>) => void;
  readonly onThreshold: (value: number | null) => void;
  readonly onAuto: () => void;
  readonly onFit: () => void;
}

export function Controls({ views, settings, threshold, onChange, onThreshold, onAuto, onFit }: ControlsProps) {
  const images = imagesOf(views);
  const predictions = predictionsOf(views);
  const overlays = overlaysOf(views, settings.prediction);
  const ofClass = settings.overlay === "outcomes" || settings.overlay === "greys";
  const thresholded = ofClass && greysOf(views, settings.prediction) !== null;
  const ofPrediction = ofClass || settings.overlay === "prediction";
  return (
    <div class="slice-controls">
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
        <Slider label="Brightness" min={-100} max={100} value={settings.brightness} onInput={(brightness) => onChange({ brightness })} />
        <Slider label="Contrast" min={-100} max={100} value={settings.contrast} onInput={(contrast) => onChange({ contrast })} />
        <div class="buttons">
          <button type="button" class="small" onClick={onAuto} title="Black and white from the grey levels of the xy section">Auto</button>
          <button type="button" class="small" onClick={() => onChange({ brightness: 0, contrast: 0 })}>Reset</button>
          <button type="button" class="small" onClick={onFit}>Whole volume</button>
        </div>
      </fieldset>
      {overlays.length > 1 && (
        <fieldset>
          <legend>Overlay</legend>
          <Choice label="Overlay" value={settings.overlay} options={overlays} onChange={(overlay) => onChange({ overlay })} />
          {ofPrediction && predictions.length > 1 && (
            <label class="field">
              <span>Prediction</span>
              <select value={settings.prediction} onChange={(e) => onChange({ prediction: e.currentTarget.value })}>
                {predictions.map((p) => <option key={p} value={p}>{p}</option>)}
              </select>
            </label>
          )}
          {ofClass && (
            <label class="field">
              <span>Class</span>
              <select value={settings.classId} onChange={(e) => onChange({ classId: Number(e.currentTarget.value) })}>
                {views.classes.map((c) => <option key={c.id} value={c.id}>{c.name}</option>)}
              </select>
            </label>
          )}
          {settings.overlay !== "none" && (
            <Slider label="Opacity" min={0} max={100} unit="%" value={Math.round(settings.opacity * 100)} onInput={(v) => onChange({ opacity: v / 100 })} />
          )}
          {thresholded && <Threshold info={threshold} scored={truthOf(views) !== null} onThreshold={onThreshold} />}
          {settings.overlay === "outcomes" && <Outcomes />}
          {(settings.overlay === "truth" || settings.overlay === "prediction") && <Classes views={views} settings={settings} onChange={onChange} />}
        </fieldset>
      )}
    </div>
  );
}

function Threshold({ info, scored, onThreshold }: { info: ThresholdInfo; scored: boolean; onThreshold: (value: number | null) => void }) {
  return (
    <div class="threshold">
      <Slider label="Threshold" min={0} max={255} value={info.value} onInput={onThreshold} />
      {info.chosen !== null && (
        <button type="button" class="small" disabled={info.value === info.chosen} onClick={() => onThreshold(null)}>
          The experiment's: {info.chosen}
        </button>
      )}
      {info.test !== null || info.train !== null ? (
        <table class="live-scores" aria-live="polite">
          <caption class="unseen">Scores at this threshold</caption>
          <thead>
            <tr><th scope="col"><span class="unseen">Region</span></th><th scope="col">F1</th><th scope="col">Precision</th><th scope="col">Recall</th></tr>
          </thead>
          <tbody>
            <ScoreRow name="test" score={info.test} />
            <ScoreRow name="train" score={info.train} />
          </tbody>
        </table>
      ) : scored && <p class="hint">Scores appear here once the experiment has counted its outputs.</p>}
    </div>
  );
}

function ScoreRow({ name, score }: { name: string; score: Score | null }) {
  if (score === null) return null;
  const words = (value: number | null) => (value === null ? "–" : value.toFixed(4));
  return (
    <tr data-region={name}>
      <th scope="row">{name}</th>
      <td>{words(score.f1)}</td>
      <td>{words(score.precision)}</td>
      <td>{words(score.recall)}</td>
    </tr>
  );
}

function Outcomes() {
  return (
    <ul class="legend">
      {[1, 2, 3].map((i) => (
        <li key={i}><Swatch colour={outcomeColours[i] as string} />{outcomeNames[i]}</li>
      ))}
    </ul>
  );
}

function Classes({ views, settings, onChange }: { views: Views; settings: Settings; onChange: (change: Partial<Settings>) => void }) {
  const toggle = (id: number) => {
    const hidden = new Set(settings.hidden);
    if (!hidden.delete(id)) hidden.add(id);
    onChange({ hidden });
  };
  return (
    <ul class="legend" aria-label="Classes shown">
      {views.classes.map((c) => (
        <li key={c.id}>
          <label>
            <input type="checkbox" checked={!settings.hidden.has(c.id)} onChange={() => toggle(c.id)} />
            <Swatch colour={c.colour} />
            {c.name}
          </label>
        </li>
      ))}
    </ul>
  );
}
