// SPDX-License-Identifier: Apache-2.0

/** A number that is chosen by moving a thumb, with its name and value beside it. */
export function Slider({ label, min, max, value, unit = "", onInput }: {
  label: string; min: number; max: number; value: number; /** What follows the value. */ unit?: string; onInput: (value: number) => void;
}) {
  return (
    <label class="slider">
      <span>{label}</span>
      <input type="range" min={min} max={max} value={value} onInput={(e) => onInput(Number(e.currentTarget.value))} />
      <output>{value}{unit}</output>
    </label>
  );
}
