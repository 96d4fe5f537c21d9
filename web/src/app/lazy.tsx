// SPDX-License-Identifier: Apache-2.0
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failure, Waiting } from "./parts";

/** A component whose script is fetched when it is first shown. */
export function lazy<P extends object>(load: () => Promise<{ default: ComponentType<P> }>): ComponentType<P> {
  let loaded: ComponentType<P> | null = null;
  return function Lazy(props: P) {
    const [Component, setComponent] = useState<ComponentType<P> | null>(() => loaded);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (loaded !== null) return;
      let gone = false;
      load().then(
        (module) => {
          loaded = module.default;
          if (!gone) setComponent(() => module.default);
        },
        () => {
          if (!gone) setFailed(true);
        },
      );
      return () => {
        gone = true;
      };
    }, []);
    if (Component !== null) return <Component {...props} />;
    // After an update of the server the scripts of the old page are gone; only a new page finds the new ones.
    return failed ? <Failure text="A part of the page could not be loaded. Reload the page." /> : <Waiting />;
  };
}
