// SPDX-License-Identifier: Apache-2.0
import { useEffect } from "preact/hooks";
import { CampaignPage } from "../campaigns/campaign";
import { CampaignsPage } from "../campaigns/campaigns";
import { ClusterPage } from "../cluster/cluster";
import { ExperimentsPage } from "../experiments/experiments";
import { VolumePage } from "../volumes/volume";
import { VolumesPage } from "../volumes/volumes";
import { lazy } from "./lazy";
import { Notices, attempt } from "./notices";
import { Empty, Failure, Title, Waiting } from "./parts";
import { href, usePlace, type Place } from "./router";
import { loadSession, sessionStore, signOut } from "./session";
import { SignIn } from "./signIn";
import { useStore } from "./store";
import { setTheme, themes, themeStore } from "./theme";

const UploadPage = lazy(() => import("../upload/uploadPage"));
const ExperimentPage = lazy(() => import("../experiments/experiment"));
const ComparePage = lazy(() => import("../experiments/compare"));

const sections = [
  ["Upload", [], ["home"]],
  ["Experiments", ["experiments"], ["experiments", "experiment", "compare"]],
  ["Campaigns", ["campaigns"], ["campaigns", "campaign"]],
  ["Volumes", ["volumes"], ["volumes", "volume"]],
  ["Cluster", ["cluster"], ["cluster"]],
] as const;

export function App() {
  const { session, problem } = useStore(sessionStore);
  const place = usePlace();
  useEffect(() => void loadSession(), []);
  const signedIn = session?.role != null;
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>Skip to the content</a>
      <header class="top">
        <a class="mark" href="#/" aria-label="Teravox, home">
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <path d="M16 3 28 9.500 16 16 4 9.500Z" />
            <path d="M4 16 16 22.500 28 16" />
            <path d="M4 22.500 16 29 28 22.500" />
          </svg>
          Teravox
        </a>
        {signedIn && (
          <nav aria-label="Pages">
            {sections.map(([text, to, pages]) => (
              <a key={text} href={href(to)} aria-current={(pages as readonly string[]).includes(place.route.page) ? "page" : undefined}>{text}</a>
            ))}
          </nav>
        )}
        <Account />
      </header>
      <main id="main" tabIndex={-1}>
        {session === null
          ? problem === null ? <Waiting /> : <Failure text={problem.message} again={() => void loadSession()} />
          : signedIn ? <Page place={place} /> : <SignIn />}
      </main>
      <Notices />
    </>
  );
}

/** The hash is the router's, so the link to the content moves the focus by itself. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Account() {
  const { session } = useStore(sessionStore);
  const theme = useStore(themeStore);
  return (
    <div class="account">
      <label class="theme">
        <span class="unseen">Colours</span>
        <svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="6.2" /><path d="M8 1.8a6.2 6.2 0 0 1 0 12.4Z" /></svg>
        <select value={theme} onChange={(e) => setTheme(e.currentTarget.value as (typeof themes)[number])}>
          {themes.map((t) => <option key={t} value={t}>{t}</option>)}
        </select>
      </label>
      {session?.role != null && session.keys && (
        <>
          <span class="who" title="The signed-in key and its role">{session.name} · {session.role}</span>
          <button type="button" class="small" onClick={() => void attempt(signOut)}>Sign out</button>
        </>
      )}
    </div>
  );
}

function Page({ place }: { place: Place }) {
  const { route, query } = place;
  switch (route.page) {
    case "home": return <UploadPage />;
    case "experiments": return <ExperimentsPage query={query} />;
    case "experiment": return <ExperimentPage key={route.id} id={route.id} tab={route.tab} query={query} />;
    case "compare": return <ComparePage query={query} />;
    case "campaigns": return <CampaignsPage />;
    case "campaign": return <CampaignPage key={route.name} name={route.name} query={query} />;
    case "volumes": return <VolumesPage />;
    case "volume": return <VolumePage key={route.name} name={route.name} tab={route.tab} />;
    case "cluster": return <ClusterPage />;
    case "nowhere": return (
      <>
        <Title text="Nothing here" />
        <Empty>There is no page at this address. <a href="#/experiments">Go to the experiments.</a></Empty>
      </>
    );
  }
}
