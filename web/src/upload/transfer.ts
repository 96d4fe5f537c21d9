// SPDX-License-Identifier: Apache-2.0
import type { api } from "../api/client";
import { reconnectDelay } from "../api/events";
import { asProblem, isAbort, type Problem } from "../api/problems";
import type { ExperimentInfo, Triple, UploadInfo, VolumeInfo } from "../api/types";
import { Rate } from "./rate";
import { Refusal } from "./zip";

export type TransferApi = Pick<typeof api, "beginUpload" | "upload" | "putSlab" | "completeUpload" | "volume" | "submit">;

/** Where an upload stands. */
export type Step =
  | { readonly step: "sending"; readonly sent: number; readonly all: number; /** Bytes that had arrived before. */ readonly resumed: number; readonly bytesPerSecond: number | null; readonly secondsLeft: number | null }
  | { readonly step: "checking" }
  | { readonly step: "submitting" }
  /** Nothing is lost: it goes on by itself after the next try that comes through. */
  | { readonly step: "broken"; readonly problem: Problem; readonly seconds: number };

export interface TransferOptions {
  readonly api: TransferApi;
  readonly file: Blob;
  readonly name: string;
  readonly fingerprint: string;
  readonly voxelSize: Triple | null;
  readonly model: string;
  /** The volume that an earlier try made of the same file. */
  readonly made: VolumeInfo | null;
  readonly signal: AbortSignal;
  readonly onStep: (step: Step) => void;
  /** The upload's number, once there is one, for taking it back. */
  readonly onUpload: (id: number) => void;
  readonly onVolume: (volume: VolumeInfo) => void;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** ms. */
  readonly now: () => number;
  readonly random: () => number;
}

const smallestSlab = 256 * 1024;
const firstSlab = 1024 * 1024;
const mostNames = 100;

/** Sends a stack, has it made a volume, and submits its segmentation. Goes on where an earlier try of the same file ended. */
export async function transfer(options: TransferOptions): Promise<{ readonly volume: VolumeInfo; readonly experiment: ExperimentInfo }> {
  const volume = options.made ?? (await sendVolume(options));
  options.onVolume(volume);
  options.onStep({ step: "submitting" });
  const { api: server, model } = options;
  const spec = { name: volume.name, preset: "segment", data: { volume: volume.name }, model: `model:${model}` };
  // Of this volume and model there is one experiment, however often a broken connection makes us ask.
  const experiment = await persist(options, () => server.submit(spec, `page-${volume.id}-${model}`));
  return { volume, experiment };
}

async function sendVolume(options: TransferOptions): Promise<VolumeInfo> {
  const { signal, onStep } = options;
  for (;;) {
    const upload = await begin(options);
    options.onUpload(upload.id);
    try {
      for (let received = arrived(upload); ; ) {
        await sendSlabs(options, upload, received);
        onStep({ step: "checking" });
        try {
          return await persist(options, () => complete(options, upload));
        } catch (error) {
          const missing = isAbort(error) ? null : receivedOf(asProblem(error));
          if (missing === null) throw error;
          received = missing;
        }
      }
    } catch (error) {
      // The upload was taken away, by its owner on another page or after a week: begin it again.
      if (isAbort(error) || signal.aborted || asProblem(error).status !== 404) throw error;
    }
  }
}

/** Announces the file; under the next free name where another volume, or another file's upload, has the name. */
async function begin(options: TransferOptions): Promise<UploadInfo> {
  const { api: server, file, fingerprint, voxelSize, signal } = options;
  for (let number = 1; ; number++) {
    const name = number === 1 ? options.name : `${options.name}-${number}`;
    try {
      // The path tells files of one name apart: another file's upload is never gone on with.
      const files = [{ path: `raw/${fingerprint}.zip`, bytes: file.size }];
      return await persist(options, () => server.beginUpload({ name, files, ...(voxelSize === null ? {} : { voxelSize }) }, signal));
    } catch (error) {
      if (isAbort(error)) throw error;
      const problem = asProblem(error);
      if (problem.status !== 409 || problem.field !== "name" || number === mostNames) throw problem;
    }
  }
}

async function sendSlabs(options: TransferOptions, upload: UploadInfo, from: number): Promise<void> {
  const { api: server, file, fingerprint, signal, onStep, now } = options;
  const rate = new Rate(from, now());
  let received = from;
  let size = Math.min(firstSlab, upload.slabBytes);
  const tell = () => {
    const bytesPerSecond = rate.perSecond(now());
    onStep({
      step: "sending", sent: received, all: file.size, resumed: from, bytesPerSecond,
      secondsLeft: bytesPerSecond === null ? null : (file.size - received) / bytesPerSecond,
    });
  };
  tell();
  while (received < file.size) {
    const started = now();
    let broke = false;
    received = await persist(options, async () => {
      // After a break some of the slab may have arrived, or all of it with its answer lost.
      if (broke) received = arrived(await server.upload(upload.id, signal));
      if (received >= file.size) return received;
      broke = true;
      try {
        return (await server.putSlab(upload.id, `raw/${fingerprint}.zip`, received, file.slice(received, received + size), signal)).received;
      } catch (error) {
        if (isAbort(error)) throw error;
        const problem = asProblem(error);
        if (problem.status === 0) await mustBeReadable(file, received);
        const there = receivedOf(problem);
        if (there === null) throw problem;
        return there;
      }
    });
    rate.add(received, now());
    size = nextSlab(size, now() - started, upload.slabBytes);
    tell();
  }
}

/** About a second's worth, so that progress moves and a break costs little, however fast the connection is. */
export function nextSlab(size: number, ms: number, most: number): number {
  const next = ms < 700 ? size * 2 : ms > 2500 ? size / 2 : size;
  return Math.round(Math.min(Math.max(next, smallestSlab), most));
}

async function complete({ api: server, signal, name }: TransferOptions, upload: UploadInfo): Promise<VolumeInfo> {
  try {
    return await server.completeUpload(upload.id, signal);
  } catch (error) {
    if (isAbort(error)) throw error;
    const problem = asProblem(error);
    // Another try, whose answer was lost, may be at it still, or have ended it.
    if (problem.status !== 409 || problem.field !== null || receivedOf(problem) !== null) throw problem;
    try {
      return await server.volume(upload.name || name, signal);
    } catch (later) {
      if (isAbort(later)) throw later;
      throw asProblem(later).status === 404 ? new Busy(problem) : later;
    }
  }
}

/** What will be done in a while. */
class Busy extends Error {
  constructor(readonly problem: Problem) {
    super(problem.message);
  }
}

/** Tries until it comes through: a silo that restarts or a connection that breaks only costs time. What the server refuses is thrown. */
async function persist<T>({ signal, onStep, wait, random }: TransferOptions, action: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    signal.throwIfAborted();
    try {
      return await action();
    } catch (error) {
      if (isAbort(error) || signal.aborted || error instanceof Refusal) throw error;
      const problem = error instanceof Busy ? error.problem : asProblem(error);
      if (!(error instanceof Busy) && !isPassing(problem.status)) throw problem;
      const ms = Math.max((problem.retryAfter ?? 0) * 1000, reconnectDelay(tries, random()));
      if (!(error instanceof Busy)) onStep({ step: "broken", problem, seconds: ms / 1000 });
      await wait(ms, signal);
    }
  }
}

/** True for what may be better the next time: no answer, too slow, too many, the database away. 507 is a full disk. */
function isPassing(status: number): boolean {
  return status === 0 || status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501 && status !== 507);
}

function arrived(upload: UploadInfo): number {
  return upload.files.reduce((sum, f) => sum + f.received, 0);
}

function receivedOf(problem: Problem): number | null {
  const { received } = problem.more;
  return problem.status === 409 && typeof received === "number" ? received : null;
}

/** A file that changed on the disk fails as a broken connection does, and would be tried for ever. */
async function mustBeReadable(file: Blob, at: number): Promise<void> {
  try {
    await file.slice(at, at + 1).arrayBuffer();
  } catch {
    throw new Refusal("The file was changed or removed while it was being uploaded. Choose it again.");
  }
}
