// SPDX-License-Identifier: Apache-2.0
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { api } from "../api/client";
import { useLoaded } from "../api/loading";
import { asProblem, isAbort } from "../api/problems";
import type { Views } from "../api/types";
import { Empty, Failure, Status } from "../app/parts";
import { loadViews, type ViewsSource } from "../zarr/source";
import { Controls } from "./controls";
import { fit, planes, type Look, type Plane, type Sizes, type Space } from "./geometry";
import { Pane } from "./pane";
import { Readout } from "./readout";
import { scoreAt } from "./scoring";
import { imagesOf, settingsFor, truthOf, type Settings } from "./settings";
import { SliceStage, type Scene, type StageState } from "./stage";
import type { Window } from "./tone";
import "./slices.css";

/** The three sections of a volume or an experiment through one voxel. */
export default function SlicesView({ source }: { source: ViewsSource }) {
  const name = source.kind === "experiment" ? `experiment ${source.id}` : `volume ${source.name}`;
  const [unready, setUnready] = useState(false);
  const loaded = useLoaded(name, (signal) => loadViews(source, signal), unready ? 15_000 : 0);
  const { value: views } = loaded;
  useEffect(() => setUnready(views?.views.some((v) => !v.ready) ?? false), [views]);
  if (views === null) return <Status loaded={loaded} />;
  if (imagesOf(views).length === 0) return <Empty>There is nothing to see yet. Sections appear here once the volume has been read.</Empty>;
  return <Sections key={name} source={source} views={views} />;
}

function Sections({ source, views }: { source: ViewsSource; views: Views }) {
  const space: Space = views;
  const [look, setLook] = useState<Look | null>(null);
  const [chosen, setChosen] = useState<Settings | null>(null);
  const [thresholds, setThresholds] = useState<ReadonlyMap<string, number>>(new Map());
  const [base, setBase] = useState<{ readonly image: string; readonly window: Window } | null>(null);
  const [state, setState] = useState<StageState>({ scene: null, settled: false, failure: null, voxels: [] });
  const settings = useMemo(() => settingsFor(views, chosen), [views, chosen]);

  const stage = useMemo(() => new SliceStage(setState), []);
  useEffect(() => () => stage.close(), [stage]);

  const experiment = source.kind === "experiment" && truthOf(views) !== null && settings.prediction !== "" ? source.id : null;
  const counts = useLoaded(experiment === null ? null : `counts ${experiment} ${settings.prediction}`, (signal) => api.counts(experiment ?? 0, settings.prediction, signal));
  const scores = useLoaded(experiment === null ? null : `scores ${experiment}`, (signal) => api.scores(experiment ?? 0, signal));
  const optimum = scores.value?.predictions.find((p) => p.name === settings.prediction)?.classes.find((c) => c.id === settings.classId)?.threshold ?? null;
  const thresholdKey = `${settings.prediction} ${settings.classId}`;
  const threshold = thresholds.get(thresholdKey) ?? optimum ?? 128;
  const ofClass = counts.value?.classes.find((c) => c.id === settings.classId) ?? null;
  const score = useMemo(
    () => (ofClass === null ? null : { train: scoreAt(ofClass.train, threshold), test: scoreAt(ofClass.test, threshold) }),
    [ofClass, threshold],
  );

  const sizes = useCallback((): Sizes => stage.sizes(), [stage]);
  const onCanvas = useCallback((plane: Plane, canvas: HTMLCanvasElement | null) => stage.attach(plane, canvas), [stage]);
  const onLook = useCallback((change: (look: Look) => Look) => setLook((old) => (old === null ? old : change(old))), []);

  useEffect(() => {
    // The panes have no size before they are laid out.
    stage.whenSized(() => setLook((old) => old ?? fit(space, stage.sizes())));
  }, [stage]);
  const scene = useMemo<Scene | null>(
    () => (look === null ? null : { views, look, settings, threshold, base: base?.image === settings.image ? base.window : null }),
    [views, look, settings, threshold, base],
  );
  useEffect(() => {
    if (scene !== null) stage.show(scene);
  }, [stage, scene]);

  const image = imagesOf(views).find((v) => v.name === settings.image);
  const auto = useCallback(() => {
    const window = stage.autoWindow();
    if (window !== null) setBase({ image: settings.image, window });
  }, [stage, settings.image]);
  // 16 bits seldom fill their range; without this most such volumes would look black.
  useEffect(() => {
    if (state.settled && base?.image !== settings.image && image?.type.toLowerCase() === "uint16") auto();
  }, [state.settled, base, settings.image, image, auto]);

  const shownLook = look ?? fit(space, sizes());
  const failure = state.failure === null || isAbort(state.failure) ? null : asProblem(state.failure);
  return (
    <div class="slices" data-settled={scene !== null && state.scene === scene && state.settled ? "true" : "false"}>
      <div class="panes">
        {planes.map((plane) => (
          <Pane key={plane.name} plane={plane} space={space} look={shownLook} sizes={sizes} onLook={onLook} onCanvas={onCanvas} helpId="slices-help" />
        ))}
        <Readout views={views} look={shownLook} voxels={state.voxels} space={space} />
      </div>
      <aside class="slice-side" aria-label="What is shown">
        {failure !== null && <Failure text={`Some of it could not be fetched: ${failure.message}`} again={() => stage.retry()} />}
        <Controls
          views={views} settings={settings} onChange={(change) => setChosen({ ...settings, ...change })} onAuto={auto}
          onFit={() => onLook((old) => ({ ...fit(space, sizes()), at: old.at }))}
          threshold={{ value: threshold, chosen: optimum, train: score?.train ?? null, test: score?.test ?? null }}
          onThreshold={(value) => setThresholds((old) => {
            const next = new Map(old);
            if (value === null) next.delete(thresholdKey);
            else next.set(thresholdKey, value);
            return next;
          })}
        />
        <p id="slices-help" class="hint">
          Wheel: sections. Ctrl + wheel: zoom. Drag: move. Click: crosshair. Keys in a pane: <kbd>arrows</kbd> move the crosshair,{" "}
          <kbd>PageUp</kbd> and <kbd>PageDown</kbd> sections (with <kbd>Shift</kbd> by ten), <kbd>+</kbd> and <kbd>−</kbd> zoom, <kbd>Home</kbd> the whole volume.
        </p>
      </aside>
    </div>
  );
}
