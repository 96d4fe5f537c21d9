// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { bytes, count } from "../app/format";
import { flow } from "./flow";
import { RefusedLine } from "./form";
import type { FileState, Refused } from "./state";

/** The file input with a place around it that files can be dropped on. What is wrong with a file stands right below. */
export function FileField({ limit, file, refused }: { limit: number; file: FileState; refused: Refused | null }) {
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void flow.choose([...(event.dataTransfer?.files ?? [])], limit);
  };
  return (
    <>
      <label
        class={`drop${over ? " over" : ""}${refused === null ? "" : " wrong"}`}
        onDragOver={(e) => {
          e.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <input
          type="file" class="unseen" accept=".zip,application/zip" aria-describedby="file-about file-refused" aria-invalid={refused !== null}
          onChange={(e) => {
            const input = e.currentTarget;
            void flow.choose([...(input.files ?? [])], limit);
            // The same file, mended, can be chosen again only when the input has forgotten it.
            input.value = "";
          }}
        />
        <Chosen file={file} />
      </label>
      <p id="file-about" class="hint">A zip of TIF or PNG sections, all of one size, in the order of their names; at most {bytes(limit)}.</p>
      <RefusedLine refused={refused} id="file-refused" />
    </>
  );
}

function Chosen({ file }: { file: FileState }) {
  switch (file.kind) {
    case "none": return (
      <>
        <span class="drop-main">Choose a zip</span>
        <span class="hint">or drop it here</span>
      </>
    );
    case "reading": return <span class="drop-main" role="status">Reading {file.name}…</span>;
    case "ready": {
      const { stack } = file;
      return (
        <>
          <span class="drop-main">{stack.file.name}</span>
          <span class="hint" role="status">
            {count(stack.sections)} {stack.kind} {stack.sections === 1 ? "section" : "sections"}
            {stack.size !== null && ` of ${stack.size.height} × ${stack.size.width} pixels`} · {bytes(stack.file.size)} · choose another
          </span>
        </>
      );
    }
  }
}
