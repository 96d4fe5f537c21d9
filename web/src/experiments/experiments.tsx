// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "preact/hooks";
import { api } from "../api/client";
import { useLoaded } from "../api/loading";
import { usePaged } from "../api/paging";
import type { ExperimentInfo } from "../api/types";
import { ago, duration, progressPercent, secondsBetween, time } from "../app/format";
import { More } from "../app/more";
import { Bar, Empty, StateChip, Title } from "../app/parts";
import { go, href, setQuery } from "../app/router";
import { overallFraction } from "./timing";
import "./experiments.css";

const states = ["running", "paused", "succeeded", "failed", "cancelled"] as const;

export function ExperimentsPage({ query }: { query: URLSearchParams }) {
  const state = query.get("state") ?? "";
  const campaign = query.get("campaign") ?? "";
  const name = query.get("name") ?? "";
  const list = usePaged(
    JSON.stringify([state, campaign]),
    (cursor, signal) => api.experiments({ state, campaign, cursor, limit: 100 }, signal),
    (e) => e.id,
    10_000,
  );
  const wanted = name.trim().toLowerCase();
  const shown = wanted === "" ? list.items : list.items.filter((e) => e.name.toLowerCase().includes(wanted));
  const [chosen, setChosen] = useState<readonly number[]>([]);
  const choose = (id: number) => setChosen((old) => (old.includes(id) ? old.filter((i) => i !== id) : [...old, id].slice(-2)));

  // The API filters by state and campaign only. A name is looked for in what has been loaded, and on through the pages until
  // something is found.
  const searching = wanted !== "" && shown.length === 0 && list.more;
  useEffect(() => {
    if (searching && !list.loading && list.problem === null) list.next();
  }, [searching, list.items.length, list.loading]);

  return (
    <>
      <Title text="Experiments">
        <div class="buttons">
          {chosen.length !== 2 && <span class="hint choose">Tick two to compare them</span>}
          <button
            type="button" disabled={chosen.length !== 2}
            onClick={() => go(href(["compare"], { a: Math.min(...chosen), b: Math.max(...chosen) }))}
          >
            Compare {chosen.length === 2 ? `${Math.min(...chosen)} and ${Math.max(...chosen)}` : "two"}
          </button>
        </div>
      </Title>
      <Filters state={state} campaign={campaign} name={name} />
      {shown.length > 0 && (
        <div class="panel scroll">
          <table class="experiments">
            <caption class="unseen">Experiments from the newest</caption>
            <thead>
              <tr>
                <th scope="col"><span class="unseen">Compare</span></th>
                <th scope="col" class="number">No.</th>
                <th scope="col">Name</th>
                <th scope="col">State</th>
                <th scope="col">Progress</th>
                <th scope="col">Campaign</th>
                <th scope="col">Owner</th>
                <th scope="col">Submitted</th>
                <th scope="col" class="number">Took</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((e) => <Row key={e.id} experiment={e} chosen={chosen.includes(e.id)} onChoose={() => choose(e.id)} />)}
            </tbody>
          </table>
        </div>
      )}
      {shown.length === 0 && !list.loading && list.problem === null && !searching && (
        <Empty>{state || campaign || wanted ? "No experiment is like this." : <>There is no experiment yet. <a href="#/">Upload a volume</a> or use <code>teravox submit</code>.</>}</Empty>
      )}
      <More list={list} what={wanted === "" ? "experiments" : `experiments searched, ${shown.length} found`} />
    </>
  );
}

function Filters({ state, campaign, name }: { state: string; campaign: string; name: string }) {
  const campaigns = useLoaded("campaigns", (signal) => api.campaigns({ limit: 200 }, signal));
  const names = campaigns.value?.items.map((c) => c.name) ?? [];
  return (
    <form class="filters" role="search" aria-label="Filter experiments" onSubmit={(e) => e.preventDefault()}>
      <label>
        State
        <select value={state} onChange={(e) => setQuery({ state: e.currentTarget.value })}>
          <option value="">any</option>
          {states.map((s) => <option key={s} value={s}>{s}</option>)}
        </select>
      </label>
      <label>
        Campaign
        <select value={campaign} onChange={(e) => setQuery({ campaign: e.currentTarget.value })}>
          <option value="">any</option>
          {campaign !== "" && !names.includes(campaign) && <option value={campaign}>{campaign}</option>}
          {names.map((n) => <option key={n} value={n}>{n}</option>)}
        </select>
      </label>
      <label>
        Name contains
        <input type="search" value={name} onInput={(e) => setQuery({ name: e.currentTarget.value })} />
      </label>
      {(state || campaign || name) && <button type="button" class="quiet" onClick={() => setQuery({ state: null, campaign: null, name: null })}>Clear</button>}
    </form>
  );
}

function Row({ experiment: e, chosen, onChoose }: { experiment: ExperimentInfo; chosen: boolean; onChoose: () => void }) {
  const now = Date.now();
  return (
    <tr>
      <td><input type="checkbox" checked={chosen} aria-label={`Compare experiment ${e.id}`} onChange={onChoose} /></td>
      <td class="number">{e.id}</td>
      <th scope="row"><a href={href(["experiments", e.id])}>{e.name}</a></th>
      <td><StateChip state={e.state} /></td>
      <td class="progress-cell"><RowProgress experiment={e} /></td>
      <td>{e.campaign && <a href={href(["campaigns", e.campaign])}>{e.campaign}</a>}</td>
      <td>{e.owner}</td>
      <td title={time(e.created)}>{ago(e.created, now)}</td>
      <td class="number">{e.ended ? duration(secondsBetween(e.created, e.ended)) : ""}</td>
    </tr>
  );
}

/** Only those that have not ended are asked how far they are, and only while their row is to be seen. */
function RowProgress({ experiment }: { experiment: ExperimentInfo }) {
  const { id, state } = experiment;
  const [element, setElement] = useState<HTMLDivElement | null>(null);
  const [seen, setSeen] = useState(false);
  const going = state === "running" || state === "paused";
  useEffect(() => {
    if (element === null) return;
    const observer = new IntersectionObserver((entries) => setSeen(entries.some((e) => e.isIntersecting)));
    observer.observe(element);
    return () => observer.disconnect();
  }, [element]);
  const progress = useLoaded(going && seen ? String(id) : null, (signal) => api.progress(id, signal), state === "running" ? 10_000 : 0);
  if (state === "succeeded") return <Bar fraction={1} label={`Experiment ${id}`} state="succeeded" />;
  if (!going) return null;
  const stages = progress.value?.stages ?? [];
  const blocked = stages.find((s) => s.blocked)?.blocked;
  const fraction = overallFraction(stages);
  return (
    <div ref={setElement} class="row-progress">
      <Bar fraction={fraction} label={`Experiment ${id}`} state={state} />
      <span>{progress.value === null ? "" : progressPercent(fraction)}</span>
      {blocked && <span class="blocked" title={blocked}>blocked</span>}
    </div>
  );
}
