// SPDX-License-Identifier: Apache-2.0
import { api } from "../api/client";
import { asProblem, isAbort, Problem } from "../api/problems";
import type { ModelInfo, VolumeInfo } from "../api/types";
import { makeStore, type Store } from "../app/store";
import { checkStack, volumeName } from "./stack";
import { first, next, readVoxelSize, refusedBy, voxelSizeOf, type Happening, type UploadState } from "./state";
import { transfer, type TransferApi } from "./transfer";
import { Refusal } from "./zip";

export interface FlowOptions {
  readonly api: TransferApi & Pick<typeof api, "removeUpload">;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly now: () => number;
  readonly random: () => number;
  /** Told when bytes begin and end to be on their way. */
  readonly onSending: (sending: boolean) => void;
}

export interface Flow {
  readonly store: Store<UploadState>;
  /** Reads what the files hold; limit is in bytes. */
  readonly choose: (files: readonly File[], limit: number) => Promise<void>;
  readonly chooseModel: (model: ModelInfo) => void;
  /** Keeps the chosen model while there is one of its name, else takes the newest. */
  readonly offer: (models: readonly ModelInfo[]) => void;
  readonly typeVoxelSize: (axis: number, text: string) => void;
  readonly start: () => Promise<void>;
  /** What has arrived is kept on the server. */
  readonly stop: () => void;
  /** Takes back what has arrived. */
  readonly discard: () => Promise<void>;
  readonly again: () => void;
}

export function makeFlow(options: FlowOptions): Flow {
  const store = makeStore<UploadState>(first);
  const happen = (happening: Happening) => store.set(next(store.get(), happening));
  let reading = 0;
  let sending: AbortController | null = null;
  // A volume that was made before its segmentation was refused is not sent a second time.
  let made: { readonly of: string; readonly volume: VolumeInfo } | null = null;

  const choose: Flow["choose"] = async (files, limit) => {
    const [file] = files;
    if (file === undefined || sending !== null) return;
    const turn = ++reading;
    happen({ what: "reading", name: file.name });
    try {
      if (files.length > 1) throw new Refusal(`These are ${files.length} files. Put all sections into one zip.`);
      if (/\.(tiff?|png)$/i.test(file.name)) throw new Refusal(`${file.name} is one image. Put all sections into one zip.`);
      const stack = await checkStack(file, limit);
      if (turn === reading) happen({ what: "read", stack });
    } catch (error) {
      if (turn === reading) happen({ what: "refused", refused: refusedBy(error instanceof Refusal ? error : asProblem(error), null) });
    }
  };

  const chooseModel: Flow["chooseModel"] = (model) => happen({ what: "model", name: model.name, voxelSize: voxelSizeOf(model) });

  const start: Flow["start"] = async () => {
    const { file, model, voxelSize: texts } = store.get();
    if (file.kind !== "ready" || model === null || sending !== null) return;
    const voxelSize = readVoxelSize(texts);
    if (typeof voxelSize === "string") {
      happen({ what: "refused", refused: { place: "voxelSize", text: voxelSize, field: null } });
      return;
    }
    const { stack } = file;
    const of = JSON.stringify([stack.fingerprint, stack.file.size, voxelSize]);
    const controller = new AbortController();
    let upload: number | null = null;
    sending = controller;
    options.onSending(true);
    happen({ what: "started" });
    try {
      const { experiment } = await transfer({
        ...options, file: stack.file, name: volumeName(stack.file.name), fingerprint: stack.fingerprint, voxelSize, model, signal: controller.signal,
        made: made?.of === of ? made.volume : null,
        onStep: (step) => happen({ what: "step", step }),
        onUpload: (id) => (upload = id),
        onVolume: (volume) => (made = { of, volume }),
      });
      // Sent once more, it is meant to be segmented once more; the same volume and model would only lead to this experiment again.
      made = null;
      happen({ what: "submitted", experiment: experiment.id, name: experiment.name });
    } catch (error) {
      if (controller.signal.aborted || isAbort(error)) happen({ what: "stopped", upload });
      else {
        const problem = error instanceof Refusal ? error : asProblem(error);
        const refused = refusedBy(problem, stack);
        // A stack that is refused for what it holds never becomes a volume, and would keep its name from the mended one.
        if (made?.of !== of && upload !== null && problem instanceof Problem && problem.status === 422 && refused.place === "file") {
          await options.api.removeUpload(upload).catch(() => undefined);
        }
        // The volume itself may be what is wrong, as when somebody has removed it.
        if (refused.place === "file") made = null;
        happen({ what: "refused", refused });
      }
    } finally {
      sending = null;
      options.onSending(false);
    }
  };

  return {
    store, choose, chooseModel, start,
    offer: (models) => {
      const { model } = store.get();
      const [newest] = models;
      if (models.some((m) => m.name === model)) return;
      if (newest !== undefined) chooseModel(newest);
      else if (model !== null) happen({ what: "model", name: null, voxelSize: null });
    },
    typeVoxelSize: (axis, text) => happen({ what: "voxelSize", axis, text }),
    stop: () => sending?.abort(),
    discard: async () => {
      const { run } = store.get();
      if (run.kind !== "stopped") return;
      try {
        await options.api.removeUpload(run.upload);
      } catch (error) {
        // Gone already is as good.
        if (asProblem(error).status !== 404) throw error;
      }
      happen({ what: "discarded" });
    },
    again: () => {
      if (sending === null) happen({ what: "again" });
    },
  };
}

const askBeforeLeaving = (event: BeforeUnloadEvent) => event.preventDefault();

/** The page's own. It lives as long as the page, so that an upload goes on while one looks at something else. */
export const flow = makeFlow({
  api,
  wait: (ms, signal) => new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  }),
  now: () => performance.now(),
  random: Math.random,
  onSending: (sending) => {
    if (sending) window.addEventListener("beforeunload", askBeforeLeaving);
    else window.removeEventListener("beforeunload", askBeforeLeaving);
  },
});
