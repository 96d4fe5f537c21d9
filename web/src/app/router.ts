// SPDX-License-Identifier: Apache-2.0
import { makeStore, useStore } from "./store";

export const experimentTabs = ["overview", "scores", "slices", "3d", "files"] as const;
export type ExperimentTab = (typeof experimentTabs)[number];
export const volumeTabs = ["overview", "slices", "3d"] as const;
export type VolumeTab = (typeof volumeTabs)[number];

export type Route =
  | { readonly page: "home" }
  | { readonly page: "experiments" }
  | { readonly page: "experiment"; readonly id: number; readonly tab: ExperimentTab }
  | { readonly page: "compare" }
  | { readonly page: "campaigns" }
  | { readonly page: "campaign"; readonly name: string }
  | { readonly page: "volumes" }
  | { readonly page: "volume"; readonly name: string; readonly tab: VolumeTab }
  | { readonly page: "cluster" }
  | { readonly page: "nowhere"; readonly path: string };

export interface Place {
  readonly route: Route;
  readonly query: URLSearchParams;
}

/** What an address's hash, as "#/experiments/3/scores?class=2", leads to. */
export function parseHash(hash: string): Place {
  const text = hash.replace(/^#/, "");
  const mark = text.indexOf("?");
  const path = mark < 0 ? text : text.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? "" : text.slice(mark + 1));
  return { route: parsePath(path), query };
}

function parsePath(path: string): Route {
  const nowhere: Route = { page: "nowhere", path };
  let parts: string[];
  try {
    parts = path.split("/").filter((p) => p !== "").map(decodeURIComponent);
  } catch {
    return nowhere;
  }
  const [first, second, third] = parts;
  if (parts.length > 3) return nowhere;
  switch (first) {
    case undefined:
      return { page: "home" };
    case "experiments": {
      if (second === undefined) return { page: "experiments" };
      const tab = (third ?? "overview") as ExperimentTab;
      if (!/^[1-9]\d{0,14}$/.test(second) || !experimentTabs.includes(tab)) return nowhere;
      return { page: "experiment", id: Number(second), tab };
    }
    case "volumes": {
      if (second === undefined) return { page: "volumes" };
      const tab = (third ?? "overview") as VolumeTab;
      return volumeTabs.includes(tab) ? { page: "volume", name: second, tab } : nowhere;
    }
    case "campaigns":
      if (third !== undefined) return nowhere;
      return second === undefined ? { page: "campaigns" } : { page: "campaign", name: second };
    case "compare":
      return second === undefined ? { page: "compare" } : nowhere;
    case "cluster":
      return second === undefined ? { page: "cluster" } : nowhere;
    default:
      return nowhere;
  }
}

type Query = Readonly<Record<string, string | number | null | undefined>>;

/** The address of a place: href(["experiments", 3, "scores"], { class: 2 }). */
export function href(parts: readonly (string | number)[], query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  const path = `#/${parts.map((p) => encodeURIComponent(p)).join("/")}`;
  return search.size === 0 ? path : `${path}?${search}`;
}

const hasWindow = typeof window !== "undefined";
export const placeStore = makeStore<Place>(parseHash(hasWindow ? window.location.hash : ""));
if (hasWindow) window.addEventListener("hashchange", () => placeStore.set(parseHash(window.location.hash)));

export function usePlace(): Place {
  return useStore(placeStore);
}

export function go(to: string): void {
  window.location.hash = to;
}

/** Changes some of the address's query, as a filter does, without a step in the history. */
export function setQuery(change: Query): void {
  const { hash } = window.location;
  const mark = hash.indexOf("?");
  const search = new URLSearchParams(mark < 0 ? "" : hash.slice(mark + 1));
  for (const [name, value] of Object.entries(change)) {
    if (value === null || value === undefined || value === "") search.delete(name);
    else search.set(name, String(value));
  }
  const path = (mark < 0 ? hash : hash.slice(0, mark)) || "#/";
  window.history.replaceState(null, "", search.size === 0 ? path : `${path}?${search}`);
  placeStore.set(parseHash(window.location.hash));
}
