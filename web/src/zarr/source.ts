// SPDX-License-Identifier: Apache-2.0
import { api } from "../api/client";
import type { Views } from "../api/types";

/** What a viewer shows: the views of an experiment, or of a registered volume. */
export type ViewsSource = { readonly kind: "experiment"; readonly id: number } | { readonly kind: "volume"; readonly name: string };

export function loadViews(source: ViewsSource, signal?: AbortSignal): Promise<Views> {
  return source.kind === "experiment" ? api.views(source.id, signal) : api.volumeViews(source.name, signal);
}
