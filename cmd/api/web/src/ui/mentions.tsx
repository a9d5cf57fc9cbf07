import type { ComponentChildren } from "preact";
import type { Mention } from "../api/types";

interface MentionsProps {
  text: string;
  mentions: Mention[];
}

/** Mentions shows a text as it is; the @name of those whom it mentions are links to them. */
export function Mentions({ text, mentions }: MentionsProps) {
  if (mentions.length === 0) return <>{text}</>;
  // The longest first: one name may begin with another.
  const names = mentions.map(({ name }) => name).sort((a, b) => b.length - a.length);
  const parts: ComponentChildren[] = [];
  let done = 0;
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    const name = names.find((one) => text.slice(at + 1, at + 1 + one.length).toLowerCase() === one.toLowerCase());
    if (name === undefined) continue;
    const end = at + 1 + name.length;
    parts.push(
      text.slice(done, at),
      <a key={at} class="mention" href={`/@${encodeURIComponent(name)}`}>
        {text.slice(at, end)}
      </a>,
    );
    done = end;
    at = end - 1;
  }
  parts.push(text.slice(done));
  return <>{parts}</>;
}
