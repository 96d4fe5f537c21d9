// SPDX-License-Identifier: Apache-2.0
import { api } from "../api/client";
import { usePaged } from "../api/paging";
import { time } from "../app/format";
import { More } from "../app/more";
import { Empty, Title } from "../app/parts";
import { href } from "../app/router";

export function CampaignsPage() {
  const list = usePaged("campaigns", (cursor, signal) => api.campaigns({ cursor, limit: 100 }, signal), (c) => c.id, 30_000);
  return (
    <>
      <Title text="Campaigns" />
      {list.items.length > 0 && (
        <div class="panel scroll">
          <table>
            <caption class="unseen">Campaigns from the newest</caption>
            <thead>
              <tr><th scope="col">Name</th><th scope="col">Grid over</th><th scope="col" class="number">Repeats</th><th scope="col">Owner</th><th scope="col">Submitted</th><th scope="col">Runs</th></tr>
            </thead>
            <tbody>
              {list.items.map((c) => (
                <tr key={c.id}>
                  <th scope="row"><a href={href(["campaigns", c.name])}>{c.name}</a></th>
                  <td>{c.fields.length === 0 ? "one combination" : c.fields.join(", ")}</td>
                  <td class="number">{c.repeats}</td>
                  <td>{c.owner}</td>
                  <td>{time(c.created)}</td>
                  <td><a href={href(["experiments"], { campaign: c.name })}>experiments</a></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {list.items.length === 0 && !list.loading && list.problem === null && <Empty>There is no campaign yet. <code>teravox campaign</code> submits one: many experiments from one spec.</Empty>}
      <More list={list} what="campaigns" />
    </>
  );
}
