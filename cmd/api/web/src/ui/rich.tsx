import type { ComponentChildren } from "preact";
import type { Mention, TextSpan } from "../api/types";
import { mentionLinks, spanRanges, tagLinks, type LinkRange, type Range } from "../lib/ranges";

interface MentionsProps {
  text: string;
  mentions: Mention[];
}

/** Mentions shows a text as it is; the @name of those whom it mentions are links to them. */
export const Mentions = ({ text, mentions }: MentionsProps) => <Rich text={text} links={mentionLinks(text, mentions)} />;

/** Title shows a video's title: its #tags, too, are links, and what fits a search is marked. */
export function Title({ text, mentions, spans = [] }: MentionsProps & { spans?: TextSpan[] | undefined }) {
  const named = mentionLinks(text, mentions);
  // A name may have a # in it.
  const tagged = tagLinks(text).filter((tag) => !named.some((name) => tag.start < name.end && name.start < tag.end));
  return <Rich text={text} links={[...named, ...tagged].sort((a, b) => a.start - b.start)} marks={spanRanges(text, spans)} />;
}

/** Marked shows a text with what fits a search. */
export const Marked = ({ text, spans }: { text: string; spans: TextSpan[] }) => <>{marked(text, 0, text.length, spanRanges(text, spans))}</>;

// Neither links nor marks overlap each other; both are in order.
function Rich({ text, links, marks = [] }: { text: string; links: LinkRange[]; marks?: Range[] }) {
  const parts: ComponentChildren[] = [];
  let done = 0;
  for (const { start, end, href } of links) {
    parts.push(
      ...marked(text, done, start, marks),
      <a key={start} class="mention" href={href}>
        {marked(text, start, end, marks)}
      </a>,
    );
    done = end;
  }
  parts.push(...marked(text, done, text.length, marks));
  return <>{parts}</>;
}

// marked is a part of a text with those of its parts marked that the ranges cover.
function marked(text: string, from: number, to: number, marks: Range[]): ComponentChildren[] {
  const parts: ComponentChildren[] = [];
  let done = from;
  for (const mark of marks) {
    const start = Math.max(mark.start, done);
    const end = Math.min(mark.end, to);
    if (end <= start) continue;
    parts.push(text.slice(done, start), <mark key={`mark ${start}`}>{text.slice(start, end)}</mark>);
    done = end;
  }
  parts.push(text.slice(done, to));
  return parts;
}
