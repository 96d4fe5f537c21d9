// SPDX-License-Identifier: Apache-2.0
import type { Problem } from "../api/problems";
import type { ModelInfo, Triple } from "../api/types";
import type { Stack } from "./stack";
import type { Step } from "./transfer";
import { Refusal } from "./zip";

export type FileState =
  | { readonly kind: "none" }
  | { readonly kind: "reading"; readonly name: string }
  | { readonly kind: "ready"; readonly stack: Stack };

export type Run =
  | { readonly kind: "idle" }
  /** progress stays what it was while a connection is broken. */
  | { readonly kind: "sending"; readonly step: Step | null; readonly progress: Progress | null }
  /** What has arrived is kept on the server, so that the same file can go on. */
  | { readonly kind: "stopped"; readonly upload: number; readonly progress: Progress }
  | { readonly kind: "segmenting"; readonly experiment: number; readonly name: string };

export type Progress = Extract<Step, { step: "sending" }>;
export type Place = "file" | "model" | "voxelSize";

/** Why something was not taken, and which field it stands beside. */
export interface Refused {
  readonly place: Place;
  readonly text: string;
  /** The server's name of the field at fault. */
  readonly field: string | null;
}

export interface UploadState {
  readonly file: FileState;
  readonly model: string | null;
  /** As typed, in nm: z, y, x. */
  readonly voxelSize: readonly [string, string, string];
  /** True once it was typed by hand: another model's does not take its place then. */
  readonly voxelSizeTyped: boolean;
  readonly refused: Refused | null;
  readonly run: Run;
}

export const first: UploadState = {
  file: { kind: "none" }, model: null, voxelSize: ["", "", ""], voxelSizeTyped: false, refused: null, run: { kind: "idle" },
};

export type Happening =
  | { readonly what: "reading"; readonly name: string }
  | { readonly what: "read"; readonly stack: Stack }
  | { readonly what: "model"; readonly name: string | null; readonly voxelSize: Triple | null }
  | { readonly what: "voxelSize"; readonly axis: number; readonly text: string }
  | { readonly what: "refused"; readonly refused: Refused }
  | { readonly what: "started" }
  | { readonly what: "step"; readonly step: Step }
  | { readonly what: "stopped"; readonly upload: number | null }
  | { readonly what: "discarded" }
  | { readonly what: "submitted"; readonly experiment: number; readonly name: string }
  | { readonly what: "again" };

export function next(state: UploadState, happening: Happening): UploadState {
  const { run } = state;
  switch (happening.what) {
    case "reading":
      return { ...state, file: { kind: "reading", name: happening.name }, refused: null, run: { kind: "idle" } };
    case "read":
      return { ...state, file: { kind: "ready", stack: happening.stack } };
    case "model":
      return {
        ...state, model: happening.name, refused: without(state.refused, "model"),
        voxelSize: state.voxelSizeTyped ? state.voxelSize : words(happening.voxelSize),
      };
    case "voxelSize":
      return {
        ...state, voxelSizeTyped: true, refused: without(state.refused, "voxelSize"),
        voxelSize: state.voxelSize.map((old, axis) => (axis === happening.axis ? happening.text : old)) as [string, string, string],
      };
    case "refused":
      return {
        ...state, refused: happening.refused, run: { kind: "idle" },
        // A file that cannot be read is none; one that only the server refused may be tried again with other settings.
        file: state.file.kind === "ready" ? state.file : { kind: "none" },
      };
    case "started":
      return { ...state, refused: null, run: { kind: "sending", step: null, progress: run.kind === "stopped" ? run.progress : null } };
    case "step": {
      if (run.kind !== "sending") return state;
      const { step } = happening;
      return { ...state, run: { kind: "sending", step, progress: step.step === "sending" ? step : run.progress } };
    }
    case "stopped": {
      if (run.kind !== "sending") return state;
      const kept = happening.upload !== null && run.progress !== null && run.progress.sent > 0;
      return { ...state, run: kept ? { kind: "stopped", upload: happening.upload, progress: run.progress } : { kind: "idle" } };
    }
    case "discarded":
      return { ...state, run: { kind: "idle" } };
    case "submitted":
      return { ...state, run: { kind: "segmenting", experiment: happening.experiment, name: happening.name } };
    case "again":
      return { ...first, model: state.model, voxelSize: state.voxelSize, voxelSizeTyped: state.voxelSizeTyped };
  }
}

const without = (refused: Refused | null, place: Place) => (refused?.place === place ? null : refused);
const words = (size: Triple | null): readonly [string, string, string] => (size === null ? ["", "", ""] : [String(size[0]), String(size[1]), String(size[2])]);

/** What the voxel size's fields say: null when all are empty, for the server then takes its own; a sentence when they cannot be. */
export function readVoxelSize(texts: readonly string[]): Triple | null | string {
  if (texts.every((t) => t.trim() === "")) return null;
  const size = texts.map((t) => (t.trim() === "" ? Number.NaN : Number(t.trim().replace(",", "."))));
  if (texts.some((t) => t.trim() === "")) return "Give the voxel size along all three axes, or along none.";
  if (size.some((n) => !Number.isFinite(n) || n <= 0)) return "A voxel's size is a number of nanometres above 0.";
  return size as unknown as Triple;
}

/** What keeps the start from being pressed; null when nothing does. */
export function missingToStart(state: UploadState): string | null {
  if (state.file.kind === "reading") return "The zip is being read.";
  if (state.file.kind === "none") return state.model === null ? "Choose a zip and a model first." : "Choose a zip first.";
  return state.model === null ? "Choose a model first." : null;
}

/** Beside which field a problem is told, in words of whoever uploads: where the server keeps the stack means nothing to them. */
export function refusedBy(error: Problem | Refusal, stack: Stack | null): Refused {
  if (error instanceof Refusal) return { place: "file", text: error.message, field: null };
  const at = error.field?.toLowerCase() ?? "";
  const text = stack === null ? error.message : error.message.replaceAll(new RegExp(`[^\\s"']*${stack.fingerprint}\\.zip`, "g"), stack.file.name);
  return { place: at.includes("voxelsize") ? "voxelSize" : at.includes("model") ? "model" : "file", text, field: error.field };
}

interface Card {
  readonly classes?: readonly { readonly name: string }[];
  readonly voxelSize?: Triple;
}

/** A model's voxel size; null where its card has none. 1 x 1 x 1 is what is written when nobody gave one. */
export function voxelSizeOf(model: ModelInfo | undefined): Triple | null {
  const size = (model?.card as Card | null | undefined)?.voxelSize;
  return Array.isArray(size) && size.length === 3 && size.some((n) => n !== 1) ? size : null;
}

export function classesOf(model: ModelInfo): readonly string[] {
  return ((model.card as Card | null | undefined)?.classes ?? []).map((c) => c.name);
}

const worthSaying = 1.5;

/** Why a model may not do well on voxels of this size; null when they are like those it has learnt from. */
export function scaleWarning(size: Triple | null, learnt: Triple | null): string | null {
  if (size === null || learnt === null) return null;
  const far = size.some((n, axis) => Math.max(n / (learnt[axis] as number), (learnt[axis] as number) / n) > worthSaying);
  return far ? `The model has learnt from voxels of ${learnt.join(" × ")} nm. At another scale it finds less.` : null;
}
