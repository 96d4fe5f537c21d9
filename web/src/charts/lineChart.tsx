// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import "./charts.css";
import { figure } from "../app/format";
import { useStore } from "../app/store";
import { darkStore, token } from "../app/theme";

export interface Line {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** A custom property as "--chart-1", or a colour. */
  readonly colour: string;
  readonly dashed?: boolean;
  readonly points?: boolean;
  /** Half the length of a bar through each point. */
  readonly spread?: readonly (number | null)[];
}

export interface LineChartProps {
  /** What it shows, for those who do not see it. */
  readonly label: string;
  readonly x: readonly number[];
  readonly lines: readonly Line[];
  readonly xTitle: string;
  readonly yTitle: string;
  readonly yRange?: readonly [number, number];
  readonly logarithmicX?: boolean;
  readonly logarithmicY?: boolean;
  /** Marks of the x axis, one for each x, where the numbers themselves would not do. */
  readonly ticks?: readonly string[];
  /** Vertical lines. */
  readonly marks?: readonly number[];
  readonly height?: number;
  /** The values under the pointer in words; four digits where it is left out. */
  readonly valueText?: (value: number) => string;
  /** False where the lines are named beside the chart. */
  readonly legend?: boolean;
}

const colourOf = (name: string) => (name.startsWith("--") ? token(name) : name);

/** Lines over a common x, drawn by uPlot in the colours of the style; the legend shows the values under the pointer. */
export function LineChart(props: LineChartProps) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const newest = useRef(props);
  newest.current = props;
  const dark = useStore(darkStore);
  const { x, lines, height = 260 } = props;
  // What uPlot cannot change on a plot that exists; anything else is set on the plot.
  const fixed = JSON.stringify([
    lines.map((l) => [l.label, l.colour, l.dashed, l.points]), props.xTitle, props.yTitle, props.yRange, props.logarithmicX, props.logarithmicY,
    props.ticks, props.marks, height, dark,
  ]);

  useEffect(() => {
    const div = holder.current;
    if (div === null) return;
    const made = new uPlot(options(newest, div.clientWidth, height), data(newest.current), div);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      if (div.clientWidth > 0) made.setSize({ width: div.clientWidth, height });
    });
    observer.observe(div);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [fixed]);

  useEffect(() => {
    plot.current?.setData(data(newest.current));
  }, [x, lines]);

  return <div ref={holder} class="chart" role="img" aria-label={props.label} style={{ minHeight: `${height}px` }} />;
}

function data({ x, lines }: LineChartProps): uPlot.AlignedData {
  return [[...x], ...lines.map((l) => [...l.values])];
}

function options(newest: { readonly current: LineChartProps }, width: number, height: number): uPlot.Options {
  const props = newest.current;
  const ink = token("--ink-2");
  const grid = token("--chart-grid");
  const font = `11px ${token("--font")}`;
  const axis: uPlot.Axis = {
    stroke: ink, font, labelFont: font, labelSize: 18, labelGap: 2, gap: 4,
    grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1, size: 4 },
  };
  const { ticks, yRange } = props;
  return {
    width: Math.max(200, width),
    height,
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    legend: { show: props.legend !== false, live: true, markers: { width: 2, dash: (_, i) => (props.lines[i - 1]?.dashed ? "dashed" : "solid") } },
    scales: {
      x: {
        time: false,
        ...(props.logarithmicX ? { distr: 3 as const } : {}),
        ...(ticks === undefined ? {} : { range: (_: uPlot, min: number, max: number): [number, number] => margins(min, max, props.logarithmicX === true) }),
      },
      y: {
        ...(props.logarithmicY ? { distr: 3 as const } : {}),
        ...(yRange !== undefined ? { range: [yRange[0], yRange[1]] as [number, number] }
          : props.lines.some((l) => l.spread !== undefined) ? { range: () => spreadRange(newest.current.lines) } : {}),
      },
    },
    axes: [
      {
        ...axis, label: props.xTitle, size: 30,
        ...(ticks === undefined ? {} : { splits: () => [...newest.current.x], values: () => [...(newest.current.ticks ?? [])] }),
      },
      { ...axis, label: props.yTitle, size: 48, values: (_, splits) => splits.map((v) => (v === null ? "" : figure(v))) },
    ],
    series: [
      { label: props.xTitle, value: (_, v) => (v === null ? "–" : ticks?.[props.x.indexOf(v)] ?? figure(v)) },
      ...props.lines.map((line): uPlot.Series => ({
        label: line.label,
        stroke: colourOf(line.colour),
        width: 1.5,
        spanGaps: true,
        ...(line.dashed ? { dash: [5, 4] } : {}),
        points: { show: line.points === true, size: 6 },
        value: (_, v) => (v === null ? "–" : (newest.current.valueText ?? figure)(v)),
      })),
    ],
    hooks: {
      draw: [
        (u) => {
          drawMarks(u, newest.current.marks ?? []);
          drawSpreads(u, newest.current.lines);
        },
      ],
    },
  };
}

/** Room beside the first and last mark, so that their points are whole. */
function margins(min: number, max: number, logarithmic: boolean): [number, number] {
  if (logarithmic) {
    const factor = Math.max(1.2, (max / min) ** 0.06);
    return [min / factor, max * factor];
  }
  const room = Math.max((max - min) * 0.06, min === max ? 1 : 0);
  return [min - room, max + room];
}

/** From the lowest to the highest end of the bars, with some room. */
export function spreadRange(lines: readonly Pick<Line, "values" | "spread">[]): [number, number] {
  const ends = lines.flatMap((l) => l.values.flatMap((v, i) => (v === null ? [] : [v - (l.spread?.[i] ?? 0), v + (l.spread?.[i] ?? 0)])));
  if (ends.length === 0) return [0, 1];
  const low = Math.min(...ends);
  const high = Math.max(...ends);
  const room = Math.max((high - low) * 0.08, 1e-3);
  return [low - room, high + room];
}

function drawMarks(u: uPlot, marks: readonly number[]): void {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.strokeStyle = token("--ink-3");
  ctx.lineWidth = window.devicePixelRatio;
  ctx.setLineDash([2 * window.devicePixelRatio, 3 * window.devicePixelRatio]);
  for (const mark of marks) {
    const at = Math.round(u.valToPos(mark, "x", true)) + 0.5;
    ctx.beginPath();
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

function drawSpreads(u: uPlot, lines: readonly Line[]): void {
  const { ctx } = u;
  ctx.save();
  ctx.lineWidth = window.devicePixelRatio;
  lines.forEach((line, index) => {
    if (line.spread === undefined || u.series[index + 1]?.show === false) return;
    ctx.strokeStyle = colourOf(line.colour);
    line.spread.forEach((half, i) => {
      const value = line.values[i];
      const x = u.data[0][i];
      if (half == null || value == null || x === undefined) return;
      const at = Math.round(u.valToPos(x, "x", true)) + 0.5;
      ctx.beginPath();
      ctx.moveTo(at, u.valToPos(value - half, "y", true));
      ctx.lineTo(at, u.valToPos(value + half, "y", true));
      ctx.stroke();
    });
  });
  ctx.restore();
}

/** The n-th colour of lines that have none of their own. */
export function lineColour(n: number): string {
  return `--chart-${(n % 8) + 1}`;
}
