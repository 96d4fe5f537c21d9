// SPDX-License-Identifier: Apache-2.0
import type { TextureBudget } from "../zarr/levels";

/** What the browser says about the graphics that it draws with. */
export interface Graphics {
  readonly renderer: string;
  /** True where the processor draws in the graphics card's place. */
  readonly software: boolean;
  readonly budget: TextureBudget;
}

/** One byte of image and one of classes per voxel: 512 x 512 x 512 take 256 MiB of a graphics card, and as much of the browser. */
const voxelsOfCard = 512 ** 3;
/** A processor steps along every ray itself; larger volumes would no longer turn. */
const voxelsOfProcessor = 160 ** 3;

export function isSoftware(renderer: string): boolean {
  return /swiftshader|llvmpipe|softpipe|lavapipe|software|microsoft basic render/i.test(renderer);
}

export function budgetFor(side: number, software: boolean): TextureBudget {
  return { side, voxels: software ? voxelsOfProcessor : voxelsOfCard };
}

/** Null where the browser has no WebGL2. The context it asks with is given back at once: browsers have few. */
export function probeGraphics(): Graphics | null {
  const context = document.createElement("canvas").getContext("webgl2");
  if (context === null) return null;
  // Firefox tells the renderer without the extension and warns about its use; others need it.
  const names = navigator.userAgent.includes("Firefox") ? null : context.getExtension("WEBGL_debug_renderer_info");
  const renderer = String(context.getParameter(names?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER));
  const side = Number(context.getParameter(context.MAX_3D_TEXTURE_SIZE));
  context.getExtension("WEBGL_lose_context")?.loseContext();
  const software = isSoftware(renderer);
  return { renderer, software, budget: budgetFor(side, software) };
}
