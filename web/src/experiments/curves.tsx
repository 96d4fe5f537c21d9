// SPDX-License-Identifier: Apache-2.0
import { useMemo, useState } from "preact/hooks";
import type { ScoreReport } from "../api/types";
import { percent, score } from "../app/format";
import { Panel } from "../app/parts";
import { LineChart, lineColour, type Line } from "../charts/lineChart";

const thresholds = Array.from({ length: 256 }, (_, i) => i);

/** F1 against the threshold, on the training region that chooses it and on the test region that is scored. */
export function CurvesPanel({ report, chosen, onChoose }: { report: ScoreReport; chosen: number | null; onChoose: (classId: number) => void }) {
  const [name, setName] = useState<string>("");
  const { classes, predictions } = report;
  // The first class is the background as a rule, of which nobody wants the curve first.
  const classId = chosen ?? classes[1]?.id ?? classes[0]?.id ?? 0;
  const shown = name === "" ? predictions : predictions.filter((p) => p.name === name);
  const entries = shown.map((p) => ({ prediction: p.name, score: p.classes.find((c) => c.id === classId) }));
  const lines = useMemo(() => entries.flatMap(({ prediction, score: s }): Line[] => {
    if (s === undefined) return [];
    const colour = lineColour(predictions.findIndex((p) => p.name === prediction));
    const label = predictions.length > 1 ? `${prediction}, ` : "";
    return [
      { label: `${label}test`, values: s.curve, colour },
      { label: `${label}train`, values: s.trainCurve, colour, dashed: true },
    ];
  }), [report, classId, name]);
  const thresholdsOf = entries.flatMap(({ score: s }) => (s === undefined ? [] : [s.threshold]));
  return (
    <Panel title="F1 against the threshold" aside={(
      <>
        <label>
          <span class="unseen">Class</span>
          <select class="small" value={String(classId)} onChange={(e) => onChoose(Number(e.currentTarget.value))}>
            {classes.map((c) => <option key={c.id} value={String(c.id)}>{c.name}</option>)}
          </select>
        </label>
        {predictions.length > 1 && (
          <label>
            <span class="unseen">Prediction</span>
            <select class="small" value={name} onChange={(e) => setName(e.currentTarget.value)}>
              <option value="">all predictions</option>
              {predictions.map((p) => <option key={p.name} value={p.name}>{p.name}</option>)}
            </select>
          </label>
        )}
      </>
    )}>
      <LineChart
        label={`F1 against the threshold for ${classes.find((c) => c.id === classId)?.name}. ${entries.map(({ prediction, score: s }) => `${prediction}: ${score(s?.f1)} at ${s?.threshold}`).join("; ")}`}
        x={thresholds} lines={lines} xTitle="Threshold" yTitle="F1" valueText={score} yRange={[0, 1]} marks={thresholdsOf} height={300}
      />
      <ul class="plain hint">
        {entries.map(({ prediction, score: s }) => s !== undefined && (
          <li key={prediction}>{prediction}: threshold {s.threshold} (dotted), best on the training region with F1 {score(s.trainF1)}; there the test region has {score(s.f1)}, calling every voxel {score(s.floor)} at a share of {percent(s.shareTest)}.</li>
        ))}
      </ul>
    </Panel>
  );
}
