// SPDX-License-Identifier: Apache-2.0
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { asProblem, isAbort, type Problem } from "./problems";

export interface Loaded<T> {
  /** The newest that came; kept while later tries fail. */
  readonly value: T | null;
  /** Why the last try failed; null when it did not. */
  readonly problem: Problem | null;
  readonly loading: boolean;
  readonly reload: () => void;
}

/**
 * Loads now and whenever key changes, and again every intervalMs (0: never) while the page is looked at. A key of null loads nothing.
 * The next try counts from the end of the last one, so a slow server is not asked twice at a time.
 */
export function useLoaded<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>, intervalMs = 0): Loaded<T> {
  const [state, setState] = useState<{ key: string | null; value: T | null; problem: Problem | null; loading: boolean }>({
    key, value: null, problem: null, loading: key !== null,
  });
  const [turn, setTurn] = useState(0);
  const newest = useRef(load);
  newest.current = load;

  useEffect(() => {
    if (key === null) {
      setState({ key, value: null, problem: null, loading: false });
      return;
    }
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const once = async () => {
      try {
        const value = await newest.current(controller.signal);
        if (controller.signal.aborted) return;
        setState({ key, value, problem: null, loading: false });
      } catch (error) {
        if (controller.signal.aborted || isAbort(error)) return;
        const problem = asProblem(error);
        setState((old) => ({ key, value: old.key === key ? old.value : null, problem, loading: false }));
      }
      if (intervalMs > 0) timer = setTimeout(next, intervalMs);
    };
    const next = () => {
      if (document.hidden) document.addEventListener("visibilitychange", () => void once(), { once: true, signal: controller.signal });
      else void once();
    };
    setState((old) => ({ key, value: old.key === key ? old.value : null, problem: null, loading: true }));
    void once();
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [key, intervalMs, turn]);

  const reload = useCallback(() => setTurn((n) => n + 1), []);
  // Until the effect has run for a new key, what is here belongs to the old one.
  return state.key === key ? { ...state, reload } : { value: null, problem: null, loading: key !== null, reload };
}
