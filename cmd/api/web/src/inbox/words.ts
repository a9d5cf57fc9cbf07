import type { Notice, User } from "../api/types";
import type { Key, PluralKey } from "../locales/en";

// What a notice says, as keys of texts: for the page, and for the service worker, which has no page.

/** Of these kinds a notice counts people; of the others it counts comments. */
const people = new Set(["like", "follow", "comment_like"]);

// others is how many people beside the actors there are, as far as that is known.
const others = ({ kind, count, actors }: Notice): number => (people.has(kind) ? Math.max(0, count - actors.length) : 0);

/** several is the number of comments when somebody wrote more than one, else 0. */
export const several = ({ kind, count, actors }: Notice): number =>
  kind !== "upload" && !people.has(kind) && count > actors.length ? count : 0;

/** sentenceKey is the key of the sentence: with the place {names}, or {title} for an upload. It need not exist: kinds may be new. */
export function sentenceKey(notice: Notice): string {
  const { kind, state, actors, comment } = notice;
  if (kind === "upload") return state === "failed" ? "notice.upload.failed" : "notice.upload.ready";
  const of = kind === "mention" && !comment ? "mention_title" : kind;
  return `notice.${of}.${actors.length === 1 && others(notice) === 0 ? "one" : "other"}`;
}

/** Names are who did it: a text with places for people, and the number of those who are not named. */
export interface Names {
  key: Key;
  people: Record<string, User>;
  more: number;
}

export const moreKey: PluralKey = "notice.others";

/** namesOf names up to three people, or two and how many others. */
export function namesOf(notice: Notice): Names | null {
  const [a, b, c] = notice.actors;
  const more = others(notice);
  if (!a) return null;
  if (!b) return { key: more > 0 ? "notice.names.more" : "notice.names.single", people: { a }, more };
  if (more > 0) return { key: "notice.names.two.more", people: { a, b }, more: more + (c ? 1 : 0) };
  return c ? { key: "notice.names.three", people: { a, b, c }, more } : { key: "notice.names.two", people: { a, b }, more };
}

/** target is the address of what a notice is about; followers that of the list of the viewer's followers. */
export function target({ kind, state, video, comment, actors }: Notice, followers: string): string {
  if (kind === "upload" && state === "failed") return "/upload";
  if (video) {
    const root = comment ? comment.root_id || comment.id : 0;
    return `/v/${video.id}${comment ? `?comment=${comment.id}&root=${root}` : ""}`;
  }
  const [first, second] = actors;
  return first && !second && !first.is_deleted ? `/@${encodeURIComponent(first.name)}` : followers;
}
