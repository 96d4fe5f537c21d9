// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef } from "preact/hooks";
import { axisNames, type Axis } from "../zarr/space";
import { fit, moveTo, pan, pointAt, step, zoom, type Look, type Plane, type Sizes, type Space } from "./geometry";

export interface PaneProps {
  readonly plane: Plane;
  readonly space: Space;
  readonly look: Look;
  readonly sizes: () => Sizes;
  readonly onLook: (change: (look: Look) => Look) => void;
  readonly onCanvas: (plane: Plane, canvas: HTMLCanvasElement | null) => void;
  readonly helpId: string;
}

/** One section. The voxels are drawn by the view, which knows all panes; here is what mouse, touch and keys do. */
export function Pane({ plane, space, look, sizes, onLook, onCanvas, helpId }: PaneProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const drag = useRef<{ readonly id: number; x: number; y: number; moved: boolean } | null>(null);

  useEffect(() => {
    onCanvas(plane, canvas.current);
    return () => onCanvas(plane, null);
  }, [plane, onCanvas]);

  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    let rest = 0;
    // Not passive, which is what frameworks make it: the page must neither scroll nor zoom under the pointer.
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * 100;
      if (event.ctrlKey || event.metaKey) {
        const [right, down] = fromMiddle(element, event);
        onLook((old) => zoom(old, plane, Math.exp(-pixels / 300), right, down, space));
        return;
      }
      // Touch pads send many small moves; a section is a step of a mouse's wheel.
      rest += pixels;
      const sections = Math.trunc(rest / 50);
      if (sections === 0) return;
      rest -= sections * 50;
      onLook((old) => step(old, plane.through, Math.abs(sections) > 2 ? sections : Math.sign(sections), space, sizes()));
    };
    element.addEventListener("wheel", wheel, { passive: false });
    return () => element.removeEventListener("wheel", wheel);
  }, [plane, space, onLook, sizes]);

  const down = (event: PointerEvent) => {
    if (event.button !== 0 || drag.current !== null) return;
    canvas.current?.setPointerCapture(event.pointerId);
    drag.current = { id: event.pointerId, x: event.clientX, y: event.clientY, moved: false };
  };
  const move = (event: PointerEvent) => {
    const held = drag.current;
    if (held === null || held.id !== event.pointerId) return;
    const [right, under] = [event.clientX - held.x, event.clientY - held.y];
    if (!held.moved && Math.hypot(right, under) < 4) return;
    drag.current = { id: held.id, x: event.clientX, y: event.clientY, moved: true };
    onLook((old) => pan(old, plane, right, under, space));
  };
  const up = (event: PointerEvent) => {
    const held = drag.current;
    const element = canvas.current;
    if (held === null || held.id !== event.pointerId || element === null) return;
    drag.current = null;
    if (held.moved || event.type === "pointercancel") return;
    const [right, under] = fromMiddle(element, event);
    const size = { width: element.clientWidth, height: element.clientHeight };
    onLook((old) => {
      const point = pointAt(old, plane, size, right + size.width / 2, under + size.height / 2, space);
      return moveTo(old, [Math.floor(point[0]), Math.floor(point[1]), Math.floor(point[2])], space, sizes());
    });
  };
  const key = (event: KeyboardEvent) => {
    const change = changeOf(event, plane, space, sizes);
    if (change === null) return;
    event.preventDefault();
    onLook(change);
  };

  const at = look.at[plane.through];
  const through = axisNames[plane.through];
  return (
    <figure class={`pane pane-${plane.name}`}>
      <canvas
        ref={canvas} tabIndex={0} role="application" aria-describedby={helpId}
        aria-label={`${plane.name} section at ${through} ${at} of 0 to ${space.shape[plane.through] - 1}`}
        onPointerDown={down} onPointerMove={move} onPointerUp={up} onPointerCancel={up} onKeyDown={key}
      />
      <figcaption>
        <span class="pane-name">{plane.name}</span>
        <label>
          <span class="pane-axis">{through}</span>
          <input
            type="range" min={0} max={space.shape[plane.through] - 1} value={at} aria-label={`Section along ${through}`}
            onInput={(e) => {
              const to = Number(e.currentTarget.value);
              onLook((old) => step(old, plane.through, to - old.at[plane.through], space, sizes()));
            }}
          />
          <output>{at}</output>
        </label>
      </figcaption>
    </figure>
  );
}

function fromMiddle(element: HTMLElement, event: MouseEvent): [number, number] {
  const box = element.getBoundingClientRect();
  return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
}

/** What a key does in a pane; null when it is not the pane's. */
export function changeOf(
  event: Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "altKey" | "metaKey">, plane: Plane, space: Space, sizes: () => Sizes,
): ((look: Look) => Look) | null {
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  const by = event.shiftKey ? 10 : 1;
  const stepping = (axis: Axis, sign: number) => (look: Look) => step(look, axis, sign * by, space, sizes());
  switch (event.key) {
    case "ArrowLeft": return stepping(plane.right, -1);
    case "ArrowRight": return stepping(plane.right, 1);
    case "ArrowUp": return stepping(plane.down, -1);
    case "ArrowDown": return stepping(plane.down, 1);
    case "PageUp": return stepping(plane.through, -1);
    case "PageDown": return stepping(plane.through, 1);
    case "+": case "=": return (look) => zoom(look, plane, 1.25, 0, 0, space);
    case "-": case "_": return (look) => zoom(look, plane, 1 / 1.25, 0, 0, space);
    case "Home": case "0": return (look) => ({ ...fit(space, sizes()), at: look.at });
    default: return null;
  }
}
