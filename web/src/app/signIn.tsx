// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { asProblem } from "../api/problems";
import { Title } from "./parts";
import { signIn } from "./session";

/** Asks for an API key. It stands where the page would be: the address stays, and leads there once signed in. */
export function SignIn() {
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await signIn(key.trim());
    } catch (error) {
      const { status, message } = asProblem(error);
      setProblem(status === 401 ? "This key is not valid." : message);
      setBusy(false);
    }
  };
  return (
    <form class="sign-in" onSubmit={(e) => void submit(e)}>
      <Title text="Sign in" />
      <label for="key">API key</label>
      <input
        id="key" type="password" autoComplete="current-password" spellcheck={false} placeholder="tvx_…" required value={key}
        aria-invalid={problem !== null} aria-describedby="key-help" onInput={(e) => setKey(e.currentTarget.value)}
      />
      <p id="key-help" class="hint">An operator makes keys with <code>teravox key add</code>. The browser keeps it as a cookie that scripts cannot read.</p>
      {problem !== null && <p class="field-problem" role="alert">{problem}</p>}
      <button type="submit" class="primary" disabled={busy || key.trim() === ""}>Sign in</button>
    </form>
  );
}
