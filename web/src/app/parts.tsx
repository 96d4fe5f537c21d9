// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Problem } from "../api/problems";
import { notify } from "./notices";

/** The heading of a page. It takes the focus when the page is come to, so that screen readers begin there. */
export function Title({ text, children }: { text: string; children?: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${text} – Teravox`;
    heading.current?.focus({ preventScroll: true });
  }, [text]);
  return (
    <div class="title">
      <h1 ref={heading} tabIndex={-1}>{text}</h1>
      {children}
    </div>
  );
}

export function Waiting({ text = "Loading…" }: { text?: string }) {
  return <p class="waiting" role="status">{text}</p>;
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

/** In a page's place where what its address names is not there. */
export function Gone({ what, children }: { what: string; children: ComponentChildren }) {
  return (
    <>
      <Title text="Nothing here" />
      <p class="empty" role="alert">There is no {what}; it may have been deleted. {children}</p>
    </>
  );
}

export function Failure({ text, again }: { text: string; again?: () => void }) {
  return (
    <div class="failure" role="alert">
      <p>{text}</p>
      {again && <button type="button" onClick={again}>Try again</button>}
    </div>
  );
}

/** What stands in a loaded part's place while there is nothing of it; a line above what is there when newer could not be had. */
export function Status({ loaded }: { loaded: { value: unknown; problem: Problem | null; loading: boolean; reload: () => void } }) {
  if (loaded.problem !== null) {
    const text = loaded.value === null ? loaded.problem.message : `This is not up to date: ${loaded.problem.message}`;
    return <Failure text={text} again={loaded.reload} />;
  }
  return loaded.value === null && loaded.loading ? <Waiting /> : null;
}

export function Panel({ title, aside, children, id }: { title: string; aside?: ComponentChildren; children: ComponentChildren; id?: string }) {
  return (
    <section class="panel" aria-label={title} {...(id === undefined ? {} : { id })}>
      <header class="panel-head">
        <h2>{title}</h2>
        {aside !== undefined && <div class="panel-aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

/** A bar with its value in words beside it, for eyes and for screen readers. fraction is 0..1. */
export function Bar({ fraction, label, state = "running" }: { fraction: number; label: string; state?: string }) {
  const percent = Math.round(Math.min(1, Math.max(0, fraction)) * 1000) / 10;
  return (
    <div class={`bar ${state}`} role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent}>
      <div style={{ width: `${percent}%` }} />
    </div>
  );
}

/** The colour of a class or a line beside its name. */
export function Swatch({ colour }: { colour: string | null | undefined }) {
  return <span class="swatch" aria-hidden="true" style={{ background: colour ?? "transparent" }} />;
}

export function StateChip({ state }: { state: string }) {
  return <span class={`chip ${state}`}>{state}</span>;
}

/** A line of text with a button that copies it. */
export function Copyable({ label, text }: { label: string; text: string }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      notify("info", "Copied.");
    } catch {
      // Without https or permission a browser does not let pages write to the clipboard.
      notify("error", "The browser does not let the page copy. Select the text and copy it by hand.");
    }
  };
  return (
    <div class="copyable">
      <span class="copyable-label">{label}</span>
      {/* A long line scrolls, which keys can do only where the focus can be. */}
      <code tabIndex={0}>{text}</code>
      <button type="button" class="small" aria-label={`Copy: ${label}`} onClick={() => void copy()}>Copy</button>
    </div>
  );
}

/** Choices of which one is taken, as a row of buttons. */
export function Choice<T extends string>({ label, value, options, onChange }: {
  label: string; value: T; options: readonly (readonly [T, string])[]; onChange: (value: T) => void;
}) {
  return (
    <div class="choice" role="group" aria-label={label}>
      {options.map(([option, text]) => (
        <button key={option} type="button" aria-pressed={option === value} onClick={() => onChange(option)}>{text}</button>
      ))}
    </div>
  );
}

/** Links to the parts of a page. */
export function Tabs({ label, tabs, current }: { label: string; tabs: readonly (readonly [name: string, text: string, to: string])[]; current: string }) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map(([name, text, to]) => (
        <a key={name} href={to} aria-current={name === current ? "page" : undefined}>{text}</a>
      ))}
    </nav>
  );
}
