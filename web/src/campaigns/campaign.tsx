// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { api, campaignCsvUrl } from "../api/client";
import { useLoaded } from "../api/loading";
import type { CampaignInfo, CampaignRow, ExperimentState } from "../api/types";
import { count, score, time } from "../app/format";
import { lazy } from "../app/lazy";
import { Bar, Empty, Gone, Panel, StateChip, Status, Title } from "../app/parts";
import { href, setQuery } from "../app/router";
import { SortHead } from "../app/sortHead";
import { sorted, type Order, type SortValue } from "../app/sorting";
import { gridText } from "./grid";

// The chart's library is not needed before a campaign is looked at.
const GridChart = lazy(() => import("./gridChart"));

const states: readonly ExperimentState[] = ["running", "paused", "succeeded", "failed", "cancelled"];
const rowsAtFirst = 200;

export function CampaignPage({ name, query }: { name: string; query: URLSearchParams }) {
  const [going, setGoing] = useState(true);
  const loaded = useLoaded(name, async (signal) => {
    const campaign = await api.campaign(name, signal);
    setGoing((campaign.experiments ?? []).some((e) => e.state === "running"));
    return campaign;
  }, going ? 10_000 : 0);
  const campaign = loaded.value;
  if (campaign === null && loaded.problem?.status === 404) return <Gone what={`campaign ${name}`}><a href={href(["campaigns"])}>Go to the campaigns.</a></Gone>;
  return (
    <>
      <Title text={name}>
        <div class="buttons"><a class="button" href={campaignCsvUrl(name)} download={`${name}.csv`}>Table as CSV</a></div>
      </Title>
      <Status loaded={loaded} />
      {campaign !== null && <Shown campaign={campaign} query={query} />}
    </>
  );
}

function Shown({ campaign, query }: { campaign: CampaignInfo; query: URLSearchParams }) {
  const experiments = campaign.experiments ?? [];
  const table = campaign.table ?? [];
  const predictions = [...new Set(table.map((r) => r.prediction))];
  const classes = [...new Set(table.map((r) => r.class))];
  const pick = (name: string, options: readonly string[], otherwise: string | undefined) => {
    const asked = query.get(name) ?? "";
    return options.includes(asked) ? asked : otherwise ?? "";
  };
  const prediction = pick("prediction", predictions, predictions[0]);
  const className = pick("class", classes, classes.includes("mean") ? "mean" : classes[0]);
  const field = pick("x", campaign.fields, campaign.fields[0]);
  const ended = experiments.filter((e) => e.state !== "running" && e.state !== "paused").length;
  return (
    <div class="stack">
      <div class="facts">
        <span role="status"><b>{count(ended)}</b> of <b>{count(experiments.length)}</b> runs ended</span>
        {states.map((s) => ({ s, n: experiments.filter((e) => e.state === s).length })).filter(({ n }) => n > 0).map(({ s, n }) => (
          <a key={s} href={href(["experiments"], { campaign: campaign.name, state: s })}>{n} {s}</a>
        ))}
        <span>{campaign.repeats} {campaign.repeats === 1 ? "run" : "runs"} of each combination</span>
        <span>submitted {time(campaign.created)}{campaign.owner && ` by ${campaign.owner}`}</span>
      </div>
      {ended < experiments.length && <Bar fraction={ended / experiments.length} label="Runs ended" />}
      {table.length === 0 ? <Empty>The table begins when the first run has ended.</Empty> : (
        <>
          <form class="filters" aria-label="What to show" onSubmit={(e) => e.preventDefault()}>
            {campaign.fields.length > 0 && <Pick label="x axis" name="x" value={field} options={campaign.fields} />}
            <Pick label="Class" name="class" value={className} options={classes} texts={{ mean: "mean of the classes" }} />
            {predictions.length > 1 && <Pick label="Prediction" name="prediction" value={prediction} options={predictions} />}
          </form>
          {field !== "" && (
            <Panel title={`F1 over ${field}`} aside={campaign.repeats > 1 ? "points: mean of the runs; bars: standard deviation" : undefined}>
              <GridChart rows={table} fields={campaign.fields} field={field} prediction={prediction} className={className} />
            </Panel>
          )}
          <Table campaign={campaign} rows={table.filter((r) => r.prediction === prediction && r.class === className)} />
        </>
      )}
      <Runs campaign={campaign} />
    </div>
  );
}

function Pick({ label, name, value, options, texts = {} }: {
  label: string; name: string; value: string; options: readonly string[]; texts?: Readonly<Record<string, string>>;
}) {
  return (
    <label>
      {label}
      <select value={value} onChange={(e) => setQuery({ [name]: e.currentTarget.value })}>
        {options.map((o) => <option key={o} value={o}>{texts[o] ?? o}</option>)}
      </select>
    </label>
  );
}

type Figure = "mean" | "std" | "min" | "max" | "published";
const heads: Readonly<Record<Figure, string>> = { mean: "Mean F1", std: "Std", min: "Min", max: "Max", published: "Published" };

function Table({ campaign, rows }: { campaign: CampaignInfo; rows: readonly CampaignRow[] }) {
  const [order, setOrder] = useState<Order | null>(null);
  const published = rows.some((r) => r.published != null);
  const numbers: readonly Figure[] = ["mean", "std", "min", "max", ...(published ? ["published" as const] : [])];
  const value = (row: CampaignRow, column: string): SortValue => {
    if (column === "runs") return row.runs;
    if ((numbers as readonly string[]).includes(column)) return row[column as Figure];
    const v = row.parameters[column.replace(/^field:/, "")];
    return typeof v === "number" ? v : gridText(v);
  };
  const best = Math.max(...rows.map((r) => r.mean ?? -1));
  return (
    <Panel title="Summary">
      <div class="scroll">
        <table>
          <caption class="unseen">F1 of the test region by combination</caption>
          <thead>
            <tr>
              {campaign.fields.map((f) => <SortHead key={f} column={`field:${f}`} order={order} onOrder={setOrder}>{f}</SortHead>)}
              <SortHead column="runs" order={order} onOrder={setOrder} numeric title="Runs that have a value">Runs</SortHead>
              {numbers.map((n) => <SortHead key={n} column={n} order={order} onOrder={setOrder} numeric>{heads[n]}</SortHead>)}
            </tr>
          </thead>
          <tbody>
            {sorted(rows, order, value).map((r) => (
              <tr key={JSON.stringify(r.parameters)}>
                {campaign.fields.map((f, i) => (i === 0 ? <th key={f} scope="row">{gridText(r.parameters[f])}</th> : <td key={f}>{gridText(r.parameters[f])}</td>))}
                <td class="number">{r.runs}</td>
                {numbers.map((n) => <td key={n} class={`number ${n === "mean" && r.mean === best && rows.length > 1 ? "best" : ""}`}>{score(r[n])}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function Runs({ campaign }: { campaign: CampaignInfo }) {
  const [most, setMost] = useState(rowsAtFirst);
  const experiments = campaign.experiments ?? [];
  return (
    <Panel title="Runs" aside={<a href={href(["experiments"], { campaign: campaign.name })}>in the list of experiments</a>}>
      <div class="scroll">
        <table>
          <caption class="unseen">Runs of the campaign</caption>
          <thead>
            <tr><th scope="col">Run</th><th scope="col">State</th>{campaign.fields.map((f) => <th key={f} scope="col">{f}</th>)}</tr>
          </thead>
          <tbody>
            {experiments.slice(0, most).map((e) => (
              <tr key={e.id}>
                <th scope="row"><a href={href(["experiments", e.id])}>{e.name}</a></th>
                <td><StateChip state={e.state} /></td>
                {campaign.fields.map((f) => <td key={f}>{gridText(e.parameters?.[f])}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {experiments.length > most && <div class="more"><button type="button" onClick={() => setMost((n) => n + 1000)}>Show more</button><span>{count(most)} of {count(experiments.length)} runs</span></div>}
    </Panel>
  );
}
