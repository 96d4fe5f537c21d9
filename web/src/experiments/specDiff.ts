// SPDX-License-Identifier: Apache-2.0
import type { Json } from "../api/types";

export interface SpecDifference {
  /** The field with its dots, as --set takes it: "training.learningRate". */
  readonly path: string;
  /** JSON; null where the spec has no such field. */
  readonly a: string | null;
  readonly b: string | null;
}

/** The settings in which two specs differ, in the order of the first; the name is none. */
export function specDifferences(a: Json, b: Json): readonly SpecDifference[] {
  const left = flatten(a);
  const right = flatten(b);
  const paths = new Set([...left.keys(), ...right.keys()]);
  paths.delete("name");
  return [...paths]
    .map((path) => ({ path, a: left.get(path) ?? null, b: right.get(path) ?? null }))
    .filter((d) => d.a !== d.b);
}

/** Fields by their paths. Arrays stay whole: a triple is one setting. */
export function flatten(json: Json, prefix = ""): Map<string, string> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return new Map([[prefix, canonical(json)]]);
  const all = new Map<string, string>();
  for (const [name, value] of Object.entries(json as Readonly<Record<string, Json>>)) {
    // null means "left out" in a spec.
    if (value === null) continue;
    for (const [path, text] of flatten(value, prefix === "" ? name : `${prefix}.${name}`)) all.set(path, text);
  }
  return all;
}

/** JSON that is the same for the same value, in whatever order an object's fields came. */
function canonical(json: Json): string {
  if (Array.isArray(json)) return `[${(json as readonly Json[]).map(canonical).join(", ")}]`;
  if (typeof json === "object" && json !== null) {
    const fields = Object.entries(json as Readonly<Record<string, Json>>).filter(([, v]) => v !== null).sort(([x], [y]) => (x < y ? -1 : 1));
    return `{${fields.map(([name, value]) => `${name}: ${canonical(value)}`).join(", ")}}`;
  }
  return JSON.stringify(json);
}
