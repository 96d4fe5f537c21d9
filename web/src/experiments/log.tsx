// SPDX-License-Identifier: Apache-2.0
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { followEvents, type StreamState } from "../api/events";
import type { EventInfo, ExperimentInfo } from "../api/types";
import { clock, count, time } from "../app/format";
import { Empty, Panel } from "../app/parts";
import { appendEvents } from "./eventLog";

const shownAtFirst = 300;

interface Connection {
  readonly state: StreamState;
  readonly why: string | null;
}

/** The experiment's log as it is written. */
export function LogPanel({ experiment, onEvent }: { experiment: ExperimentInfo; onEvent: (kind: string) => void }) {
  const [events, setEvents] = useState<readonly EventInfo[]>([]);
  const [connection, setConnection] = useState<Connection>({ state: "connecting", why: null });
  const [most, setMost] = useState(shownAtFirst);
  const call = useRef(onEvent);
  call.current = onEvent;
  const last = useRef(0);

  // A stream ends with its experiment. One that is retried goes on, and so does the log, behind what it has; it may have ended
  // anew before anybody saw it go on.
  useEffect(() => {
    const controller = new AbortController();
    let waiting: EventInfo[] = [];
    let frame = 0;
    const flush = () => {
      frame = 0;
      const come = waiting;
      waiting = [];
      setEvents((old) => appendEvents(old, come));
      const kinds = new Set(come.map((e) => e.kind));
      const kind = [...kinds].find((k) => k !== "log") ?? "log";
      if (come.length > 0) call.current(kind);
    };
    void followEvents({
      path: `/experiments/${experiment.id}/events/stream`,
      after: last.current,
      signal: controller.signal,
      onState: (state, problem) => setConnection((old) => ({ state, why: problem?.message ?? (state === "broken" ? old.why : null) })),
      onMessage: (message) => {
        if (message.event === "end") {
          call.current("end");
        } else if (message.event === "event") {
          const event = JSON.parse(message.data) as EventInfo;
          last.current = Math.max(last.current, event.id);
          waiting.push(event);
          // Thousands may come at once when a stream begins: one rendering for all.
          if (frame === 0) frame = window.setTimeout(flush, 50);
        }
      },
    });
    return () => {
      controller.abort();
      if (frame !== 0) {
        clearTimeout(frame);
        flush();
      }
    };
  }, [experiment.id, experiment.ended]);

  const list = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    if (list.current !== null && atEnd.current) list.current.scrollTop = list.current.scrollHeight;
  }, [events]);

  const shown = events.slice(-most);
  return (
    <Panel title="Log" aside={<ConnectionState connection={connection} lines={events.length} />}>
      {events.length === 0 ? <Empty>No line yet.</Empty> : (
        <div
          ref={list} class="log" role="log" aria-live="off" aria-label="Log of the experiment" tabIndex={0}
          onScroll={(e) => {
            const { scrollTop, scrollHeight, clientHeight } = e.currentTarget;
            atEnd.current = scrollTop + clientHeight >= scrollHeight - 24;
          }}
        >
          {shown.length < events.length && (
            <button type="button" class="small" onClick={() => setMost((n) => n + 1000)}>Show earlier lines ({count(events.length - shown.length)})</button>
          )}
          <ol>
            {shown.map((e) => (
              <li key={e.id} class={e.kind}>
                <time dateTime={e.at} title={time(e.at)}>{clock(e.at)}</time>
                <span class="kind">{e.kind}</span>
                <span class="text">{e.stage && <b>{e.stage} </b>}{e.text}</span>
              </li>
            ))}
          </ol>
        </div>
      )}
    </Panel>
  );
}

const stateTexts: Readonly<Record<StreamState, string>> = {
  connecting: "connecting…", open: "live", broken: "connection broken, trying again", ended: "complete", refused: "not readable",
};

function ConnectionState({ connection, lines }: { connection: Connection; lines: number }) {
  return (
    <>
      <span>{count(lines)} lines</span>
      <span class={`live ${connection.state}`} role="status" title={connection.why ?? undefined}>
        {stateTexts[connection.state]}{connection.state === "refused" && connection.why ? `: ${connection.why}` : ""}
      </span>
    </>
  );
}
