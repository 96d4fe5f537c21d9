// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import type { ClassEntry, PredictionScore, ScoreReport } from "../api/types";
import { difference, percent, score } from "../app/format";
import { Choice, Swatch } from "../app/parts";
import { SortHead } from "../app/sortHead";
import { sorted, type Order, type SortValue } from "../app/sorting";
import { meanOf, minus, type Beside } from "./scoring";

/** F1 by class and prediction, with what was published or another experiment's beside it. */
export function ScoreTable({ report, beside, onChoose }: { report: ScoreReport; beside: Beside | null; onChoose?: (classId: number) => void }) {
  const [order, setOrder] = useState<Order | null>(null);
  const [detail, setDetail] = useState<"f1" | "all">("f1");
  const { classes, predictions } = report;
  const all = detail === "all";
  const of = (p: PredictionScore | undefined, c: ClassEntry) => p?.classes.find((x) => x.id === c.id);
  const value = (c: ClassEntry, column: string): SortValue => {
    if (column === "class") return c.name;
    if (column === "share") return of(predictions[0], c)?.shareTest;
    const [what, index] = column.split(":");
    const p = predictions[Number(index)];
    const s = of(p, c);
    switch (what) {
      case "f1": return s?.f1;
      case "precision": return s?.precision;
      case "recall": return s?.recall;
      case "train": return s?.trainF1;
      case "threshold": return s?.threshold;
      case "beside": return p === undefined ? null : beside?.f1(p.name, c.name);
      case "difference": return p === undefined ? null : minus(s?.f1, beside?.f1(p.name, c.name));
      default: return null;
    }
  };
  const columnsOf = (index: number): readonly (readonly [column: string, head: string, title: string])[] => [
    [`f1:${index}`, "F1", "2 TP / (2 TP + FP + FN) on the test region, at the threshold that is best on the training region"],
    ...(beside === null ? [] : [
      [`beside:${index}`, beside.head, beside.title] as const,
      [`difference:${index}`, "diff.", `F1 less ${beside.title}`] as const,
    ]),
    ...(all ? [
      [`precision:${index}`, "prec.", "Precision, TP / (TP + FP)"] as const,
      [`recall:${index}`, "recall", "Recall, TP / (TP + FN)"] as const,
      [`train:${index}`, "train F1", "F1 at the same threshold on the training region"] as const,
      [`threshold:${index}`, "thr.", "Threshold of the 8-bit output, 1..255"] as const,
    ] : []),
  ];
  const text = (column: string, v: SortValue) => {
    if (column.startsWith("difference")) return difference(v as number | null);
    if (column.startsWith("threshold")) return String(v ?? "–");
    return score(v as number | null);
  };
  const about = `F1 by class${beside === null ? "" : `, compared with ${beside.title}`}`;
  const best = new Map(classes.map((c) => [c.id, Math.max(...predictions.map((p) => of(p, c)?.f1 ?? -1))]));
  return (
    <>
      <div class="scores-head">
        <span class="hint">{about}</span>
        <Choice label="Columns" value={detail} options={[["f1", "F1"], ["all", "all columns"]]} onChange={setDetail} />
      </div>
      <div class="scroll">
        <table class="scores">
          <caption class="unseen">{about}</caption>
          <thead>
            {(predictions.length > 1 || beside !== null || all) && (
              <tr class="groups">
                <th colSpan={2} />
                {predictions.map((p, i) => <th key={p.name} scope="colgroup" class="number group" colSpan={columnsOf(i).length}>{p.name}</th>)}
              </tr>
            )}
            <tr>
              <SortHead column="class" order={order} onOrder={setOrder}>Class</SortHead>
              <SortHead column="share" order={order} onOrder={setOrder} numeric title="Share of the labelled voxels of the test region">Share</SortHead>
              {predictions.map((_, i) => columnsOf(i).map(([column, head, title]) => (
                <SortHead key={column} column={column} order={order} onOrder={setOrder} numeric title={title}>{head}</SortHead>
              )))}
            </tr>
          </thead>
          <tbody>
            {sorted(classes, order, value).map((c) => (
              <tr key={c.id}>
                <th scope="row">
                  <Swatch colour={c.show} />
                  {onChoose === undefined ? c.name : <button type="button" class="link" title="Show its curve" onClick={() => onChoose(c.id)}>{c.name}</button>}
                </th>
                <td class="number">{percent(of(predictions[0], c)?.shareTest)}</td>
                {predictions.map((p, i) => columnsOf(i).map(([column]) => {
                  const v = value(c, column);
                  const isBest = column.startsWith("f1") && predictions.length > 1 && v != null && v === best.get(c.id);
                  return <td key={`${p.name}${column}`} class={`number ${column.startsWith("f1") ? "group" : ""} ${isBest ? "best" : ""} ${signClass(column, v)}`}>{text(column, v)}</td>;
                }))}
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">Mean of the classes</th>
              <td />
              {predictions.map((p, i) => columnsOf(i).map(([column]) => {
                const v = column.startsWith("f1") ? p.meanF1
                  : column.startsWith("beside") ? beside?.mean(p.name)
                  : column.startsWith("difference") ? minus(p.meanF1, beside?.mean(p.name))
                  : column.startsWith("threshold") ? null : meanOf(classes.map((c) => value(c, column) as number | null));
                return <td key={`${p.name}${column}`} class={`number ${column.startsWith("f1") ? "group" : ""} ${signClass(column, v)}`}>{v == null && column.startsWith("threshold") ? "" : text(column, v)}</td>;
              }))}
            </tr>
          </tfoot>
        </table>
      </div>
    </>
  );
}

function signClass(column: string, value: SortValue): string {
  if (!column.startsWith("difference") || typeof value !== "number" || Math.abs(value) < 0.00005) return "";
  return value > 0 ? "plus" : "minus";
}
