// SPDX-License-Identifier: Apache-2.0
import { asProblem, readProblem } from "./problems";
import type {
  CampaignInfo, ClassCounts, EventInfo, ExperimentInfo, ExperimentProgress, Json, Losses, ModelInfo, Page, ResultFile, ScoreReport,
  Session, SiloInfo, Triple, UploadedFile, UploadInfo, Views, VolumeInfo, VolumeStatistics,
} from "./types";

export const root = "/api/v1";

type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;

interface Sending {
  readonly query?: Query | undefined;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly bytes?: Blob | ArrayBuffer | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

let unauthorised: () => void = () => undefined;

/** Called at every 401, from wherever in the page the request came. */
export function whenUnauthorised(call: () => void): void {
  unauthorised = call;
}

export function withQuery(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** Sends a request under /api/v1; what is no success is thrown as a Problem. */
export async function send(method: string, path: string, sending: Sending = {}): Promise<Response> {
  const headers = new Headers(sending.headers);
  headers.set("Accept", headers.get("Accept") ?? "application/json");
  // The cookie alone does not write: another site's form can bring the cookie but not this header.
  if (method !== "GET") headers.set("X-Teravox", "page");
  let body: BodyInit | null = null;
  if (sending.json !== undefined) {
    headers.set("Content-Type", "application/json");
    body = JSON.stringify(sending.json);
  } else if (sending.bytes !== undefined) {
    headers.set("Content-Type", "application/octet-stream");
    body = sending.bytes;
  }
  let response: Response;
  try {
    response = await fetch(withQuery(root + path, sending.query), {
      method, headers, body, signal: sending.signal ?? null, credentials: "same-origin",
    });
  } catch (error) {
    throw asProblem(error);
  }
  if (response.ok) return response;
  const problem = await readProblem(response);
  if (problem.status === 401 && path !== "/session") unauthorised();
  throw problem;
}

async function json<T>(method: string, path: string, sending?: Sending): Promise<T> {
  const response = await send(method, path, sending);
  try {
    return (await response.json()) as T;
  } catch (error) {
    throw asProblem(error);
  }
}

const part = encodeURIComponent;
/** A relative path with its '/' kept. */
export const pathOf = (path: string): string => path.split("/").map(part).join("/");

type Signal = AbortSignal | undefined;
export type Steering = "pause" | "resume" | "cancel" | "retry";

export const api = {
  session: (signal?: Signal) => json<Session>("GET", "/session", { signal }),
  signIn: async (key: string) => void (await send("POST", "/session", { json: { key } })),
  signOut: async () => void (await send("DELETE", "/session")),

  experiments: (query: { state?: string; campaign?: string; owner?: string; limit?: number; cursor?: string | null }, signal?: Signal) =>
    json<Page<ExperimentInfo>>("GET", "/experiments", { query, signal }),
  experiment: (id: number, signal?: Signal) => json<ExperimentInfo>("GET", `/experiments/${id}`, { signal }),
  progress: (id: number, signal?: Signal) => json<ExperimentProgress>("GET", `/experiments/${id}/progress`, { signal }),
  spec: (id: number, signal?: Signal) => json<Json>("GET", `/experiments/${id}/spec`, { signal }),
  scores: (id: number, signal?: Signal) => json<ScoreReport>("GET", `/experiments/${id}/scores`, { signal }),
  losses: (id: number, signal?: Signal) => json<Losses>("GET", `/experiments/${id}/losses`, { signal }),
  views: (id: number, signal?: Signal) => json<Views>("GET", `/experiments/${id}/views`, { signal }),
  counts: (id: number, prediction: string, signal?: Signal) =>
    json<ClassCounts>("GET", `/experiments/${id}/counts/${part(prediction)}`, { signal }),
  events: (id: number, after: number, signal?: Signal) =>
    json<readonly EventInfo[]>("GET", `/experiments/${id}/events`, { query: { after, limit: 1000 }, signal }),
  results: (id: number, query: { cursor?: string | null; under?: string; limit?: number }, signal?: Signal) =>
    json<Page<ResultFile>>("GET", `/experiments/${id}/results`, { query: { limit: 1000, ...query }, signal }),
  /** Lets an experiment be steered; the answer is what it became. */
  steer: (id: number, how: Steering) => json<ExperimentInfo>("POST", `/experiments/${id}/${how}`),
  /** The same key with the same spec makes one experiment however often it is sent. */
  submit: (spec: Json, idempotencyKey: string) =>
    json<ExperimentInfo>("POST", "/experiments", { json: { spec }, headers: { "Idempotency-Key": idempotencyKey } }),

  campaigns: (query: { limit?: number; cursor?: string | null }, signal?: Signal) => json<Page<CampaignInfo>>("GET", "/campaigns", { query, signal }),
  campaign: (name: string, signal?: Signal) => json<CampaignInfo>("GET", `/campaigns/${part(name)}`, { signal }),

  silos: (signal?: Signal) => json<readonly SiloInfo[]>("GET", "/silos", { signal }),

  volumes: (query: { limit?: number; cursor?: string | null }, signal?: Signal) => json<Page<VolumeInfo>>("GET", "/volumes", { query, signal }),
  volume: (name: string, signal?: Signal) => json<VolumeInfo>("GET", `/volumes/${part(name)}`, { signal }),
  statistics: (name: string, signal?: Signal) => json<VolumeStatistics>("GET", `/volumes/${part(name)}/statistics`, { signal }),
  volumeViews: (name: string, signal?: Signal) => json<Views>("GET", `/volumes/${part(name)}/views`, { signal }),

  models: (query: { limit?: number; cursor?: string | null }, signal?: Signal) => json<Page<ModelInfo>>("GET", "/models", { query, signal }),

  beginUpload: (upload: { name: string; files: readonly { path: string; bytes: number }[]; voxelSize?: Triple }, signal?: Signal) =>
    json<UploadInfo>("POST", "/uploads", { json: upload, signal }),
  upload: (id: number, signal?: Signal) => json<UploadInfo>("GET", `/uploads/${id}`, { signal }),
  putSlab: (id: number, path: string, offset: number, bytes: Blob, signal?: Signal) =>
    json<UploadedFile>("PUT", `/uploads/${id}/files/${pathOf(path)}`, { query: { offset }, bytes, signal }),
  completeUpload: (id: number, signal?: Signal) => json<VolumeInfo>("POST", `/uploads/${id}/complete`, { signal }),
  removeUpload: async (id: number) => void (await send("DELETE", `/uploads/${id}`)),
} as const;

/** Where a file of an experiment's results is. */
export const resultUrl = (id: number, path: string): string => `${root}/experiments/${id}/results/${pathOf(path)}`;
export const reportUrl = (id: number): string => `${root}/experiments/${id}/report`;
export const campaignCsvUrl = (name: string): string => `${root}/campaigns/${part(name)}/table.csv`;
export const sliceUrl = (volume: string, z: number, longest: number, labels = false): string =>
  withQuery(`${root}/volumes/${part(volume)}/slices/${z}.png`, { max: longest, labels: labels || null });
