// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { api, sliceUrl } from "../api/client";
import { useLoaded } from "../api/loading";
import type { VolumeInfo } from "../api/types";
import { bytes, figure, shape, time } from "../app/format";
import { lazy } from "../app/lazy";
import { Gone, Panel, Status, Tabs, Title } from "../app/parts";
import { href, volumeTabs, type VolumeTab } from "../app/router";
import { sessionStore } from "../app/session";
import { Slider } from "../app/slider";
import { useStore } from "../app/store";
import { Histogram } from "../charts/histogram";
import { NeuroglancerLink, ViewLinks } from "./viewLinks";
import { voxelBytes, voxelSizeWords } from "./volumes";
import "./volumes.css";

const SlicesView = lazy(() => import("../slices/slicesView"));
const VolumeView = lazy(() => import("../volume3d/volumeView"));

const tabTexts: Readonly<Record<VolumeTab, string>> = { overview: "Overview", slices: "Slices", "3d": "3D" };

export function VolumePage({ name, tab }: { name: string; tab: VolumeTab }) {
  const loaded = useLoaded(name, (signal) => api.volume(name, signal));
  if (loaded.value === null && loaded.problem?.status === 404) return <Gone what={`volume ${name}`}><a href={href(["volumes"])}>Go to the volumes.</a></Gone>;
  return (
    <>
      <Title text={name} />
      <Tabs label="Parts of the volume" tabs={volumeTabs.map((t) => [t, tabTexts[t], href(["volumes", name, ...(t === "overview" ? [] : [t])])] as const)} current={tab} />
      {tab === "overview" && <Status loaded={loaded} />}
      {tab === "overview" && loaded.value !== null && <Overview volume={loaded.value} />}
      {tab === "slices" && <SlicesView source={{ kind: "volume", name }} />}
      {tab === "3d" && <VolumeView source={{ kind: "volume", name }} />}
    </>
  );
}

function Overview({ volume }: { volume: VolumeInfo }) {
  const statistics = useLoaded(volume.name, (signal) => api.statistics(volume.name, signal));
  const views = useLoaded(volume.name, (signal) => api.volumeViews(volume.name, signal));
  const { session } = useStore(sessionStore);
  const s = statistics.value;
  return (
    <div class="grid">
      <div class="half"><SectionPanel volume={volume} /></div>
      <div class="half stack">
        <Panel title="Volume">
          <dl class="pairs">
            <dt>Shape (z, y, x)</dt><dd>{shape(volume.shape)} voxels, {bytes(voxelBytes(volume))}</dd>
            <dt>Voxel size (z, y, x)</dt><dd>{voxelSizeWords(volume)}</dd>
            <dt>Type</dt><dd>{volume.type.toLowerCase()}</dd>
            <dt>Raw</dt><dd><code>{volume.raw}</code></dd>
            <dt>Labels</dt><dd>{volume.labels ? <code>{volume.labels}</code> : "none"}</dd>
            <dt>Registered</dt><dd>{time(volume.created)}{volume.owner && ` by ${volume.owner}`}</dd>
          </dl>
        </Panel>
        <Panel title="Grey levels" aside={s !== null && s.slices < volume.shape[0] ? `from ${s.slices} sections` : undefined}>
          {s === null ? <Status loaded={statistics} /> : (
            <>
              <Histogram counts={s.histogram} label={`Histogram of grey levels from ${s.min} to ${s.max}`} />
              <div class="histogram-axis" aria-hidden="true"><span>0</span><span>{s.histogram.length * (volume.type === "uInt16" ? 256 : 1) - 1}</span></div>
              <div class="facts"><span>mean <b>{figure(s.mean)}</b></span><span>standard deviation <b>{figure(s.std)}</b></span><span>from <b>{s.min}</b> to <b>{s.max}</b></span></div>
            </>
          )}
        </Panel>
        <Panel title="Open elsewhere">
          <Status loaded={views} />
          {views.value?.views.map((v) => (
            <div key={v.name} class="zarr">
              <h3>{v.name}</h3>
              <ViewLinks view={v} tool="napari" />
              <ViewLinks view={v} tool="python" />
            </div>
          ))}
          {session?.neuroglancer && (views.value?.views.length ?? 0) > 0 && views.value !== null && <NeuroglancerLink views={views.value} />}
        </Panel>
      </div>
    </div>
  );
}

function SectionPanel({ volume }: { volume: VolumeInfo }) {
  const last = volume.shape[0] - 1;
  const [z, setZ] = useState(Math.floor(last / 2));
  const [labels, setLabels] = useState(false);
  return (
    <Panel title="Section" aside={volume.labels && volume.classes ? (
      <label><input type="checkbox" checked={labels} onChange={(e) => setLabels(e.currentTarget.checked)} /> labels</label>
    ) : undefined}>
      <img class="section" src={sliceUrl(volume.name, z, 1024, labels)} alt={`Section ${z} of ${volume.name}${labels ? ", labels" : ""}`} />
      <Slider label="z" min={0} max={last} value={z} unit={` / ${last}`} onInput={setZ} />
    </Panel>
  );
}
