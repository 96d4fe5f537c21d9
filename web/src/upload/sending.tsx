// SPDX-License-Identifier: Apache-2.0
import { bytes, progressPercent, timeLeft } from "../app/format";
import { Bar, Panel } from "../app/parts";
import { useStore } from "../app/store";
import { flow } from "./flow";
import { saidOf } from "./words";

/** How far the upload is. */
export function SendingPanel() {
  const { run, file } = useStore(flow.store);
  if (run.kind !== "sending" || file.kind !== "ready") return null;
  const { step, progress } = run;
  const fraction = step?.step === "checking" || step?.step === "submitting" ? 1 : progress === null ? 0 : progress.sent / progress.all;
  return (
    <Panel title={`Uploading ${file.stack.file.name}`} aside={<span>keep this page open</span>}>
      <div class="run">
        <div class="run-bar"><Bar fraction={fraction} label="Upload" state={step?.step === "broken" ? "paused" : "running"} /><b>{progressPercent(fraction)}</b></div>
        <div class="facts run-facts">
          {progress === null ? <span>Asking what has arrived…</span> : (
            <>
              <span><b>{bytes(progress.sent)}</b> of {bytes(progress.all)}</span>
              {step?.step === "sending" && progress.bytesPerSecond !== null && <span><b>{bytes(Math.round(progress.bytesPerSecond))}</b>/s</span>}
              {step?.step === "sending" && progress.secondsLeft !== null && progress.sent < progress.all && <span><b>{timeLeft(progress.secondsLeft)}</b> left</span>}
              {progress.resumed > 0 && <span>{bytes(progress.resumed)} had arrived before</span>}
            </>
          )}
        </div>
        {step?.step === "checking" && <p>All has arrived. The server unpacks and checks the sections.</p>}
        {step?.step === "submitting" && <p>The segmentation is being submitted.</p>}
        {step?.step === "broken" && <p class="broken">{step.problem.message} Nothing is lost: it is tried again in {timeLeft(step.seconds)}.</p>}
        <p class="unseen" role="status">{saidOf(run)}</p>
        <div class="buttons">
          {/* Once it is being submitted there is an experiment, which is cancelled instead. */}
          <button type="button" disabled={step?.step === "submitting"} onClick={flow.stop}>Cancel</button>
        </div>
      </div>
    </Panel>
  );
}
