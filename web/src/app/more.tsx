// SPDX-License-Identifier: Apache-2.0
import type { Paged } from "../api/paging";
import { count } from "./format";
import { Failure, Waiting } from "./parts";

/** The foot of a long list: how many are shown, and a button for more. */
export function More<T>({ list, what }: { list: Paged<T>; what: string }) {
  if (list.problem !== null) return <Failure text={list.problem.message} again={list.items.length > 0 && list.more ? list.next : list.refresh} />;
  if (list.items.length === 0) return list.loading ? <Waiting /> : null;
  return (
    <div class="more">
      {list.more && <button type="button" disabled={list.loading} onClick={list.next}>{list.loading ? "Loading…" : "Show more"}</button>}
      <span role="status">{count(list.items.length)} {list.items.length === 1 ? what.replace(/s\b/, "") : what}{list.more ? " shown; there are more" : ""}</span>
    </div>
  );
}
