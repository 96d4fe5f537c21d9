// SPDX-License-Identifier: Apache-2.0
import type { Views } from "../api/types";
import { Swatch } from "../app/parts";
import { isMeasured, lengthWords, type Look, type Space } from "./geometry";
import { regionsOf } from "./marks";
import { unlabelled } from "./scoring";
import { contains } from "../zarr/space";
import type { ReadVoxel } from "./stage";

/** The voxel under the crosshair in words: where it is and what each view holds there, read from the finest level. */
export function Readout({ views, look, voxels, space }: { views: Views; look: Look; voxels: readonly ReadVoxel[]; space: Space }) {
  const [z, y, x] = look.at;
  const regions = regionsOf(views);
  const nm = (axis: 0 | 1 | 2) => lengthWords(look.at[axis] * space.voxelSize[axis], space);
  return (
    <section class="readout" aria-label="Voxel under the crosshair" aria-live="polite">
      <p class="readout-place"><b>x</b> {x} <b>y</b> {y} <b>z</b> {z}</p>
      {isMeasured(space) && <p class="readout-nm">{nm(2)}, {nm(1)}, {nm(0)}</p>}
      <dl>
        {voxels.map((voxel) => (
          <div key={voxel.name}>
            <dt>{voxel.name}</dt>
            <dd><Value views={views} voxel={voxel} /></dd>
          </div>
        ))}
        {regions.length > 0 && <div><dt>Region</dt><dd>{regions.filter((r) => contains(r.box, look.at)).map((r) => r.name).join(", ") || "neither"}</dd></div>}
      </dl>
      {regions.length > 0 && (
        <p class="regions">
          {regions.map((r) => <span key={r.name}><i aria-hidden="true" style={{ color: r.colour }} />border of the {r.name} region</span>)}
        </p>
      )}
    </section>
  );
}

function Value({ views, voxel }: { views: Views; voxel: ReadVoxel }) {
  if (voxel.value === null) return <>{voxel.inside ? "…" : "–"}</>;
  if (!voxel.labels) return <>{voxel.value}</>;
  if (voxel.value === unlabelled) return <>not labelled</>;
  const found = views.classes.find((c) => c.id === voxel.value);
  return found === undefined ? <>{voxel.value}</> : <><Swatch colour={found.colour} />{found.name}</>;
}
