// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { api, reportUrl, resultUrl, root } from "../api/client";
import { useLoaded } from "../api/loading";
import { usePaged } from "../api/paging";
import type { ExperimentInfo } from "../api/types";
import { bytes, shape } from "../app/format";
import { More } from "../app/more";
import { Choice, Empty, Panel, Status } from "../app/parts";
import { sessionStore } from "../app/session";
import { useStore } from "../app/store";
import { NeuroglancerLink, ViewLinks } from "../volumes/viewLinks";

const texts: Readonly<Record<string, string>> = {
  "scores.csv": "F1, precision, recall and thresholds by class",
  "confusion.csv": "Confusion matrices",
  "report.html": "The report",
  "scores.json": "All scores with their curves",
  "provenance.json": "What made these results: versions, spec, seeds",
};

/** What can be taken away: tables, report, models, spec, and the volumes as OME-Zarr. */
export function FilesTab({ experiment }: { experiment: ExperimentInfo }) {
  const { id } = experiment;
  const { session } = useStore(sessionStore);
  const views = useLoaded(`${id}/${experiment.state}`, (signal) => api.views(id, signal));
  const list = usePaged(`${id}/${experiment.state}`, (cursor, signal) => api.results(id, { cursor }, signal), () => 0);
  const files = list.items.filter((f) => !f.path.endsWith("/"));
  const [script, setScript] = useState<"napari" | "python">("napari");
  const hasReport = files.some((f) => f.path === "report.html");
  return (
    <div class="grid">
      <div class="half stack">
        <Panel title="Files">
          <ul class="files">
            {hasReport && <li><a href={reportUrl(id)} target="_blank" rel="noopener">Report</a><span class="hint">one page with all figures, opens in a new tab</span></li>}
            <li><a href={`${root}/experiments/${id}/spec`} download={`${experiment.name}.spec.json`}>Spec</a><span class="hint">all settings, names and paths resolved</span></li>
          </ul>
          {files.length > 0 && (
            <div class="scroll">
              <table>
                <caption class="unseen">Files of the results</caption>
                <thead><tr><th scope="col">File</th><th scope="col">What</th><th scope="col" class="number">Size</th></tr></thead>
                <tbody>
                  {files.map((f) => (
                    <tr key={f.path}>
                      <th scope="row"><a href={resultUrl(id, f.path)} download={f.path.split("/").pop()}>{f.path}</a></th>
                      <td class="hint">{texts[f.path] ?? (f.path.endsWith(".safetensors") ? "Network with its settings" : "")}</td>
                      <td class="number">{bytes(f.bytes)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
          {files.length === 0 && !list.loading && list.problem === null && <Empty>No results yet.</Empty>}
          {(list.more || list.problem !== null || list.loading) && <More list={list} what="files" />}
        </Panel>
      </div>
      <div class="half stack files-zarr">
        <Panel title="Volumes as OME-Zarr" aside={<Choice label="Lines for" value={script} options={[["napari", "napari"], ["python", "Python"]]} onChange={setScript} />}>
          <Status loaded={views} />
          {views.value !== null && (
            <>
              {views.value.views.map((v) => (
                <div key={v.name} class="zarr">
                  <h3>{v.name}{v.prediction && v.name !== v.prediction && <> · {v.prediction}</>} <span class="hint">{v.kind}, {v.type}{v.channels > 1 && `, ${v.channels} channels`}, {shape(v.levels[0]?.shape ?? [])}{v.levels.length > 1 && `, ${v.levels.length} levels`}{!v.ready && ", not complete yet"}</span></h3>
                  <ViewLinks view={v} tool={script} />
                </div>
              ))}
              {views.value.views.length === 0 && <Empty>No volume yet.</Empty>}
              {session?.neuroglancer && views.value.views.length > 0 && <NeuroglancerLink views={views.value} />}
              {session?.keys && <p class="hint">Other programs need a key: a header <code>Authorization: Bearer tvx_…</code>.</p>}
            </>
          )}
        </Panel>
      </div>
    </div>
  );
}
