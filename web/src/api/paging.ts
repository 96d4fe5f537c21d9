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

/** What has been loaded of a list, from its newest. */
export interface Pages<T> {
  readonly items: readonly T[];
  /** Where the next page begins; null at the list's end. */
  readonly cursor: string | null;
}

const none: Pages<never> = { items: [], cursor: null };

/**
 * A newer first page over what was loaded before. Lists run from the newest, by falling numbers: what the first page reaches is
 * as it says, also that something is gone, and the pages behind it stay. Where more has come than a page holds, nobody knows
 * what lies between the two, and the pages behind are loaded anew when they are asked for.
 */
export function withFirst<T>(old: Pages<T>, first: Page<T>, id: (item: T) => number): Pages<T> {
  const cursor = first.next ?? null;
  const oldest = first.items[first.items.length - 1];
  const behind = oldest === undefined || cursor === null ? [] : old.items.filter((item) => id(item) < id(oldest));
  const meet = behind.length < old.items.length;
  return meet && behind.length > 0 ? { items: [...first.items, ...behind], cursor: old.cursor } : { items: first.items, cursor };
}

interface State<T> extends Pages<T> {
  readonly key: string;
  readonly loading: boolean;
  readonly problem: Problem | null;
}

/** A list page by page. The list begins anew when key changes; the first page is looked at again every intervalMs (0: never). */
export function usePaged<T>(
  key: string, load: (cursor: string | null, signal: AbortSignal) => Promise<Page<T>>, id: (item: T) => number, intervalMs = 0,
): Paged<T> {
  const empty: State<T> = { ...none, key, loading: true, problem: null };
  const [state, setState] = useState(empty);
  const newest = useRef({ load, id });
  newest.current = { load, id };
  const life = useRef(new AbortController());
  const pages = useRef<Pages<T>>(none);
  const busy = useRef(false);
  const wanted = useRef(false);

  // One request at a time: pages must come in order, and a slow server should not be asked twice. A next page that is wanted
  // meanwhile is asked for afterwards.
  const run = async (what: "first" | "next", quiet: boolean) => {
    if (!quiet) setState((old) => ({ ...old, loading: true, problem: null }));
    if (busy.current) {
      wanted.current ||= what === "next";
      return;
    }
    busy.current = true;
    const { signal } = life.current;
    try {
      const page = await newest.current.load(what === "first" ? null : pages.current.cursor, signal);
      if (signal.aborted) return;
      const { items } = pages.current;
      pages.current = what === "first" ? withFirst(pages.current, page, newest.current.id) : { items: [...items, ...page.items], cursor: page.next ?? null };
      setState({ ...pages.current, key, loading: wanted.current, problem: null });
    } catch (error) {
      if (signal.aborted || isAbort(error)) return;
      const problem = asProblem(error);
      setState((old) => ({ ...old, loading: false, problem }));
    } finally {
      if (life.current.signal === signal) {
        busy.current = false;
        if (wanted.current) {
          wanted.current = false;
          void run(pages.current.cursor === null ? "first" : "next", false);
        }
      }
    }
  };

  useEffect(() => {
    const mine = new AbortController();
    life.current = mine;
    pages.current = none;
    busy.current = false;
    wanted.current = false;
    setState(empty);
    void run("first", false);
    const timer = intervalMs > 0 ? setInterval(() => {
      if (!document.hidden) void run("first", true);
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
      if (shown.cursor !== null) void run("next", false);
    },
    refresh: () => void run("first", true),
  };
}
