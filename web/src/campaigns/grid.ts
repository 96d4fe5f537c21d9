// SPDX-License-Identifier: Apache-2.0
import type { CampaignRow, Json } from "../api/types";

/** A value of the grid as a mark on an axis and in a table. */
export function gridText(value: Json | undefined): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

export interface GridSeries {
  /** The other fields' values: "network.levels 4, training.batch 2". */
  readonly label: string;
  /** By place on the axis. */
  readonly mean: readonly (number | null)[];
  readonly std: readonly (number | null)[];
}

export interface GridPlot {
  readonly ticks: readonly string[];
  /** Numbers of the axis when all are numbers and above 0 in more than a tenfold range: they are then drawn on a logarithmic axis. */
  readonly numbers: readonly number[] | null;
  readonly logarithmic: boolean;
  readonly series: readonly GridSeries[];
}

/** The rows of one prediction and class over one field of the grid: a line for each combination of the other fields. */
export function gridPlot(rows: readonly CampaignRow[], fields: readonly string[], field: string, prediction: string, className: string): GridPlot {
  const chosen = rows.filter((r) => r.prediction === prediction && r.class === className);
  const byText = new Map<string, Json>();
  for (const row of chosen) {
    const value = row.parameters[field];
    if (value !== undefined) byText.set(gridText(value), value);
  }
  const values = [...byText.values()];
  const allNumbers = values.length > 0 && values.every((v) => typeof v === "number");
  if (allNumbers) values.sort((a, b) => (a as number) - (b as number));
  const ticks = values.map(gridText);
  const numbers = allNumbers ? (values as number[]) : null;
  const logarithmic = numbers !== null && (numbers[0] ?? 0) > 0 && (numbers[numbers.length - 1] ?? 0) / (numbers[0] ?? 1) >= 10;

  const others = fields.filter((f) => f !== field);
  const series = new Map<string, { label: string; mean: (number | null)[]; std: (number | null)[] }>();
  for (const row of chosen) {
    const place = ticks.indexOf(gridText(row.parameters[field]));
    if (place < 0) continue;
    const label = others.map((f) => `${f} ${gridText(row.parameters[f])}`).join(", ") || "F1";
    let line = series.get(label);
    if (line === undefined) {
      line = { label, mean: ticks.map(() => null), std: ticks.map(() => null) };
      series.set(label, line);
    }
    line.mean[place] = row.mean ?? null;
    line.std[place] = row.std ?? null;
  }
  return { ticks, numbers, logarithmic, series: [...series.values()] };
}
