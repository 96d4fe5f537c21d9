// SPDX-License-Identifier: Apache-2.0
import "./charts.css";

/** The outline of bars, one wide each and 100 high at the largest count. */
export function histogramPath(counts: readonly number[]): string {
  const most = Math.max(1, ...counts);
  let path = "M0 100";
  counts.forEach((n, i) => {
    path += `V${(100 - (n / most) * 100).toFixed(2)}H${i + 1}`;
  });
  return `${path}V100Z`;
}

export function Histogram({ counts, label }: { counts: readonly number[]; label: string }) {
  return (
    <svg class="histogram" viewBox={`0 0 ${counts.length} 100`} preserveAspectRatio="none" role="img" aria-label={label}>
      <path d={histogramPath(counts)} />
    </svg>
  );
}
