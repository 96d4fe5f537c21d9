// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef } from "preact/hooks";

/** Asks before something that cannot be taken back. Escape and "No" change nothing. */
export function Confirm({ question, yes, onYes, onNo }: { question: string; yes: string; onYes: () => void; onNo: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} class="confirm" aria-label={question} onClose={onNo}>
      <p>{question}</p>
      <div class="buttons">
        <button type="button" class="danger" onClick={onYes}>{yes}</button>
        <button type="button" onClick={onNo} autoFocus>No</button>
      </div>
    </dialog>
  );
}
