// SPDX-License-Identifier: Apache-2.0
import { api, sliceUrl } from "../api/client";
import { usePaged } from "../api/paging";
import type { VolumeInfo } from "../api/types";
import { bytes, shape, time } from "../app/format";
import { More } from "../app/more";
import { Empty, Title } from "../app/parts";
import { href } from "../app/router";
import { isMeasured } from "../slices/geometry";
import "./volumes.css";

/** Bytes of a volume's voxels, not compressed. */
export function voxelBytes(volume: Pick<VolumeInfo, "shape" | "type">): number {
  return volume.shape[0] * volume.shape[1] * volume.shape[2] * (volume.type === "uInt16" ? 2 : 1);
}

export function voxelSizeWords(volume: Pick<VolumeInfo, "voxelSize">): string {
  return isMeasured(volume) ? `${shape(volume.voxelSize)} nm` : "voxel size unknown";
}

export function VolumesPage() {
  const list = usePaged("volumes", (cursor, signal) => api.volumes({ cursor, limit: 50 }, signal), (v) => v.id);
  return (
    <>
      <Title text="Volumes" />
      {list.items.length > 0 && (
        <ul class="volumes">
          {list.items.map((v) => (
            <li key={v.id} class="panel">
              <a class="volume-picture" href={href(["volumes", v.name])} tabIndex={-1} aria-hidden="true">
                <img src={sliceUrl(v.name, Math.floor(v.shape[0] / 2), 320)} alt="" loading="lazy" width={320} height={200} />
              </a>
              <div>
                <h2><a href={href(["volumes", v.name])}>{v.name}</a></h2>
                <p>{shape(v.shape)} voxels · {v.type.toLowerCase()} · {bytes(voxelBytes(v))}</p>
                <p class="hint">{voxelSizeWords(v)} · {v.labels ? "labelled" : "not labelled"}</p>
                <p class="hint">{time(v.created)}{v.owner && ` · ${v.owner}`}</p>
              </div>
            </li>
          ))}
        </ul>
      )}
      {list.items.length === 0 && !list.loading && list.problem === null && (
        <Empty>There is no volume yet. <a href="#/">Upload one</a>, or register a folder that the silos can read with <code>POST /api/v1/volumes</code>.</Empty>
      )}
      <More list={list} what="volumes" />
    </>
  );
}
