// SPDX-License-Identifier: Apache-2.0
import { root } from "./client";
import { asProblem, isAbort, Problem, readProblem } from "./problems";

export interface StreamMessage {
  readonly event: string;
  readonly data: string;
  /** The last id that was sent, with this message or before. */
  readonly id: string | null;
}

/** Reads server-sent events (WHATWG HTML, 9.2.6) from text as it comes, in pieces of any size. */
export class EventParser {
  private rest = "";
  private event = "";
  private data: string[] = [];
  private id: string | null = null;
  private afterReturn = false;

  push(text: string): StreamMessage[] {
    const messages: StreamMessage[] = [];
    // A piece may end between \r and \n: that is one line end, not two.
    if (this.afterReturn && text.startsWith("\n")) text = text.slice(1);
    if (text !== "") this.afterReturn = text.endsWith("\r");
    const lines = (this.rest + text).split(/\r\n|\r|\n/);
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (this.data.length > 0) messages.push({ event: this.event || "message", data: this.data.join("\n"), id: this.id });
        this.event = "";
        this.data = [];
      } else {
        this.field(line);
      }
    }
    return messages;
  }

  private field(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") this.event = value;
    else if (name === "data") this.data.push(value);
    else if (name === "id" && !value.includes("\0")) this.id = value;
  }
}

export type StreamState = "connecting" | "open" | "broken" | "ended" | "refused";

export interface StreamOptions {
  /** Under /api/v1, as "/experiments/3/events/stream". */
  readonly path: string;
  /** Only events after this number. */
  readonly after?: number;
  readonly onMessage: (message: StreamMessage) => void;
  /** problem says why it is broken or refused. */
  readonly onState: (state: StreamState, problem: Problem | null) => void;
  readonly signal: AbortSignal;
  /** For tests: what stands for the network, waiting and chance. */
  readonly fetch?: typeof globalThis.fetch;
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random?: () => number;
  /** Silence after which a connection counts as broken, ms; silos send a comment every 15 s. */
  readonly silenceMs?: number;
}

const firstDelay = 500;
const longestDelay = 20_000;

/** Time to wait before try n (from 0): doubled each time, and spread so that clients of a restarted silo do not come at once. */
export function reconnectDelay(tries: number, random: number): number {
  const most = Math.min(longestDelay, firstDelay * 2 ** tries);
  return most / 2 + (most / 2) * random;
}

/**
 * Follows an event stream until it ends, is refused or is aborted. Unlike EventSource it says why it cannot connect, notices a
 * connection that has fallen silent, and ends at "event: end". After a break it goes on behind the last event it has passed on.
 */
export async function followEvents(options: StreamOptions): Promise<void> {
  const { signal, onState } = options;
  const wait = options.wait ?? delay;
  const random = options.random ?? Math.random;
  let last = options.after === undefined ? null : String(options.after);
  let tries = 0;
  while (!signal.aborted) {
    let problem: Problem;
    try {
      onState(tries === 0 ? "connecting" : "broken", null);
      const ended = await readOnce(options, last, (message) => {
        last = message.id ?? last;
        options.onMessage(message);
      }, () => {
        tries = 0;
        onState("open", null);
      });
      if (ended) {
        onState("ended", null);
        return;
      }
      problem = new Problem(0, "The connection broke off.");
    } catch (error) {
      if (signal.aborted) return;
      problem = isAbort(error) ? new Problem(0, "The connection fell silent.") : asProblem(error);
    }
    if (signal.aborted) return;
    if (problem.status >= 400 && problem.status < 500 && problem.status !== 408 && problem.status !== 429) {
      onState("refused", problem);
      return;
    }
    onState("broken", problem);
    const asked = (problem.retryAfter ?? 0) * 1000;
    try {
      await wait(Math.max(asked, reconnectDelay(tries, random())), signal);
    } catch {
      return;
    }
    tries++;
  }
}

/** One connection; true when the stream said that it is at its end. */
async function readOnce(
  options: StreamOptions, last: string | null, onMessage: (message: StreamMessage) => void, onOpen: () => void,
): Promise<boolean> {
  const silence = new AbortController();
  const aborted = () => silence.abort();
  options.signal.addEventListener("abort", aborted, { once: true });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), options.silenceMs ?? 45_000);
  };
  try {
    heard();
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (last !== null) headers["Last-Event-ID"] = last;
    const response = await (options.fetch ?? globalThis.fetch)(root + options.path, {
      headers, signal: silence.signal, credentials: "same-origin", cache: "no-store",
    });
    if (!response.ok) throw await readProblem(response);
    if (response.body === null) throw new Problem(0, "The stream is empty.");
    onOpen();
    const parser = new EventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return false;
      heard();
      for (const message of parser.push(value)) {
        onMessage(message);
        if (message.event === "end") {
          silence.abort();
          return true;
        }
      }
    }
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener("abort", aborted);
  }
}

function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("aborted", "AbortError"));
    }, { once: true });
  });
}
