// What the browser remembers between visits. Every read and write may fail (private windows, full storage): then the default holds.

export type Theme = "system" | "light" | "dark";
export type Language = "en" | "zh";

const read = (key: string): string | null => {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
};

const write = (key: string, value: string | null): void => {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Nothing to do: it holds until the page is closed.
  }
};

export function savedTheme(): Theme {
  const value = read("theme");
  return value === "light" || value === "dark" ? value : "system";
}
export const saveTheme = (theme: Theme): void => write("theme", theme === "system" ? null : theme);

/** savedLanguage is the chosen language, else the browser's: Chinese or English. */
export function savedLanguage(): Language {
  const value = read("language");
  if (value === "en" || value === "zh") return value;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}
export const saveLanguage = (language: Language): void => write("language", language);

/** savedSound tells whether videos shall have sound once the browser allows it. */
export const savedSound = (): boolean => read("sound") !== "off";
export const saveSound = (on: boolean): void => write("sound", on ? "on" : "off");

/** Feed is one of the tabs of the first page. */
export type Feed = "for_you" | "following" | "hot" | "newest";
export const feeds: readonly Feed[] = ["for_you", "following", "hot", "newest"];

/** savedFeed is the tab that was open last. */
export const savedFeed = (): Feed => feeds.find((feed) => feed === read("feed")) ?? "for_you";
export const saveFeed = (feed: Feed): void => write("feed", feed);

export const sessionKey = "session";

/**
 * hadSession tells whether this browser has logged in and not out since. The cookie itself cannot be read; without this hint every
 * visitor's page would begin with a request that fails.
 */
export const hadSession = (): boolean => read(sessionKey) === "yes";
export const saveHadSession = (had: boolean): void => write(sessionKey, had ? "yes" : null);

/** savedPush is the id of this browser's subscription to Web Push, 0 when it has none. */
export const savedPush = (): number => Number(read("push")) || 0;
export const savePush = (id: number): void => write("push", id ? String(id) : null);

/** markReload notes that a page is loaded anew because its code did not come; false when that has been tried for this page already. */
export function markReload(page: string): boolean {
  try {
    if (sessionStorage.getItem("reloaded") === page) return false;
    sessionStorage.setItem("reloaded", page);
    return true;
  } catch {
    return false;
  }
}
