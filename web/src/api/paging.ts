// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem, isAbort, type Problem } from "./problems";
import type { Page } from "./types";

export interface Paged<T> {
  readonly items: readonly T[];
  /** True when the server has more. */
  readonly more: boolean;
  readonly loading: boolean;
  readonly problem: Problem | null;
  /** Loads the next page. */
  readonly next: () => void;
  /** Loads the first page again and lays it over what is there. */
  readonly refresh: () => void;
}

interface State<T> {
  readonly items: readonly T[];
  readonly cursor: string | null;
  readonly loading: boolean;
  readonly problem: Problem | null;
}

/**
 * A newer first page over what was loaded before. Lists run from the newest, by falling numbers: what the first page reaches is
 * as it says, also that something is gone, and the pages behind it stay.
 */
export function mergeFirst<T>(old: readonly T[], first: readonly T[], id: (item: T) => number): readonly T[] {
  const oldest = first[first.length - 1];
  return oldest === undefined ? [] : [...first, ...old.filter((item) => id(item) < id(oldest))];
}

/** A list page by page. The list begins anew when key changes; the first page is looked at again every intervalMs (0: never). */
export function usePaged<T>(
  key: string, load: (cursor: string | null, signal: AbortSignal) => Promise<Page<T>>, id: (item: T) => number, intervalMs = 0,
): Paged<T> {
  const empty: State<T> = { items: [], cursor: null, loading: true, problem: null };
  const [state, setState] = useState<State<T> & { key: string }>({ ...empty, key });
  const newest = useRef({ load, id });
  newest.current = { load, id };
  const life = useRef(new AbortController());
  const busy = useRef(false);
  const pages = useRef(0);

  const run = async (cursor: string | null, quiet: boolean) => {
    // One request at a time: pages must come in order, and a slow server should not be asked twice.
    if (busy.current) return;
    busy.current = true;
    const { signal } = life.current;
    if (!quiet) setState((old) => ({ ...old, loading: true, problem: null }));
    try {
      const page = await newest.current.load(cursor, signal);
      if (signal.aborted) return;
      const first = cursor === null;
      if (!first || pages.current === 0) pages.current++;
      setState((old) => ({
        key, loading: false, problem: null,
        items: first ? (page.next == null ? page.items : mergeFirst(old.items, page.items, newest.current.id)) : [...old.items, ...page.items],
        cursor: first && pages.current > 1 && page.next != null ? old.cursor : page.next ?? null,
      }));
    } catch (error) {
      if (signal.aborted || isAbort(error)) return;
      const problem = asProblem(error);
      setState((old) => ({ ...old, loading: false, problem }));
    } finally {
      if (life.current.signal === signal) busy.current = false;
    }
  };

  useEffect(() => {
    const mine = new AbortController();
    life.current = mine;
    busy.current = false;
    pages.current = 0;
    setState({ ...empty, key });
    void run(null, false);
    const timer = intervalMs > 0 ? setInterval(() => {
      if (!document.hidden) void run(null, true);
    }, intervalMs) : undefined;
    return () => {
      mine.abort();
      clearInterval(timer);
    };
  }, [key, intervalMs]);

  const shown = state.key === key ? state : empty;
  return {
    items: shown.items,
    more: shown.cursor !== null,
    loading: shown.loading,
    problem: shown.problem,
    next: () => {
      if (shown.cursor !== null) void run(shown.cursor, false);
    },
    refresh: () => void run(null, true),
  };
}
