// SPDX-License-Identifier: Apache-2.0
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { api } from "../api/client";
import { useLoaded } from "../api/loading";
import { asProblem, isAbort } from "../api/problems";
import type { ScoreReport, ViewInfo, Views } from "../api/types";
import { attempt } from "../app/notices";
import { Bar, Empty, Failure, Status } from "../app/parts";
import { loadViews, type ViewsSource } from "../zarr/source";
import { probeGraphics, type Graphics } from "./budget";
import { Controls } from "./controls";
import { countOutcomes, type OutcomeCounts } from "./fill";
import { gridOf, isFinest, levelWords, sourceThatFits, type Grid } from "./grid";
import { VolumeLoader } from "./loading";
import { Scene } from "./scene";
import { cutOf, drawnOf, frameOf, keyOf, modesOf, pictureWords, settingsFor, thresholdedOf, tonesOf, type Settings } from "./settings";
import { imageOpacity } from "./tables";
import "../slices/slices.css";
import "./volume.css";

/** Image and classes of a volume or an experiment in space. */
export default function VolumeView({ source }: { source: ViewsSource }) {
  const name = source.kind === "experiment" ? `experiment-${source.id}` : source.name;
  const [unready, setUnready] = useState(false);
  const loaded = useLoaded(`${source.kind} ${name}`, (signal) => loadViews(source, signal), unready ? 15_000 : 0);
  const graphics = useMemo(probeGraphics, []);
  const views = useSame(loaded.value);
  // An experiment that runs has no scores before its end; what is ready changes with every stage that has ended.
  const scored = source.kind === "experiment" && views !== null && modesOf(views).some(([mode]) => mode === "errors");
  const scores = useLoaded(scored ? `scores ${source.id} ${views.views.filter((v) => v.ready).length}` : null, (signal) => api.scores(scored ? source.id : 0, signal));
  const [turn, setTurn] = useState(0);
  const [chosen, setChosen] = useState<Settings | null>(null);
  useEffect(() => setUnready(views?.views.some((v) => !v.ready) ?? false), [views]);
  if (graphics === null) return <Empty>This browser has no WebGL2, which the 3D view draws with. The sections show the same voxels.</Empty>;
  if (views === null) return <Status loaded={loaded} />;
  if (frameOf(views, "") === null) return <Empty>There is nothing to see yet. The volume appears here once it has been read.</Empty>;
  return (
    <Stage
      key={`${turn} ${JSON.stringify(views)}`} name={name} views={views} scores={scores.value} graphics={graphics}
      chosen={chosen} onChoose={setChosen} onAgain={() => setTurn((n) => n + 1)}
    />
  );
}

/** The threshold that the experiment chose for the class; null before it did. */
function thresholdOf(scores: ScoreReport | null, { prediction, classId }: Settings): number | null {
  return scores?.predictions.find((p) => p.name === prediction)?.classes.find((c) => c.id === classId)?.threshold ?? null;
}

/** The test region first, as only there the network had not seen the truth. */
function countsByRegion(drawn: Uint8Array, grid: Grid, views: Views): readonly (readonly [string, OutcomeCounts])[] {
  const regions = ([["test", views.test], ["train", views.train]] as const).flatMap(([name, box]) => (box == null ? [] : [[name, box] as const]));
  return regions.map(([name, box]) => [name, countOutcomes(drawn, grid, box, views.voxelSize)] as const);
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
  readonly scores: ScoreReport | null;
  readonly graphics: Graphics;
  readonly chosen: Settings | null;
  readonly onChoose: (settings: Settings) => void;
  readonly onAgain: () => void;
}

type Loading = { readonly fraction: number; readonly what: string } | null;

function Stage({ name, views, scores, graphics, chosen, onChoose, onAgain }: StageProps) {
  const container = useRef<HTMLDivElement>(null);
  const settings = useMemo(() => settingsFor(views, chosen), [views, chosen]);
  const source = useMemo(() => sourceThatFits(frameOf(views, settings.image) as ViewInfo, graphics.budget), [views, settings.image, graphics]);
  const grid = useMemo(() => gridOf(source, views.voxelSize), [source, views]);
  const thresholded = thresholdedOf(views, settings, thresholdOf(scores, settings), grid);
  const drawn = drawnOf(views, settings, thresholded);
  const key = `${source.view.name} ${keyOf(drawn)}`;
  const [scene, setScene] = useState<Scene | null>(null);
  const [image, setImage] = useState<{ readonly of: VolumeLoader; readonly data: Uint8Array } | null>(null);
  /** What is laid in. */
  const [laid, setLaid] = useState<{ readonly key: string; readonly values: Uint8Array | null } | null>(null);
  const [rendered, setRendered] = useState<string | null>(null);
  const [loading, setLoading] = useState<Loading>({ fraction: 0, what: source.view.name });
  const [failure, setFailure] = useState<string | null>(null);
  const loader = useMemo(() => new VolumeLoader(views, grid), [views, grid]);
  const fail = useCallback((error: unknown) => {
    if (!isAbort(error)) setFailure(asProblem(error).message);
  }, []);

  useEffect(() => {
    const made = new Scene(container.current as HTMLDivElement, views, graphics.software, () => setFailure("The graphics card dropped the volume."));
    setScene(made);
    return () => made.close();
  }, []);

  useEffect(() => {
    loader.image(source, (fraction, what) => setLoading({ fraction, what })).then((data) => setImage({ of: loader, data }), fail);
    return () => loader.close();
  }, [loader]);

  useEffect(() => {
    if (scene === null || image?.of !== loader) return;
    let old = false;
    setRendered(null);
    loader.drawn(drawn, (fraction, what) => old || setLoading({ fraction, what })).then((values) => {
      if (old) return;
      scene.show(grid, image.data, values);
      setLoading(null);
      setLaid({ key, values });
    }, fail);
    return () => {
      old = true;
    };
  }, [scene, image, key, loader]);

  useEffect(() => {
    if (scene === null || laid?.key !== key) return;
    scene.paint(imageOpacity(settings.imageOpacity), tonesOf(views, settings, drawn));
    scene.cut(cutOf(settings));
    scene.mark(settings.box);
    setRendered(null);
    scene.draw(() => setRendered(key));
  }, [scene, laid, key, settings, views]);

  const counts = useMemo(
    () => (drawn.kind !== "outcomes" || laid?.key !== key || laid.values === null ? null : countsByRegion(laid.values, grid, views)),
    [laid, key],
  );

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
          views={views} settings={settings} errors={{ threshold: thresholded?.threshold ?? null, counts, exact: isFinest(source) }}
          onChange={(change) => onChoose({ ...settings, ...change })}
          onCamera={(plane) => {
            scene?.reset(plane);
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
