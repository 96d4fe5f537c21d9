// SPDX-License-Identifier: Apache-2.0
import { makeStore } from "./store";

export const themes = ["auto", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const where = "teravox.theme";

function stored(): Theme {
  try {
    const found = window.localStorage.getItem(where) as Theme | null;
    return found !== null && themes.includes(found) ? found : "auto";
  } catch {
    // Storage may be forbidden; the theme then lasts as long as the page.
    return "auto";
  }
}

export const themeStore = makeStore<Theme>("auto");

/** True while the page is shown dark; charts and viewers draw with it. */
export const darkStore = makeStore(false);

export function startTheme(): void {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const theme = themeStore.get();
    const dark = theme === "dark" || (theme === "auto" && system.matches);
    document.documentElement.dataset["theme"] = dark ? "dark" : "light";
    darkStore.set(dark);
  };
  themeStore.watch(apply);
  system.addEventListener("change", apply);
  themeStore.set(stored());
  apply();
}

export function setTheme(theme: Theme): void {
  try {
    window.localStorage.setItem(where, theme);
  } catch {
    // As above.
  }
  themeStore.set(theme);
}

/** The value of a custom property of the style, as "--accent", for what is drawn by script. */
export function token(name: string): string {
  return window.getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
