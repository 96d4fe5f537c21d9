// SPDX-License-Identifier: Apache-2.0
// The JSON of the HTTP API (docs/api.md), as contracts/ writes it: fields that are null there are missing here.

/** A triple in the order z, y, x. */
export type Triple = readonly [z: number, y: number, x: number];

export interface Box {
  readonly start: Triple;
  readonly shape: Triple;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string | null;
}

export type Role = "reader" | "submitter" | "operator";

/** Who is signed in. */
export interface Session {
  /** True when requests need a key. */
  readonly keys: boolean;
  readonly name?: string | null;
  /** Null when a key is needed and none was given. */
  readonly role?: Role | null;
  readonly version: string;
  /** Most bytes that the page uploads. */
  readonly uploadBytes: number;
  /** True when /neuroglancer/ is served. */
  readonly neuroglancer: boolean;
}

export type ExperimentState = "running" | "paused" | "succeeded" | "failed" | "cancelled";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [field: string]: Json };

export interface ExperimentInfo {
  readonly id: number;
  readonly name: string;
  readonly state: ExperimentState;
  readonly priority: number;
  readonly owner?: string | null;
  readonly campaign?: string | null;
  readonly parameters?: Readonly<Record<string, Json>> | null;
  readonly created: string;
  readonly ended?: string | null;
  readonly blocked?: string | null;
}

export type StageState = "waiting" | "ready" | "running" | "done" | "failed";

export interface StageProgress {
  readonly name: string;
  readonly kind: string;
  readonly state: StageState;
  readonly items: number;
  readonly done: number;
  readonly failed: number;
  readonly leased: number;
  readonly fraction: number;
  readonly itemsPerSecond?: number | null;
  readonly secondsLeft?: number | null;
  readonly blocked?: string | null;
  readonly started?: string | null;
  readonly ended?: string | null;
  /** Names of the stages it waits for. */
  readonly after?: readonly string[];
}

export interface RunningInfo {
  readonly stage: string;
  readonly index: number;
  readonly silo: string;
  readonly attempt: number;
  readonly fraction: number;
  readonly note?: string | null;
}

/** index -1 is the stage itself. */
export interface FailureInfo {
  readonly stage: string;
  readonly index: number;
  readonly failures: number;
  readonly deaths: number;
  readonly error: string;
}

export interface ExperimentProgress {
  readonly experiment: ExperimentInfo;
  readonly stages: readonly StageProgress[];
  readonly running: readonly RunningInfo[];
  readonly failures: readonly FailureInfo[];
}

export interface EventInfo {
  readonly id: number;
  readonly experiment: number;
  readonly at: string;
  readonly kind: string;
  readonly stage?: string | null;
  readonly text: string;
}

export interface ResultFile {
  /** Relative, with '/'; a folder such as "labels.zarr/" ends in '/'. */
  readonly path: string;
  readonly bytes: number;
}

export interface Losses {
  readonly networks: readonly NetworkLosses[];
}

export interface NetworkLosses {
  readonly name: string;
  readonly iterations: number;
  readonly done: number;
  /** Means over equal spans of the iterations done. */
  readonly losses: readonly number[];
}

export interface ClassEntry {
  readonly id: number;
  readonly name: string;
  readonly show?: string | null;
}

export interface ClassScore {
  readonly id: number;
  readonly name: string;
  readonly shareTrain?: number | null;
  readonly shareTest?: number | null;
  readonly threshold: number;
  readonly precision?: number | null;
  readonly recall?: number | null;
  readonly f1?: number | null;
  readonly trainF1?: number | null;
  readonly floor?: number | null;
  /** F1 on the test region at the thresholds 0..255. */
  readonly curve: readonly (number | null)[];
  readonly trainCurve: readonly (number | null)[];
}

export interface PredictionScore {
  readonly name: string;
  readonly classes: readonly ClassScore[];
  /** Voxels of the test region: rows are true classes, columns called ones. */
  readonly confusion?: readonly (readonly number[])[] | null;
  readonly meanF1?: number | null;
}

export interface PublishedColumn {
  readonly prediction: string;
  readonly source: string;
  readonly f1: readonly (number | null)[];
}

export interface Fidelity {
  /** dB. */
  readonly psnr?: number | null;
  readonly ssim?: number | null;
}

export interface SectionImages {
  readonly section: number;
  readonly lr: Fidelity;
  readonly boosted: Fidelity;
  readonly iterations: number;
  readonly fellBack?: boolean;
}

export interface ImageScores {
  readonly scale: Json;
  readonly degraded: Json;
  readonly noise: number;
  readonly learnt: Json;
  readonly sections: readonly SectionImages[];
  readonly lr: Fidelity;
  readonly boosted: Fidelity;
}

export interface ScoreReport {
  readonly name: string;
  readonly preset?: string | null;
  readonly classes: readonly ClassEntry[];
  readonly regions: { readonly train: readonly Box[]; readonly test: readonly Box[] };
  readonly predictions: readonly PredictionScore[];
  readonly published?: readonly PublishedColumn[] | null;
  readonly images?: ImageScores | null;
}

export interface CampaignRow {
  readonly parameters: Readonly<Record<string, Json>>;
  readonly prediction: string;
  readonly class: string;
  readonly runs: number;
  readonly mean?: number | null;
  readonly std?: number | null;
  readonly min?: number | null;
  readonly max?: number | null;
  readonly published?: number | null;
}

export interface CampaignInfo {
  readonly id: number;
  readonly name: string;
  readonly fields: readonly string[];
  readonly repeats: number;
  readonly submitted?: Json;
  readonly owner?: string | null;
  readonly created: string;
  readonly table?: readonly CampaignRow[];
  readonly experiments?: readonly ExperimentInfo[];
}

export interface DeviceInfo {
  readonly name: string;
  readonly slots: number;
  readonly threads: number;
  readonly memoryBytes: number;
}

export interface SiloItem {
  readonly experiment: number;
  readonly stage: string;
  readonly index: number;
  readonly device: string;
  readonly fraction: number;
  readonly note?: string | null;
}

export interface SiloInfo {
  readonly name: string;
  readonly url?: string | null;
  readonly machine: string;
  readonly version: string;
  readonly alive: boolean;
  readonly started: string;
  readonly lastSeen: string;
  readonly devices: readonly DeviceInfo[];
  readonly tags: readonly string[];
  readonly status: {
    readonly draining: boolean;
    readonly itemsDone: number;
    readonly itemsPerSecond: number;
    readonly memoryBytes: number;
    readonly running: readonly SiloItem[];
  };
}

export interface VolumeInfo {
  readonly id: number;
  readonly name: string;
  readonly raw: string;
  readonly labels?: string | null;
  readonly classes?: string | null;
  readonly shape: Triple;
  readonly type: "uInt8" | "uInt16";
  readonly voxelSize: Triple;
  readonly owner?: string | null;
  readonly created: string;
}

export interface VolumeStatistics {
  readonly mean: number;
  readonly std: number;
  readonly min: number;
  readonly max: number;
  /** Voxels per grey level, or per 256 levels of uint16. */
  readonly histogram: readonly number[];
  /** Sections that were read. */
  readonly slices: number;
}

export interface ModelInfo {
  readonly id: number;
  readonly name: string;
  readonly path: string;
  readonly sha256: string;
  readonly card?: Json;
  readonly experiment?: number | null;
  readonly owner?: string | null;
  readonly created: string;
}

export interface UploadedFile {
  readonly path: string;
  readonly bytes: number;
  readonly received: number;
}

export interface UploadInfo {
  readonly id: number;
  readonly name: string;
  readonly slabBytes: number;
  readonly files: readonly UploadedFile[];
  readonly complete: boolean;
}

export interface ViewLevel {
  readonly path: string;
  readonly shape: Triple;
  readonly voxelSize: Triple;
  readonly chunk: Triple;
}

export interface ViewInfo {
  readonly name: string;
  readonly kind: "image" | "labels" | "probabilities";
  readonly prediction?: string | null;
  /** Path of its OME-Zarr on this server. */
  readonly url: string;
  /** Where its voxel 0 lies in the experiment's volume. */
  readonly start: Triple;
  readonly type: string;
  readonly channels: number;
  readonly levels: readonly ViewLevel[];
  readonly ready: boolean;
}

export interface ViewClass {
  readonly id: number;
  readonly name: string;
  readonly colour: string;
}

export interface Views {
  readonly shape: Triple;
  readonly voxelSize: Triple;
  readonly classes: readonly ViewClass[];
  readonly train?: Box | null;
  readonly test?: Box | null;
  readonly views: readonly ViewInfo[];
}

/** Voxels at each of the 256 levels of the class's output; yes = of the class. */
export interface LevelCounts {
  readonly yes: readonly number[];
  readonly no: readonly number[];
}

export interface ClassCounts {
  readonly classes: readonly { readonly id: number; readonly train: LevelCounts; readonly test: LevelCounts }[];
}
