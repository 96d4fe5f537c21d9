// SPDX-License-Identifier: Apache-2.0
import { useMemo } from "preact/hooks";
import type { CampaignRow } from "../api/types";
import { score } from "../app/format";
import { LineChart, lineColour, type Line } from "../charts/lineChart";
import { gridPlot } from "./grid";

/** F1 over one field of the grid, with a line for each combination of the others. */
export default function GridChart({ rows, fields, field, prediction, className }: {
  rows: readonly CampaignRow[]; fields: readonly string[]; field: string; prediction: string; className: string;
}) {
  const { plot, lines, x } = useMemo(() => {
    const made = gridPlot(rows, fields, field, prediction, className);
    return {
      plot: made,
      x: made.numbers ?? made.ticks.map((_, i) => i),
      lines: made.series.map((s, i): Line => ({ label: s.label, values: s.mean, spread: s.std, colour: lineColour(i), points: true })),
    };
  }, [rows, fields, field, prediction, className]);
  return (
    <LineChart
      label={`F1 of ${className} over ${field}: ${plot.series.map((s) => `${s.label}: ${s.mean.map((m, i) => `${plot.ticks[i]} ${score(m)}`).join(", ")}`).join("; ")}`}
      x={x} lines={lines} ticks={plot.ticks} logarithmicX={plot.logarithmic} xTitle={field} yTitle="F1" valueText={score} height={320}
    />
  );
}
