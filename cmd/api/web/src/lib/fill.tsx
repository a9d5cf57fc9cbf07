import type { ComponentChildren } from "preact";

/** fill puts elements into the places of a text. */
export const fill = (text: string, words: Record<string, ComponentChildren>) => (
  <>{text.split(/\{(\w+)\}/).map((part, i) => (i % 2 === 1 ? words[part] : part))}</>
);
