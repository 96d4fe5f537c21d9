// SPDX-License-Identifier: Apache-2.0
import { useEffect } from "preact/hooks";
import { api } from "../api/client";
import { useLoaded } from "../api/loading";
import { Title } from "../app/parts";
import { may, sessionStore } from "../app/session";
import { useStore } from "../app/store";
import { flow } from "./flow";
import { UploadForm } from "./form";
import { Recent } from "./recent";
import { SegmentingPanel } from "./segmenting";
import { SendingPanel } from "./sending";
import "./upload.css";

/** From a zip of sections to a segmented volume in 3D. */
export default function UploadPage() {
  const { session } = useStore(sessionStore);
  const { run } = useStore(flow.store);
  const allowed = may(session, "submitter");
  const models = useLoaded("models", (signal) => api.models({ limit: 200 }, signal));
  const list = models.value?.items;
  useEffect(() => {
    if (list !== undefined) flow.offer(list);
  }, [list]);
  return (
    <>
      <Title text="Upload to 3D" />
      <div class="stack">
        {run.kind === "sending" ? <SendingPanel />
          : run.kind === "segmenting" ? <SegmentingPanel key={run.experiment} id={run.experiment} name={run.name} />
          : allowed && session !== null ? <UploadForm models={models} limit={session.uploadBytes} />
          : <p class="panel upload-reader" role="note">The key you are signed in with may look at everything but not upload. Ask an operator for one with the role submitter.</p>}
        <Recent />
      </div>
    </>
  );
}
