// SPDX-License-Identifier: Apache-2.0
// Numbers, times and sizes as people read them. What is missing is an en dash.

export const missing = "–";

type Maybe = number | null | undefined;
const isNumber = (value: Maybe): value is number => typeof value === "number" && Number.isFinite(value);

/** F1, precision, recall: four places, as the tables of the field have them. */
export function score(value: Maybe): string {
  return isNumber(value) ? value.toFixed(4) : missing;
}

/** A difference of two scores, with its sign: "+0.0123", "−0.0123". */
export function difference(value: Maybe): string {
  if (!isNumber(value)) return missing;
  const text = Math.abs(value).toFixed(4);
  if (Number(text) === 0) return text;
  return (value > 0 ? "+" : "−") + text;
}

/** A share 0..1 as per cent; small ones keep two places that say something. */
export function percent(value: Maybe): string {
  if (!isNumber(value)) return missing;
  const p = value * 100;
  if (p === 0) return "0 %";
  if (p < 0.01) return "< 0.01 %";
  return `${p >= 10 ? p.toFixed(1) : p.toFixed(2)} %`;
}

/** How far a bar is. It says 100 % only when all is done. */
export function progressPercent(fraction: number): string {
  return fraction >= 1 ? "100 %" : `${Math.min(99.9, Math.max(0, fraction * 100)).toFixed(1)} %`;
}

/** "3 d 4 h", "2 h 05 min", "4 min 20 s", "12 s", "0.4 s". */
export function duration(seconds: Maybe): string {
  if (!isNumber(seconds) || seconds < 0) return missing;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  const m = Math.floor(s / 60);
  if (m < 60) return `${m} min ${two(s % 60)} s`;
  const h = Math.floor(m / 60);
  if (h < 24) return `${h} h ${two(m % 60)} min`;
  return `${Math.floor(h / 24)} d ${h % 24} h`;
}

/** Time left is a guess, so it is said in one or two units and no tenths: "about 2 h 05 min". */
export function timeLeft(seconds: Maybe): string {
  if (!isNumber(seconds) || seconds < 0) return missing;
  if (seconds < 5) return "a few seconds";
  return `about ${duration(seconds < 60 ? Math.max(10, Math.ceil(seconds)) : seconds)}`;
}

/** Items per second, minute or hour: whichever gives a number that can be read. */
export function rate(perSecond: Maybe): string {
  if (!isNumber(perSecond) || perSecond < 0) return missing;
  if (perSecond === 0) return "0/s";
  if (perSecond >= 1) return `${digits(perSecond)}/s`;
  if (perSecond * 60 >= 1) return `${digits(perSecond * 60)}/min`;
  return `${digits(perSecond * 3600)}/h`;
}

function digits(value: number): string {
  if (value >= 100) return count(Math.round(value));
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

export function bytes(value: Maybe): string {
  if (!isNumber(value)) return missing;
  let unit = 0;
  let left = value;
  while (left >= 1023.5 && unit < units.length - 1) {
    left /= 1024;
    unit++;
  }
  return `${unit === 0 || left >= 99.95 ? Math.round(left) : left.toFixed(1)} ${units[unit]}`;
}

/** Whole numbers with thin spaces between thousands. */
export function count(value: Maybe): string {
  if (!isNumber(value)) return missing;
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

/** A number of any size in four digits. */
export function figure(value: Maybe): string {
  if (!isNumber(value)) return missing;
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e5 || size < 1e-3 ? value.toExponential(2).replace("e+", "e") : String(Number(value.toPrecision(4)));
}

/** A loss: four places, so that a column of them lines up; very small ones in three digits. */
export function loss(value: Maybe): string {
  return isNumber(value) && Math.abs(value) >= 1e-3 ? value.toFixed(4) : figure(value);
}

export function shape(triple: readonly number[]): string {
  return triple.join(" × ");
}

const two = (value: number) => String(value).padStart(2, "0");

/** Local time to the second: "2026-03-01 14:05:09". */
export function time(utc: string | null | undefined): string {
  const at = new Date(utc ?? "");
  if (Number.isNaN(at.getTime())) return missing;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(utc)}`;
}

/** Local time of the day: "14:05:09". */
export function clock(utc: string | null | undefined): string {
  const at = new Date(utc ?? "");
  return Number.isNaN(at.getTime()) ? missing : `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** "5 min ago", to be set beside the full time. */
export function ago(utc: string | null | undefined, now: number): string {
  const seconds = (now - new Date(utc ?? "").getTime()) / 1000;
  if (!Number.isFinite(seconds)) return missing;
  if (seconds < 10) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** Seconds from one time to another; null where one is missing. */
export function secondsBetween(from: string | null | undefined, to: string | number | null | undefined): number | null {
  const seconds = (new Date(to ?? "").getTime() - new Date(from ?? "").getTime()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}
