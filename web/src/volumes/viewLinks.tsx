// SPDX-License-Identifier: Apache-2.0
import type { ViewInfo, Views } from "../api/types";
import { Copyable } from "../app/parts";
import { neuroglancerLink } from "../neuroglancer/link";

export type Tool = "napari" | "python";

/** The lines that open a view in other programs. */
export function viewLines(view: Pick<ViewInfo, "url" | "levels">, origin: string): Readonly<Record<Tool, string>> {
  const url = origin + view.url;
  return {
    napari: `napari --plugin napari-ome-zarr ${url}`,
    python: `import zarr; volume = zarr.open("${url}/${view.levels[0]?.path ?? "s0"}", mode="r")`,
  };
}

export function ViewLinks({ view, tool }: { view: ViewInfo; tool: Tool }) {
  return <Copyable label={tool === "napari" ? "napari" : "Python"} text={viewLines(view, window.location.origin)[tool]} />;
}

/** Opens Neuroglancer, as this server has it, on all views. */
export function NeuroglancerLink({ views }: { views: Views }) {
  return <a class="button" href={neuroglancerLink(views, window.location.origin)} target="_blank" rel="noopener">Open in Neuroglancer</a>;
}
