// SPDX-License-Identifier: Apache-2.0
// The address that opens Neuroglancer, as silos serve it at /neuroglancer/, on an experiment's or a volume's views.

type Triple = readonly [z: number, y: number, x: number];

/** What is needed of the answer to GET .../views: shapes in voxels, voxel sizes in nm. */
export interface ShownViews {
  readonly shape: Triple;
  readonly voxelSize: Triple;
  readonly classes: readonly { readonly id: number; readonly colour: string }[];
  readonly views: readonly ShownView[];
}

export interface ShownView {
  readonly name: string;
  readonly kind: "image" | "labels" | "probabilities";
  readonly prediction?: string | null;
  /** Path of its OME-Zarr on the server. */
  readonly url: string;
}

// Pixels that the volume's longest side gets in a panel: four panels of this size fit a laptop's screen.
const panel = 400;
// Neuroglancer's projectionScale is what the 3D panel is high; a cube seen from a corner is √3 sides high.
const diagonal = 1.8;

/**
 * Makes `/neuroglancer/#!...`: the image below, each labels view as a segmentation layer of its own in the classes' colours, the middle of
 * the volume in view. Probabilities are left out: a layer would show one class.
 * @param origin where the views are served, as `location.origin` has it: Neuroglancer takes absolute addresses only.
 */
export function neuroglancerLink(views: ShownViews, origin: string): string {
  return `/neuroglancer/#!${encodeURIComponent(JSON.stringify(neuroglancerState(views, origin)))}`;
}

/** The state behind {@link neuroglancerLink}, in Neuroglancer's own terms. */
export function neuroglancerState(views: ShownViews, origin: string) {
  const [nz, ny, nx] = views.shape;
  const [sz, sy, sx] = views.voxelSize;
  // Neuroglancer measures both scales in voxels as wide as the finest side of one.
  const longest = Math.max(nz * sz, ny * sy, nx * sx) / Math.min(sz, sy, sx);
  const images = views.views.filter((view) => view.kind === "image");
  const labels = views.views.filter((view) => view.kind === "labels");
  const image = images.find((view) => view.name === "raw") ?? images[0];
  // Overlays hide each other, so that one is on at first: what was predicted, or else the truth.
  const overlay = labels.find((view) => view.prediction) ?? labels[0];
  return {
    dimensions: { x: [metres(sx), "m"], y: [metres(sy), "m"], z: [metres(sz), "m"] },
    position: [nx / 2, ny / 2, nz / 2],
    crossSectionScale: longest / panel,
    projectionScale: longest * diagonal,
    layers: [
      ...images.map((view) => ({ type: "image", name: view.name, source: source(view, origin), opacity: 1, visible: view === image })),
      ...labels.map((view) => ({
        type: "segmentation",
        name: view.name,
        source: source(view, origin),
        // Class 0 is the rest: Neuroglancer leaves segment 0 clear, so that the image shows.
        segments: views.classes.filter(({ id }) => id !== 0).map(({ id }) => String(id)),
        segmentColors: Object.fromEntries(views.classes.map(({ id, colour }) => [String(id), colour])),
        visible: view === overlay,
      })),
    ],
    layout: "4panel",
  };
}

// With zarr:// Neuroglancer would ask for version 3's files too, which are never there.
function source(view: ShownView, origin: string): string {
  return `zarr2://${origin}${view.url}`;
}

// 1.1 nm times 1e-9 is 1.1000000000000001e-9; read from decimal digits it stays what was written.
function metres(nanometres: number): number {
  return Number((nanometres * 1e-9).toPrecision(15));
}
