// SPDX-License-Identifier: Apache-2.0

/** A request that was answered with an error, or not at all (status 0). Its message is a sentence for people. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    detail: string,
    /** The field at fault, where one is known. */
    readonly field: string | null = null,
    /** Seconds after which the server asks to be tried again. */
    readonly retryAfter: number | null = null,
    /** Other members of the problem, as "received" of a slab that does not go on where the file ends. */
    readonly more: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail);
    this.name = "Problem";
  }
}

const unreached = "The server does not answer. Check that a silo runs at this address.";

/** What a failed fetch is, for people; an abort stays what it is. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isAbort(error)) throw error;
  if (error instanceof TypeError) return new Problem(0, unreached);
  return new Problem(0, error instanceof Error ? error.message : String(error));
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Reads RFC 9457 problem details; a proxy in between may have answered with anything. */
export async function readProblem(response: Response): Promise<Problem> {
  const retryAfter = Number(response.headers.get("Retry-After") ?? Number.NaN);
  let details: Record<string, unknown> = {};
  try {
    const body: unknown = await response.json();
    if (typeof body === "object" && body !== null) details = body as Record<string, unknown>;
  } catch {
    // Not JSON: the status has to say it all.
  }
  const text = (name: string) => (typeof details[name] === "string" ? (details[name] as string) : null);
  return new Problem(
    response.status,
    text("detail") ?? text("title") ?? `The server answered ${response.status} ${response.statusText}`.trim(),
    text("field"),
    Number.isFinite(retryAfter) ? retryAfter : null,
    details,
  );
}
