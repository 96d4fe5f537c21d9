// SPDX-License-Identifier: Apache-2.0
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useLoaded } from "../api/loading";
import { asProblem, isAbort } from "../api/problems";
import type { ViewInfo, Views } from "../api/types";
import { attempt } from "../app/notices";
import { Bar, Empty, Failure, Status } from "../app/parts";
import { loadViews, type ViewsSource } from "../zarr/source";
import { probeGraphics, type Graphics } from "./budget";
import { Controls } from "./controls";
import { gridOf, levelWords, sourceThatFits } from "./grid";
import { VolumeLoader } from "./loading";
import { Scene } from "./scene";
import { cutOf, drawnOf, frameOf, keyOf, pictureWords, settingsFor, tonesOf, type Settings } from "./settings";
import { imageOpacity } from "./tables";
import "../slices/slices.css";
import "./volume.css";

/** Image and classes of a volume or an experiment in space. */
export default function VolumeView({ source }: { source: ViewsSource }) {
  const name = source.kind === "experiment" ? `experiment-${source.id}` : source.name;
  const [unready, setUnready] = useState(false);
  const loaded = useLoaded(`${source.kind} ${name}`, (signal) => loadViews(source, signal), unready ? 15_000 : 0);
  const graphics = useMemo(probeGraphics, []);
  const [turn, setTurn] = useState(0);
  const [chosen, setChosen] = useState<Settings | null>(null);
  const views = useSame(loaded.value);
  useEffect(() => setUnready(views?.views.some((v) => !v.ready) ?? false), [views]);
  if (graphics === null) return <Empty>This browser has no WebGL2, which the 3D view draws with. The sections show the same voxels.</Empty>;
  if (views === null) return <Status loaded={loaded} />;
  if (frameOf(views) === null) return <Empty>There is nothing to see yet. The volume appears here once it has been read.</Empty>;
  return (
    <Stage
      key={`${turn} ${JSON.stringify(views)}`} name={name} views={views} graphics={graphics}
      chosen={chosen} onChoose={setChosen} onAgain={() => setTurn((n) => n + 1)}
    />
  );
}

/** The old object as long as the new ones say the same, so that asking again does not load volumes again. */
function useSame(views: Views | null): Views | null {
  const last = useRef<{ readonly text: string; readonly views: Views | null }>({ text: "null", views: null });
  const text = JSON.stringify(views);
  if (last.current.text !== text) last.current = { text, views };
  return last.current.views;
}

interface StageProps {
  readonly name: string;
  readonly views: Views;
  readonly graphics: Graphics;
  readonly chosen: Settings | null;
  readonly onChoose: (settings: Settings) => void;
  readonly onAgain: () => void;
}

type Loading = { readonly fraction: number; readonly what: string } | null;

function Stage({ name, views, graphics, chosen, onChoose, onAgain }: StageProps) {
  const container = useRef<HTMLDivElement>(null);
  const settings = useMemo(() => settingsFor(views, chosen), [views, chosen]);
  const drawn = useMemo(() => drawnOf(views, settings), [views, settings]);
  const key = keyOf(drawn);

  const source = useMemo(() => sourceThatFits(frameOf(views) as ViewInfo, graphics.budget), [views, graphics]);
  const grid = useMemo(() => gridOf(source, views.voxelSize), [source, views]);
  const [scene, setScene] = useState<Scene | null>(null);
  const [image, setImage] = useState<Uint8Array | null>(null);
  /** Key of what is laid in. */
  const [laid, setLaid] = useState<string | null>(null);
  const [rendered, setRendered] = useState<string | null>(null);
  const [loading, setLoading] = useState<Loading>({ fraction: 0, what: source.view.name });
  const [failure, setFailure] = useState<string | null>(null);
  const leaving = useRef<AbortController>(new AbortController());
  const loader = useMemo(() => new VolumeLoader(views, grid, leaving.current.signal), [views, grid]);

  const fail = useCallback((error: unknown) => {
    if (!isAbort(error)) setFailure(asProblem(error).message);
  }, []);

  useEffect(() => {
    const made = new Scene(container.current as HTMLDivElement, graphics.software, () => setFailure("The graphics card dropped the volume."));
    setScene(made);
    loader.image(source, (fraction, what) => setLoading({ fraction, what })).then(setImage, fail);
    return () => {
      leaving.current.abort();
      made.close();
    };
  }, []);

  useEffect(() => {
    if (scene === null || image === null) return;
    let old = false;
    setRendered(null);
    loader.drawn(drawn, (fraction, what) => old || setLoading({ fraction, what })).then((values) => {
      if (old) return;
      scene.show(grid, image, values);
      setLoading(null);
      setLaid(key);
    }, fail);
    return () => {
      old = true;
    };
  }, [scene, image, key, loader]);

  useEffect(() => {
    if (scene === null || laid !== key) return;
    scene.paint(imageOpacity(settings.image), tonesOf(views, settings, drawn));
    scene.cut(cutOf(settings));
    setRendered(null);
    scene.draw(() => setRendered(key));
  }, [scene, laid, key, settings, views]);

  const onKey = (event: KeyboardEvent) => {
    if (scene === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = ({
      ArrowLeft: () => scene.turn(1, 0),
      ArrowRight: () => scene.turn(-1, 0),
      ArrowUp: () => scene.turn(0, -1),
      ArrowDown: () => scene.turn(0, 1),
      "+": () => scene.zoom(1.15),
      "=": () => scene.zoom(1.15),
      "-": () => scene.zoom(1 / 1.15),
      Home: () => scene.reset(),
    } as Record<string, () => void>)[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
    scene.draw();
  };

  const save = () => attempt(async () => {
    if (scene === null) return;
    const url = URL.createObjectURL(await scene.picture());
    const link = document.createElement("a");
    link.href = url;
    link.download = `${name}-3d.png`;
    link.click();
    // The download reads the picture after the click.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  });

  return (
    <div class="volume3d">
      <div class="volume-main">
        <div
          ref={container} class="volume-stage" tabIndex={0} role="application" aria-label="Volume in 3D" aria-describedby="volume-words volume-help"
          data-level={source.level.path} data-rendered={rendered === key ? "true" : "false"} onKeyDown={onKey}
        />
        <p class="hint" id="volume-level">{levelWords(source, graphics.budget, graphics.software)}</p>
        <p class="unseen" id="volume-words">{pictureWords(views, settings)}</p>
      </div>
      <aside class="volume-side" aria-label="What is shown">
        {failure !== null && <Failure text={failure} again={onAgain} />}
        {failure === null && loading !== null && (
          <div class="volume-loading" role="status">
            <span>Loading {loading.what}…</span>
            <Bar fraction={loading.fraction} label={`Loading ${loading.what}`} />
          </div>
        )}
        <Controls
          views={views} settings={settings} onChange={(change) => onChoose({ ...settings, ...change })}
          onReset={() => {
            scene?.reset();
            scene?.draw();
          }}
          onPicture={() => void save()}
        />
        <p id="volume-help" class="hint">
          Drag: turn. Wheel: zoom. Shift + drag: move. Keys in the view: <kbd>arrows</kbd> turn, <kbd>+</kbd> and <kbd>−</kbd> zoom, <kbd>Home</kbd> resets the camera.
          {graphics.software && " The browser draws without a graphics card, so turning is slow."}
        </p>
      </aside>
    </div>
  );
}
