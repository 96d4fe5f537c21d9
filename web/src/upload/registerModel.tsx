// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { api, send } from "../api/client";
import { useLoaded } from "../api/loading";
import { asProblem, type Problem } from "../api/problems";
import type { ModelInfo } from "../api/types";
import { Status } from "../app/parts";
import { flow } from "./flow";

const looked = 10;

/** What has finished, and the newest of it that has trained a network: segmentations, which have none, are often what ran last. */
async function newestFinished(signal: AbortSignal) {
  const { items } = await api.experiments({ state: "succeeded", limit: 200 }, signal);
  const networks = await Promise.all(items.slice(0, looked).map((e) => api.losses(e.id, signal).then((l) => l.networks.length, () => 0)));
  return { experiments: items, trained: items.find((_, i) => (networks[i] ?? 0) > 0) };
}

/** Makes a model of a network that a finished experiment has trained. It stands inside the upload's form, so it has no form of its own. */
export function RegisterModel({ onRegistered }: { onRegistered: () => void }) {
  const [id, setId] = useState<number | null>(null);
  const [network, setNetwork] = useState<string | null>(null);
  const [typed, setTyped] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const finished = useLoaded("finished", newestFinished);
  const { experiments, trained } = finished.value ?? { experiments: [], trained: undefined };
  const experiment = experiments.find((e) => e.id === id) ?? trained ?? experiments[0];
  const losses = useLoaded(experiment === undefined ? null : String(experiment.id), (signal) => api.losses(experiment?.id ?? 0, signal));
  const networks = losses.value?.networks.map((n) => n.name) ?? [];
  const chosen = networks.find((n) => n === network) ?? networks[0];
  const name = typed ?? experiment?.name ?? "";
  const register = async () => {
    if (experiment === undefined || chosen === undefined) return;
    setBusy(true);
    setProblem(null);
    try {
      const response = await send("POST", "/models", { json: { name: name.trim(), experiment: experiment.id, network: chosen } });
      flow.chooseModel((await response.json()) as ModelInfo);
      onRegistered();
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  };
  if (finished.value === null) return <Status loaded={finished} />;
  if (experiment === undefined) return <p class="hint">No experiment has finished yet.</p>;
  return (
    <div class="register-fields" role="group" aria-label="Make a model of a finished experiment">
      <label class="field">
        Experiment
        <select value={experiment.id} onChange={(e) => setId(Number(e.currentTarget.value))}>
          {experiments.map((e) => <option key={e.id} value={e.id}>{e.name} · {e.id}</option>)}
        </select>
      </label>
      <Status loaded={losses} />
      {losses.value !== null && networks.length === 0 && <p class="hint">This experiment has trained no network.</p>}
      {chosen !== undefined && (
        <>
          <label class="field">
            Network
            <select value={chosen} onChange={(e) => setNetwork(e.currentTarget.value)}>
              {networks.map((n) => <option key={n} value={n}>{n}</option>)}
            </select>
          </label>
          <label class="field">
            Name of the model
            <input value={name} autoComplete="off" maxLength={64} aria-invalid={problem !== null} aria-describedby="register-refused" onInput={(e) => setTyped(e.currentTarget.value)} />
          </label>
          <button type="button" disabled={busy || name.trim() === ""} onClick={() => void register()}>Make the model</button>
        </>
      )}
      <div id="register-refused" role="alert">{problem !== null && <p class="upload-refused">{problem.message}</p>}</div>
    </div>
  );
}
