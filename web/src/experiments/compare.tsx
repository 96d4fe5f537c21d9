// SPDX-License-Identifier: Apache-2.0
import { useMemo, useState } from "preact/hooks";
import { api } from "../api/client";
import { useLoaded } from "../api/loading";
import type { ExperimentInfo, ScoreReport } from "../api/types";
import { difference, duration, score, secondsBetween, time } from "../app/format";
import { Empty, Panel, StateChip, Status, Swatch, Title } from "../app/parts";
import { href, setQuery } from "../app/router";
import { SortHead } from "../app/sortHead";
import { sorted, type Order, type SortValue } from "../app/sorting";
import { LineChart, type Line } from "../charts/lineChart";
import { minus } from "./scoring";
import { specDifferences } from "./specDiff";
import "./experiment.css";

const thresholds = Array.from({ length: 256 }, (_, i) => i);

function idOf(text: string | null): number | null {
  return text !== null && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : null;
}

/** Two experiments side by side: F1 with the difference, curves in one chart, and the settings that differ. */
export default function ComparePage({ query }: { query: URLSearchParams }) {
  const a = idOf(query.get("a"));
  const b = idOf(query.get("b"));
  const list = useLoaded("compare", (signal) => api.experiments({ limit: 200 }, signal));
  const items = list.value?.items ?? [];
  const key = a === null || b === null ? null : `${a}/${b}`;
  const infos = useLoaded(key, (signal) => Promise.all([api.experiment(a ?? 0, signal), api.experiment(b ?? 0, signal)]));
  const specs = useLoaded(key, (signal) => Promise.all([api.spec(a ?? 0, signal), api.spec(b ?? 0, signal)]));
  const scores = useLoaded(key, (signal) => Promise.all([api.scores(a ?? 0, signal), api.scores(b ?? 0, signal)]));
  return (
    <>
      <Title text="Compare" />
      <form class="filters" aria-label="Experiments to compare" onSubmit={(e) => e.preventDefault()}>
        <Pick name="A" value={a} items={items} onChange={(id) => setQuery({ a: id })} />
        <Pick name="B" value={b} items={items} onChange={(id) => setQuery({ b: id })} />
        {key !== null && <button type="button" onClick={() => setQuery({ a: b, b: a })}>Swap</button>}
      </form>
      {key === null ? <Empty>Choose two experiments.</Empty> : (
        <div class="stack">
          {infos.value === null ? <Status loaded={infos} /> : <Both infos={infos.value} />}
          {scores.value !== null ? <Scores scores={scores.value} />
            : scores.problem?.status === 404 ? <Empty>One of them has no scores, so only settings can be compared.</Empty> : <Status loaded={scores} />}
          <Panel title="Settings that differ">
            {specs.value === null ? <Status loaded={specs} /> : <Settings a={specs.value[0]} b={specs.value[1]} />}
          </Panel>
        </div>
      )}
    </>
  );
}

function Pick({ name, value, items, onChange }: { name: string; value: number | null; items: readonly ExperimentInfo[]; onChange: (id: string) => void }) {
  return (
    <label>
      {name}
      <select value={value === null ? "" : String(value)} onChange={(e) => onChange(e.currentTarget.value)}>
        <option value="">choose…</option>
        {value !== null && !items.some((e) => e.id === value) && <option value={String(value)}>experiment {value}</option>}
        {items.map((e) => <option key={e.id} value={String(e.id)}>{e.name} · {e.id} ({e.state})</option>)}
      </select>
    </label>
  );
}

function Both({ infos }: { infos: readonly ExperimentInfo[] }) {
  return (
    <div class="grid">
      {infos.map((e, i) => (
        <div key={i} class="half panel both">
          <b class="letter">{i === 0 ? "A" : "B"}</b>
          <a href={href(["experiments", e.id])}>{e.name} · {e.id}</a>
          <StateChip state={e.state} />
          <span class="hint">{time(e.created)}{e.ended && `, took ${duration(secondsBetween(e.created, e.ended))}`}</span>
        </div>
      ))}
    </div>
  );
}

/** Names that both have, in the order of the first. */
export function shared(a: readonly string[], b: readonly string[]): readonly string[] {
  return a.filter((name) => b.includes(name));
}

function Scores({ scores }: { scores: readonly [ScoreReport, ScoreReport] }) {
  const [a, b] = scores;
  const [predictionA, setA] = useState("");
  const [predictionB, setB] = useState("");
  const [order, setOrder] = useState<Order | null>(null);
  const common = shared(a.predictions.map((p) => p.name), b.predictions.map((p) => p.name))[0];
  const pa = a.predictions.find((p) => p.name === (predictionA || common)) ?? a.predictions[0];
  const pb = b.predictions.find((p) => p.name === (predictionB || common)) ?? b.predictions[0];
  const names = [...new Set([...a.classes, ...b.classes].map((c) => c.name))];
  const [className, setClassName] = useState("");
  const shownClass = names.includes(className) ? className : names[1] ?? names[0] ?? "";
  const ca = pa?.classes.find((c) => c.name === shownClass);
  const cb = pb?.classes.find((c) => c.name === shownClass);
  const lines = useMemo((): Line[] => [
    ...(ca === undefined ? [] : [{ label: "A test", values: ca.curve, colour: "--chart-1" }, { label: "A train", values: ca.trainCurve, colour: "--chart-1", dashed: true }]),
    ...(cb === undefined ? [] : [{ label: "B test", values: cb.curve, colour: "--chart-2" }, { label: "B train", values: cb.trainCurve, colour: "--chart-2", dashed: true }]),
  ], [ca, cb]);
  const f1 = (which: "a" | "b", name: string) => (which === "a" ? pa : pb)?.classes.find((c) => c.name === name)?.f1;
  const value = (name: string, column: string): SortValue =>
    column === "class" ? name : column === "difference" ? minus(f1("b", name), f1("a", name)) : f1(column as "a" | "b", name);
  const sign = (d: number | null) => (d === null || Math.abs(d) < 0.00005 ? "" : d > 0 ? "plus" : "minus");
  const mean = minus(pb?.meanF1, pa?.meanF1);
  return (
    <div class="grid">
      <div class="half">
        <Panel title="F1 of the test region" aside={(
          <>
            <PredictionPick name="A" report={a} value={pa?.name ?? ""} onChange={setA} />
            <PredictionPick name="B" report={b} value={pb?.name ?? ""} onChange={setB} />
          </>
        )}>
          <div class="scroll">
            <table>
              <caption class="unseen">F1 of both by class; the difference is B less A</caption>
              <thead>
                <tr>
                  <SortHead column="class" order={order} onOrder={setOrder}>Class</SortHead>
                  <SortHead column="a" order={order} onOrder={setOrder} numeric>A</SortHead>
                  <SortHead column="b" order={order} onOrder={setOrder} numeric>B</SortHead>
                  <SortHead column="difference" order={order} onOrder={setOrder} numeric>B − A</SortHead>
                </tr>
              </thead>
              <tbody>
                {sorted(names, order, value).map((name) => {
                  const d = minus(f1("b", name), f1("a", name));
                  return (
                    <tr key={name}>
                      <th scope="row">
                        <Swatch colour={[...a.classes, ...b.classes].find((c) => c.name === name)?.show} />
                        <button type="button" class="link" title="Show its curves" onClick={() => setClassName(name)}>{name}</button>
                      </th>
                      <td class="number">{score(f1("a", name))}</td>
                      <td class="number">{score(f1("b", name))}</td>
                      <td class={`number ${sign(d)}`}>{difference(d)}</td>
                    </tr>
                  );
                })}
              </tbody>
              <tfoot>
                <tr><th scope="row">Mean of the classes</th><td class="number">{score(pa?.meanF1)}</td><td class="number">{score(pb?.meanF1)}</td><td class={`number ${sign(mean)}`}>{difference(mean)}</td></tr>
              </tfoot>
            </table>
          </div>
        </Panel>
      </div>
      <div class="half">
        <Panel title="F1 against the threshold" aside={(
          <label>
            <span class="unseen">Class</span>
            <select class="small" value={shownClass} onChange={(e) => setClassName(e.currentTarget.value)}>
              {names.map((n) => <option key={n} value={n}>{n}</option>)}
            </select>
          </label>
        )}>
          <LineChart
            label={`F1 against the threshold for ${shownClass}: A ${score(ca?.f1)} at ${ca?.threshold}, B ${score(cb?.f1)} at ${cb?.threshold}`}
            x={thresholds} lines={lines} xTitle="Threshold" yTitle="F1" valueText={score} yRange={[0, 1]} height={300}
            marks={[ca?.threshold, cb?.threshold].filter((t): t is number => t !== undefined)}
          />
        </Panel>
      </div>
    </div>
  );
}

function PredictionPick({ name, report, value, onChange }: { name: string; report: ScoreReport; value: string; onChange: (name: string) => void }) {
  if (report.predictions.length < 2) return null;
  return (
    <label>
      {name}{" "}
      <select class="small" value={value} onChange={(e) => onChange(e.currentTarget.value)}>
        {report.predictions.map((p) => <option key={p.name} value={p.name}>{p.name}</option>)}
      </select>
    </label>
  );
}

function Settings({ a, b }: { a: Parameters<typeof specDifferences>[0]; b: Parameters<typeof specDifferences>[0] }) {
  const differences = specDifferences(a, b);
  if (differences.length === 0) return <Empty>They have the same settings.</Empty>;
  return (
    <div class="scroll">
      <table>
        <caption class="unseen">Settings in which the specs differ</caption>
        <thead><tr><th scope="col">Setting</th><th scope="col">A</th><th scope="col">B</th></tr></thead>
        <tbody>
          {differences.map((d) => (
            <tr key={d.path}><th scope="row"><code>{d.path}</code></th><td><Setting value={d.a} /></td><td><Setting value={d.b} /></td></tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Setting({ value }: { value: string | null }) {
  return value === null ? <span class="hint">not set</span> : <code>{value}</code>;
}
