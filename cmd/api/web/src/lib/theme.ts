import { createStore, useStore } from "./store";
import { saveTheme, savedTheme, type Theme } from "./saved";

const theme = createStore<Theme>(savedTheme());

/** useTheme is the chosen theme: as the device has it, light or dark. */
export const useTheme = (): Theme => useStore(theme);

/** nextTheme is where the switch goes from a theme. */
export const nextTheme = (now: Theme): Theme => (now === "system" ? "light" : now === "light" ? "dark" : "system");

/** setTheme changes the theme and remembers it. */
export function setTheme(next: Theme): void {
  saveTheme(next);
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  theme.set(next);
}
