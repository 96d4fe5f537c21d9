// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import type { ScoreReport } from "../api/types";
import { count, percent } from "../app/format";
import { Choice, Panel, Swatch } from "../app/parts";
import { rowShares } from "./scoring";

/** Voxels of the test region by true class and class of the largest output. */
export function ConfusionPanel({ report }: { report: ScoreReport }) {
  const counted = report.predictions.filter((p) => p.confusion != null);
  const [name, setName] = useState("");
  const [unit, setUnit] = useState<"counts" | "shares">("shares");
  const prediction = counted.find((p) => p.name === name) ?? counted[0];
  if (prediction?.confusion == null) return null;
  const shares = rowShares(prediction.confusion);
  return (
    <Panel title="Confusion matrix" aside={(
      <>
        {counted.length > 1 && (
          <Choice label="Prediction" value={prediction.name} options={counted.map((p) => [p.name, p.name] as const)} onChange={setName} />
        )}
        <Choice label="Unit" value={unit} options={[["shares", "share of the row"], ["counts", "voxels"]]} onChange={setUnit} />
      </>
    )}>
      <p class="hint about">Voxels of the test region: a row is a true class, a column the class of the largest output. No thresholds here, so that F1 may differ from the table's.</p>
      <div class="scroll">
        <table class="confusion">
          <caption class="unseen">Voxels of the test region by true class (rows) and class of the largest output (columns)</caption>
          <thead>
            <tr>
              <th scope="col">true ↓ called →</th>
              {report.classes.map((c) => <th key={c.id} scope="col" class="number" title={c.name}>{c.name}</th>)}
            </tr>
          </thead>
          <tbody>
            {prediction.confusion.map((row, r) => (
              <tr key={report.classes[r]?.id ?? r}>
                <th scope="row"><Swatch colour={report.classes[r]?.show} />{report.classes[r]?.name}</th>
                {row.map((n, c) => {
                  const share = shares[r]?.[c] ?? null;
                  return (
                    <td
                      key={c} class={`number ${r === c ? "hit" : ""} ${n === 0 ? "none" : ""}`}
                      style={{ "--share": (share ?? 0).toFixed(3) }}
                      title={`${count(n)} voxels, ${percent(share)} of ${report.classes[r]?.name}`}
                    >
                      {unit === "counts" ? count(n) : percent(share)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
