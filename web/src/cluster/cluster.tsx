// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { api } from "../api/client";
import { useLoaded } from "../api/loading";
import type { SiloInfo } from "../api/types";
import { ago, bytes, count, progressPercent, rate, time } from "../app/format";
import { Bar, Choice, Empty, Panel, Status, Title } from "../app/parts";
import { href } from "../app/router";
import { siloState, sumUp } from "./silos";
import "./cluster.css";

const pollMs = 3000;
const failedAtMost = 10;

export function ClusterPage() {
  const loaded = useLoaded("silos", (signal) => api.silos(signal), pollMs);
  const [which, setWhich] = useState<"alive" | "all">("alive");
  const silos = loaded.value ?? [];
  const total = sumUp(silos);
  const shown = which === "alive" ? silos.filter((s) => s.alive) : silos;
  return (
    <>
      <Title text="Cluster" />
      <Status loaded={loaded} />
      {loaded.value !== null && (
        <div class="stack">
          <dl class="tiles">
            <Tile name="Silos alive" value={count(total.alive)} more={total.draining > 0 ? `${total.draining} draining` : `of ${count(silos.length)} known`} />
            <Tile name="Devices" value={count(total.devices)} more={`${count(total.slots)} slots`} />
            <Tile name="Items in work" value={count(total.running)} />
            <Tile name="Throughput" value={rate(total.itemsPerSecond)} more="items, over the last minute" />
            <Tile name="Memory in use" value={bytes(total.memoryBytes)} />
          </dl>
          <Panel title="Silos" aside={silos.some((s) => !s.alive) ? <Choice label="Silos" value={which} options={[["alive", "alive"], ["all", `all ${silos.length}`]]} onChange={setWhich} /> : undefined}>
            {shown.length === 0 ? <Empty>No silo is alive.</Empty> : <ul class="silos">{shown.map((s) => <Silo key={s.name} silo={s} />)}</ul>}
          </Panel>
          <RecentFailures />
        </div>
      )}
    </>
  );
}

function Tile({ name, value, more }: { name: string; value: string; more?: string }) {
  return <div class="panel"><dt>{name}</dt><dd>{value}</dd>{more !== undefined && <dd class="hint">{more}</dd>}</div>;
}

function Silo({ silo }: { silo: SiloInfo }) {
  const { status } = silo;
  const state = siloState(silo);
  return (
    <li>
      <div class="silo-head">
        <h3>{silo.name}</h3>
        <span class={`chip ${state}`}>{state}</span>
        <span class="facts">
          <span>{silo.machine}{silo.url && <> · <code>{silo.url}</code></>}</span>
          <span>{silo.devices.map((d) => `${d.name} (${d.slots} ${d.slots === 1 ? "slot" : "slots"}, ${d.threads} ${d.threads === 1 ? "thread" : "threads"}${d.memoryBytes > 0 ? `, ${bytes(d.memoryBytes)}` : ""})`).join("; ") || "no device"}</span>
          <span><b>{rate(status.itemsPerSecond)}</b>, {count(status.itemsDone)} items since its start</span>
          <span>{bytes(status.memoryBytes)} in use</span>
          {silo.tags.length > 0 && <span>{silo.tags.join(", ")}</span>}
          <span title={`since ${time(silo.started)}, version ${silo.version}`}>last heard of {ago(silo.lastSeen, Date.now())}</span>
        </span>
      </div>
      {silo.alive && status.running.length > 0 && (
        <div class="scroll">
          <table>
            <caption class="unseen">What {silo.name} works on</caption>
            <thead>
              <tr><th scope="col">Device</th><th scope="col">Experiment</th><th scope="col">Stage</th><th scope="col" class="number">Item</th><th scope="col">Progress</th><th scope="col">How it goes</th></tr>
            </thead>
            <tbody>
              {status.running.map((r) => (
                <tr key={`${r.experiment}/${r.stage}/${r.index}`}>
                  <td>{r.device}</td>
                  <td><a href={href(["experiments", r.experiment])}>{r.experiment}</a></td>
                  <th scope="row">{r.stage}</th>
                  <td class="number">{r.index}</td>
                  <td class="progress-cell"><div class="row-progress"><Bar fraction={r.fraction} label={`${r.stage} ${r.index}`} /><span>{progressPercent(r.fraction)}</span></div></td>
                  <td class="note">{r.note}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </li>
  );
}

/** Failures with their errors, of the newest experiments that failed and of those that run. */
function RecentFailures() {
  const loaded = useLoaded("failures", async (signal) => {
    const [failed, running] = await Promise.all([
      api.experiments({ state: "failed", limit: failedAtMost }, signal),
      api.experiments({ state: "running", limit: failedAtMost }, signal),
    ]);
    const progress = await Promise.all([...running.items, ...failed.items].map((e) => api.progress(e.id, signal)));
    return progress.filter((p) => p.failures.length > 0);
  }, 30_000);
  return (
    <Panel title="Recent failures">
      <Status loaded={loaded} />
      {loaded.value?.length === 0 && <Empty>Nothing failed in the newest experiments.</Empty>}
      {loaded.value !== null && loaded.value.length > 0 && (
        <ul class="failures">
          {loaded.value.map((p) => (
            <li key={p.experiment.id}>
              <div><a href={href(["experiments", p.experiment.id])}>{p.experiment.name} · {p.experiment.id}</a> <span class={`chip ${p.experiment.state}`}>{p.experiment.state}</span></div>
              {p.failures.slice(0, 3).map((f) => <pre key={`${f.stage}/${f.index}`}>{f.stage}{f.index >= 0 && ` ${f.index}`}: {f.error}</pre>)}
              {p.failures.length > 3 && <small>and {p.failures.length - 3} more</small>}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
