// SPDX-License-Identifier: Apache-2.0
import type { ScoreReport } from "../api/types";
import { percent } from "../app/format";
import { Panel, Swatch } from "../app/parts";

/** How much of the labelled voxels each class has in the training and in the test region. */
export function SharesPanel({ report }: { report: ScoreReport }) {
  const classes = report.predictions[0]?.classes ?? [];
  const colours = new Map(report.classes.map((c) => [c.id, c.show]));
  return (
    <Panel title="Class shares">
      <div class="scroll">
        <table class="shares">
          <caption class="unseen">Share of the labelled voxels by class</caption>
          <thead><tr><th scope="col">Class</th><th scope="col" colSpan={2}>Training region</th><th scope="col" colSpan={2}>Test region</th></tr></thead>
          <tbody>
            {classes.map((c) => (
              <tr key={c.id}>
                <th scope="row"><Swatch colour={colours.get(c.id)} />{c.name}</th>
                <td class="number">{percent(c.shareTrain)}</td>
                <td class="share-bar"><ShareBar share={c.shareTrain} colour={colours.get(c.id)} /></td>
                <td class="number">{percent(c.shareTest)}</td>
                <td class="share-bar"><ShareBar share={c.shareTest} colour={colours.get(c.id)} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function ShareBar({ share, colour }: { share: number | null | undefined; colour: string | null | undefined }) {
  return <div aria-hidden="true" style={{ width: `${(share ?? 0) * 100}%`, background: colour ?? "var(--chart-8)" }} />;
}
