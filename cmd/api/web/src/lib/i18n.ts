import { createStore, useStore } from "./store";
import { saveLanguage, savedLanguage, type Language } from "./saved";
import type { Dictionary, Key, PluralKey } from "../locales/en";

type Words = Record<string, string | number>;

const dictionaries: Partial<Record<Language, Dictionary>> = {};

/** language is the one in which everything is shown. */
export const language = createStore<Language>(savedLanguage());

/** loadLanguage fetches a dictionary; t works for that language afterwards. */
export async function loadLanguage(wanted: Language): Promise<void> {
  if (!dictionaries[wanted])
    dictionaries[wanted] = wanted === "zh" ? (await import("../locales/zh")).zh : (await import("../locales/en")).en;
  document.documentElement.lang = wanted === "zh" ? "zh-CN" : "en";
}

/** setLanguage switches the whole page and remembers it. */
export async function setLanguage(wanted: Language): Promise<void> {
  await loadLanguage(wanted);
  saveLanguage(wanted);
  language.set(wanted);
}

/** useLanguage makes a component render again when the language changes. The layout calls it for all below it. */
export const useLanguage = (): Language => useStore(language);

/** t is the text of a key, with {name} replaced by words.name. */
export function t(key: Key, words?: Words): string {
  const text: string = dictionaries[language.get()]?.[key] ?? key;
  return words ? text.replace(/\{(\w+)\}/g, (whole, name: string) => String(words[name] ?? whole)) : text;
}

/** has tells whether there is a text of that key: for keys that are put together, like those of errors. */
export const has = (key: string): key is Key => key in (dictionaries[language.get()] ?? {});

/** tn is the text for a number: key.one or key.other, with {n} replaced by the number in short form. */
export function tn(key: PluralKey, n: number, words?: Words): string {
  const form = new Intl.PluralRules(locale()).select(n) === "one" ? "one" : "other";
  return t(`${key}.${form}`, { n: count(n), ...words });
}

const locale = (): string => (language.get() === "zh" ? "zh-CN" : "en");

/** count is a number in short form: 12.3K, 1.2万. */
export const count = (n: number): string =>
  new Intl.NumberFormat(locale(), { notation: "compact", maximumFractionDigits: 1 }).format(Math.max(0, n));

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** ago is how long ago a time was; from a week on it is the date. */
export function ago(time: string): string {
  const then = new Date(time);
  const passed = Date.now() - then.getTime();
  if (Number.isNaN(passed)) return "";
  if (passed > 7 * 86_400_000) {
    const sameYear = then.getFullYear() === new Date().getFullYear();
    return new Intl.DateTimeFormat(locale(), { month: "short", day: "numeric", ...(sameYear ? {} : { year: "numeric" }) }).format(then);
  }
  const format = new Intl.RelativeTimeFormat(locale(), { numeric: "auto", style: "short" });
  for (const [unit, size] of steps) if (passed >= size) return format.format(-Math.floor(passed / size), unit);
  return t("time.now");
}

/** clock is the time of day; dateTime is date and time. */
export const clock = (time: string): string =>
  new Intl.DateTimeFormat(locale(), { hour: "numeric", minute: "2-digit" }).format(new Date(time));
export const dateTime = (time: string): string =>
  new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));

/** day is the day of a time: today, yesterday, or the date. */
export function day(time: string): string {
  const then = new Date(time);
  const midnight = (of: Date): number => new Date(of.getFullYear(), of.getMonth(), of.getDate()).getTime();
  const passed = Math.round((midnight(new Date()) - midnight(then)) / 86_400_000);
  if (passed === 0 || passed === 1) return new Intl.RelativeTimeFormat(locale(), { numeric: "auto" }).format(-passed, "day");
  const sameYear = then.getFullYear() === new Date().getFullYear();
  return new Intl.DateTimeFormat(locale(), { month: "long", day: "numeric", ...(sameYear ? {} : { year: "numeric" }) }).format(then);
}

/** dayOf is a day of the calendar, "2026-11-29", which has no time zone. */
export const dayOf = (date: string): string =>
  new Intl.DateTimeFormat(locale(), { month: "short", day: "numeric", timeZone: "UTC" }).format(new Date(date));

/** number is a number with all its digits. */
export const number = (n: number): string => new Intl.NumberFormat(locale()).format(n);

/** bytes is a size in megabytes, or in kilobytes where that is less than one. */
export function bytes(n: number): string {
  const isSmall = n < 1 << 20;
  const value = isSmall ? n / (1 << 10) : n / (1 << 20);
  const unit = isSmall ? "kilobyte" : "megabyte";
  return new Intl.NumberFormat(locale(), { style: "unit", unit, maximumFractionDigits: !isSmall && value < 10 ? 1 : 0 }).format(value);
}

/** percent is a share of 0..1. */
export const percent = (share: number): string => new Intl.NumberFormat(locale(), { style: "percent" }).format(share);

/** duration is a length in milliseconds as m:ss. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
