// SPDX-License-Identifier: Apache-2.0
import "@kitware/vtk.js/Rendering/OpenGL/Profiles/Volume";
import vtkDataArray from "@kitware/vtk.js/Common/Core/DataArray";
import vtkImageData from "@kitware/vtk.js/Common/DataModel/ImageData";
import vtkPiecewiseFunction from "@kitware/vtk.js/Common/DataModel/PiecewiseFunction";
import vtkPlane from "@kitware/vtk.js/Common/DataModel/Plane";
import vtkInteractorStyleTrackballCamera from "@kitware/vtk.js/Interaction/Style/InteractorStyleTrackballCamera";
import vtkColorTransferFunction from "@kitware/vtk.js/Rendering/Core/ColorTransferFunction";
import vtkRenderer from "@kitware/vtk.js/Rendering/Core/Renderer";
import vtkRenderWindow from "@kitware/vtk.js/Rendering/Core/RenderWindow";
import vtkRenderWindowInteractor from "@kitware/vtk.js/Rendering/Core/RenderWindowInteractor";
import vtkVolume from "@kitware/vtk.js/Rendering/Core/Volume";
import vtkVolumeMapper from "@kitware/vtk.js/Rendering/Core/VolumeMapper";
import { ColorMixPreset } from "@kitware/vtk.js/Rendering/Core/VolumeProperty/Constants";
import vtkOpenGLRenderWindow from "@kitware/vtk.js/Rendering/OpenGL/RenderWindow";
import type { Plane, Space } from "../slices/geometry";
import { voxels, type Axis } from "../zarr/space";
import { edgesOf, lengthsOf } from "./box";
import type { Grid } from "./grid";
import { drawBox } from "./marks";
import { mixOfImageAndClasses } from "./shader";
import { steps, type Tone } from "./tables";

export interface Cut {
  readonly axis: Axis;
  /** 0..1 of the volume along the axis. */
  readonly position: number;
  /** Which side stays. */
  readonly keepsEnd: boolean;
}

const degrees = 8;

/** From where (x, y, z) a section is seen with its axes to the right and down. */
const eyes: Readonly<Record<Plane["name"], readonly [number, number, number]>> = { xy: [0, 0, -1], xz: [0, 1, 0], yz: [1, 0, 0] };

/** The volume as vtk.js draws it: image and drawn classes on one grid. World coordinates are nm, x, y, z. */
export class Scene {
  private readonly view: vtkOpenGLRenderWindow;
  private readonly window = vtkRenderWindow.newInstance();
  private readonly renderer = vtkRenderer.newInstance({ background: [0.027, 0.035, 0.047] });
  private readonly interactor = vtkRenderWindowInteractor.newInstance();
  private readonly volume = vtkVolume.newInstance();
  private readonly mapper = vtkVolumeMapper.newInstance();
  private readonly resized: ResizeObserver;
  private readonly canvas: HTMLCanvasElement;
  /** Over the volume: the box with its lengths. */
  private readonly over = document.createElement("canvas");
  private marked = true;
  private density = 1;
  private frame = 0;
  private grid: Grid | null = null;
  private closed = false;

  constructor(private readonly container: HTMLElement, private readonly space: Pick<Space, "voxelSize">, private readonly software: boolean, onLost: () => void) {
    this.canvas = document.createElement("canvas");
    // The first who asks for a canvas's context says what it is like; vtk.js then gets this one. Pictures are taken of what was drawn.
    const context = this.canvas.getContext("webgl2", { preserveDrawingBuffer: true, antialias: false, alpha: false, powerPreference: "high-performance" });
    if (context === null) throw new Error("This browser gives the page no WebGL2.");
    this.canvas.addEventListener("webglcontextlost", () => {
      if (!this.closed) onLost();
    });
    this.view = vtkOpenGLRenderWindow.newInstance({ canvas: this.canvas });
    this.view.setContainer(container);
    this.window.addRenderer(this.renderer);
    this.window.addView(this.view);
    this.interactor.setView(this.view);
    this.interactor.initialize();
    this.interactor.bindEvents(container);
    this.interactor.setInteractorStyle(vtkInteractorStyleTrackballCamera.newInstance());
    this.interactor.setDesiredUpdateRate(software ? 6 : 20);

    this.mapper.set({
      viewSpecificProperties: { OpenGL: { ShaderReplacements: [{ shaderType: "Fragment", originalValue: "//VTK::CustomColorMix", replaceFirst: true, replacementValue: mixOfImageAndClasses, replaceAll: false }] } },
    });
    this.volume.setMapper(this.mapper);
    const look = this.volume.getProperty(0);
    look.setIndependentComponents(true);
    look.setColorMixPreset(ColorMixPreset.CUSTOM);
    look.setShade(false);
    look.setInterpolationTypeToLinear();
    // Between two class ids lies a third class.
    this.volume.getProperty(1).setInterpolationTypeToNearest();

    this.over.setAttribute("aria-hidden", "true");
    container.append(this.over);
    // However a frame has come about, by a drag or by a button, the box is drawn as the volume was.
    this.interactor.onRenderEvent(() => this.drawOver());

    this.resized = new ResizeObserver(() => this.resize());
    this.resized.observe(container);
    this.resize();
  }

  /** Lays the volumes in. The camera stays where it is, so that images of the same place can be compared. */
  show(grid: Grid, image: Uint8Array, drawn: Uint8Array | null): void {
    const first = this.grid === null;
    const other = this.grid !== grid;
    this.grid = grid;
    this.mapper.removeAllClippingPlanes();
    if (other) this.mapper.setInputData(imageOf(grid, image), 0);
    // Without classes one empty voxel stands for them all: places are counted in shares of the box.
    const classes = imageOf(drawn === null ? { ...grid, shape: [1, 1, 1] } : grid, drawn ?? new Uint8Array(1));
    if (this.mapper.getNumberOfInputPorts() < 2) this.mapper.addInputData(classes);
    else this.mapper.setInputData(classes, 1);
    const finest = Math.min(...grid.spacing);
    // Two samples a voxel look smooth; where there are many voxels, one does, and cards of laptops still end a frame in time.
    const distance = finest * (this.software || voxels(grid.shape) > 256 ** 3 ? 1 : 0.5);
    this.mapper.setSampleDistance(distance);
    this.mapper.setMaximumSamplesPerRay(Math.ceil(diagonal(grid) / distance) + 2);
    const look = this.volume.getProperty(0);
    look.setScalarOpacityUnitDistance(0, diagonal(grid) / 100);
    look.setScalarOpacityUnitDistance(1, finest);
    if (first) {
      this.renderer.addVolume(this.volume);
      this.reset();
    } else if (other) {
      this.renderer.resetCameraClippingRange();
    }
  }

  /** Whether the box around the volume is drawn. */
  mark(marked: boolean): void {
    this.marked = marked;
  }

  /** What greys and drawn values look like. */
  paint(imageOpacity: ArrayLike<number>, tones: readonly Tone[]): void {
    const look = this.volume.getProperty(0);
    const greys = vtkColorTransferFunction.newInstance();
    greys.addRGBPoint(0, 0, 0, 0);
    greys.addRGBPoint(255, 1, 1, 1);
    const dark = vtkPiecewiseFunction.newInstance();
    for (let grey = 0; grey < imageOpacity.length; grey++) dark.addPoint(grey, imageOpacity[grey] as number);
    const colours = vtkColorTransferFunction.newInstance();
    const [red, green, blue] = ([0, 1, 2] as const).map((i) => steps(tones.map((t) => t.colour[i] / 255)));
    red?.forEach(([at, value], i) => colours.addRGBPoint(at, value, green?.[i]?.[1] ?? 0, blue?.[i]?.[1] ?? 0));
    const opacities = vtkPiecewiseFunction.newInstance();
    for (const [at, value] of steps(tones.map((t) => t.opacity))) opacities.addPoint(at, value);
    look.setRGBTransferFunction(0, greys);
    look.setScalarOpacity(0, dark);
    look.setRGBTransferFunction(1, colours);
    look.setScalarOpacity(1, opacities);
  }

  cut(cut: Cut | null): void {
    this.mapper.removeAllClippingPlanes();
    if (cut === null || this.grid === null) return;
    const { origin, spacing, shape } = this.grid;
    const at = origin[cut.axis] + (cut.position * shape[cut.axis] - 0.5) * spacing[cut.axis];
    const place: [number, number, number] = [0, 0, 0];
    const normal: [number, number, number] = [0, 0, 0];
    place[2 - cut.axis] = at;
    normal[2 - cut.axis] = cut.keepsEnd ? 1 : -1;
    this.mapper.addClippingPlane(vtkPlane.newInstance({ origin: place, normal }));
  }

  /** As a section lies: its axes to the right and down. Without one as xy lies, turned a little, so that three sides are seen. */
  reset(plane: Plane["name"] | null = null): void {
    const camera = this.renderer.getActiveCamera();
    camera.setFocalPoint(0, 0, 0);
    camera.setPosition(...eyes[plane ?? "xy"]);
    if (plane === "xz") camera.setViewUp(0, 0, -1);
    else camera.setViewUp(0, -1, 0);
    if (plane === null) {
      camera.azimuth(-32);
      camera.elevation(24);
      camera.orthogonalizeViewUp();
    }
    this.renderer.resetCamera();
    // The view's angle is that of its height: where it is narrower than high, the camera must stand further off.
    const { width, height } = this.container.getBoundingClientRect();
    camera.dolly(1.02 * Math.min(1, width / Math.max(1, height)));
    this.renderer.resetCameraClippingRange();
  }

  turn(right: number, up: number): void {
    const camera = this.renderer.getActiveCamera();
    camera.azimuth(right * degrees);
    camera.elevation(up * degrees);
    camera.orthogonalizeViewUp();
    this.renderer.resetCameraClippingRange();
  }

  zoom(factor: number): void {
    this.renderer.getActiveCamera().dolly(factor);
    this.renderer.resetCameraClippingRange();
  }

  /** Draws with the next frame, however often it is asked for; drawn is called once the browser has shown it. */
  draw(drawn?: () => void): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      if (this.closed) return;
      this.window.render();
      if (drawn !== undefined) this.frame = requestAnimationFrame(drawn);
    });
  }

  picture(): Promise<Blob> {
    this.window.render();
    const both = document.createElement("canvas");
    [both.width, both.height] = [this.canvas.width, this.canvas.height];
    const context = both.getContext("2d");
    for (const layer of [this.canvas, this.over]) context?.drawImage(layer, 0, 0);
    return new Promise((resolve, reject) => {
      both.toBlob((blob) => (blob === null ? reject(new Error("The browser made no picture.")) : resolve(blob)), "image/png");
    });
  }

  close(): void {
    this.closed = true;
    cancelAnimationFrame(this.frame);
    this.resized.disconnect();
    this.interactor.unbindEvents();
    this.renderer.removeVolume(this.volume);
    // Textures go with the context; waiting for the garbage collector would keep them on the card.
    const lose = this.canvas.getContext("webgl2")?.getExtension("WEBGL_lose_context");
    this.volume.delete();
    this.mapper.delete();
    this.interactor.delete();
    this.window.removeView(this.view);
    this.view.delete();
    this.renderer.delete();
    this.window.delete();
    lose?.loseContext();
    this.canvas.remove();
    this.over.remove();
  }

  private resize(): void {
    const { width, height } = this.container.getBoundingClientRect();
    if (width < 1 || height < 1) return;
    // A processor that draws has no time for the pixels of dense screens.
    this.density = this.software ? 1 : Math.min(2, window.devicePixelRatio || 1);
    const [columns, rows] = [Math.floor(width * this.density), Math.floor(height * this.density)];
    this.view.setSize(columns, rows);
    [this.over.width, this.over.height] = [columns, rows];
    this.canvas.style.width = "100%";
    this.canvas.style.height = "100%";
    if (this.grid !== null) this.draw();
  }

  private drawOver(): void {
    const { grid, over, density } = this;
    const context = over.getContext("2d");
    if (context === null || this.closed) return;
    context.clearRect(0, 0, over.width, over.height);
    if (grid === null || !this.marked) return;
    const [x, y, z] = this.renderer.getActiveCamera().getPosition();
    const edges = edgesOf(grid, [z, y, x], (place) => {
      const [right, up] = this.view.worldToDisplay(place[2], place[1], place[0], this.renderer);
      return { x: right / density, y: (over.height - up) / density };
    });
    drawBox(context, density, edges, lengthsOf(grid), this.space);
  }
}

function imageOf(grid: Grid, values: Uint8Array): vtkImageData {
  const [z, y, x] = grid.shape;
  const image = vtkImageData.newInstance();
  image.setDimensions(x, y, z);
  image.setSpacing([grid.spacing[2], grid.spacing[1], grid.spacing[0]]);
  image.setOrigin([grid.origin[2], grid.origin[1], grid.origin[0]]);
  image.getPointData().setScalars(vtkDataArray.newInstance({ name: "values", numberOfComponents: 1, values }));
  return image;
}

function diagonal(grid: Grid): number {
  return Math.hypot(...([0, 1, 2] as const).map((i) => grid.shape[i] * grid.spacing[i]));
}
