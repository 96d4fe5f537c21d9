// SPDX-License-Identifier: Apache-2.0
import { api, whenUnauthorised } from "../api/client";
import { asProblem, type Problem } from "../api/problems";
import type { ExperimentInfo, Role, Session } from "../api/types";
import { makeStore } from "./store";

export interface SessionState {
  /** Null until the server has answered. */
  readonly session: Session | null;
  /** Why the server did not answer. */
  readonly problem: Problem | null;
}

export const sessionStore = makeStore<SessionState>({ session: null, problem: null });

export async function loadSession(): Promise<void> {
  try {
    sessionStore.set({ session: await api.session(), problem: null });
  } catch (error) {
    sessionStore.set({ session: sessionStore.get().session, problem: asProblem(error) });
  }
}

export async function signIn(key: string): Promise<void> {
  await api.signIn(key);
  await loadSession();
}

export async function signOut(): Promise<void> {
  await api.signOut();
  await loadSession();
}

// A key may be revoked at any time. The address stays, so that signing in again leads back to where one was.
whenUnauthorised(() => {
  const { session } = sessionStore.get();
  if (session !== null && session.role) sessionStore.set({ session: { ...session, keys: true, name: null, role: null }, problem: null });
});

const ranks: Readonly<Record<Role, number>> = { reader: 0, submitter: 1, operator: 2 };

/** True when the signed-in key has this role or one above it. */
export function may(session: Session | null, role: Role): boolean {
  return session?.role != null && ranks[session.role] >= ranks[role];
}

/** True when the signed-in key may pause, resume, cancel and retry the experiment. */
export function maySteer(session: Session | null, experiment: ExperimentInfo): boolean {
  return may(session, "operator") || (may(session, "submitter") && (experiment.owner ?? null) === (session?.name ?? null));
}
