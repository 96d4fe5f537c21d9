// SPDX-License-Identifier: Apache-2.0

/** Grey levels shown as black and as white. */
export interface Window {
  readonly black: number;
  readonly white: number;
}

export function levelsOf(type: string): number {
  return type.toLowerCase() === "uint16" ? 65536 : 256;
}

/**
 * The window after brightness and contrast, each -100..100. Brightness moves the window by up to its own width; contrast narrows it to an
 * eighth, or widens it eightfold, about its middle.
 */
export function adjust(window: Window, brightness: number, contrast: number): Window {
  const width = Math.max(1, window.white - window.black);
  const middle = (window.black + window.white) / 2 - (brightness / 100) * width;
  const half = (width / 2) * 8 ** (-contrast / 100);
  return { black: middle - half, white: middle + half };
}

/** Displayed grey 0..255 of each level. */
export function toneTable(window: Window, levels: number): Uint8ClampedArray {
  const table = new Uint8ClampedArray(levels);
  const scale = 255 / Math.max(1e-9, window.white - window.black);
  for (let level = 0; level < levels; level++) table[level] = (level - window.black) * scale;
  return table;
}

/** The window that leaves half a percent of the voxels black and half a percent white; values below 0 are no voxels. */
export function windowOf(values: Int32Array, levels: number): Window | null {
  const histogram = new Uint32Array(levels);
  let all = 0;
  for (const value of values) {
    if (value >= 0 && value < levels) {
      histogram[value] = (histogram[value] as number) + 1;
      all++;
    }
  }
  if (all === 0) return null;
  const end = (from: number, by: 1 | -1) => {
    let seen = 0;
    for (let level = from; level >= 0 && level < levels; level += by) {
      seen += histogram[level] as number;
      if (seen > all * 0.005) return level;
    }
    return from;
  };
  const black = end(0, 1);
  return { black, white: Math.max(black + 1, end(levels - 1, -1)) };
}
