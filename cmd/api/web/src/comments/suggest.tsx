import { useEffect, useId, useState } from "preact/hooks";
import { api } from "../api/client";
import type { User } from "../api/types";
import { tn } from "../lib/i18n";
import { viewerId } from "../lib/session";
import { Avatar, displayName } from "../ui/avatar";

const most = 5;

// Whom the viewer follows, once asked for.
let followed: { owner: number; users: Promise<User[]> } | null = null;

function whomIFollow(): Promise<User[]> {
  const owner = viewerId();
  if (owner === 0) return Promise.resolve([]);
  if (followed?.owner !== owner) {
    const users = api.following(owner, undefined, 100).then(({ items }) => items);
    followed = { owner, users };
    // The next "@" asks again.
    users.catch(() => (followed = null));
  }
  return followed?.users ?? Promise.resolve([]);
}

// begun is the name that is being written at the caret, or null.
function begun(field: HTMLTextAreaElement): string | null {
  if (field.selectionStart !== field.selectionEnd) return null;
  return /(?:^|\s)@([^\s@]{0,32})$/u.exec(field.value.slice(0, field.selectionStart))?.[1] ?? null;
}

const startsWith = (text: string, start: string): boolean => text.toLocaleLowerCase().startsWith(start.toLocaleLowerCase());

interface Suggestions {
  /** list is what to show above the field, if anything. */
  list: preact.ComponentChildren;
  /** For the form around the field: what is written changes, and keys that choose. */
  onChange: () => void;
  onKey: (event: KeyboardEvent) => void;
}

/**
 * useSuggestions suggests people while "@" and the beginning of a name are written in a field: those around, and whom the viewer follows.
 * onText gets the text with the name that was chosen.
 */
export function useSuggestions(
  field: () => HTMLTextAreaElement | null | undefined,
  around: User[],
  onText: (text: string) => void,
): Suggestions {
  const id = useId();
  const [start, setStart] = useState<string | null>(null);
  const [others, setOthers] = useState<User[]>([]);
  const [at, setAt] = useState(0);
  const isAsked = start !== null;
  useEffect(() => {
    if (isAsked) whomIFollow().then(setOthers, () => undefined);
  }, [isAsked]);

  const all = new Map([...around, ...others].map((user) => [user.id, user]));
  all.delete(viewerId());
  const fits = (user: User) => start !== null && !user.is_deleted && (startsWith(user.name, start) || startsWith(user.display_name, start));
  const found = [...all.values()].filter(fits).slice(0, most);
  const chosen = Math.min(at, found.length - 1);
  const isOpen = found.length > 0;

  useEffect(() => {
    const element = field();
    if (!element || !isOpen) return;
    element.setAttribute("aria-controls", id);
    element.setAttribute("aria-activedescendant", `${id}-${chosen}`);
    return () => {
      element.removeAttribute("aria-controls");
      element.removeAttribute("aria-activedescendant");
    };
  }, [isOpen, chosen, id]);

  const onChange = () => {
    const element = field();
    const next = element ? begun(element) : null;
    if (next !== start) setAt(0);
    setStart(next);
  };
  const choose = (user: User) => {
    const element = field();
    if (!element || start === null) return;
    const from = element.selectionStart - start.length;
    const before = `${element.value.slice(0, from)}${user.name} `;
    onText(before + element.value.slice(element.selectionStart).replace(/^ /, ""));
    setStart(null);
    // The caret goes behind the name, once the field has it.
    requestAnimationFrame(() => {
      element.focus();
      element.setSelectionRange(before.length, before.length);
    });
  };
  const onKey = (event: KeyboardEvent) => {
    if (!isOpen || event.isComposing) return;
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const user = found[chosen];
    if (step !== 0) setAt((chosen + step + found.length) % found.length);
    else if (event.key === "Escape") setStart(null);
    else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey && user) choose(user);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const list = isOpen && (
    <>
      <ul id={id} class="suggestions" role="listbox" aria-label={tn("comments.suggestions", found.length)}>
        {found.map((user, i) => (
          <li
            key={user.id}
            id={`${id}-${i}`}
            class="suggestion"
            role="option"
            aria-selected={i === chosen}
            onPointerDown={(event) => {
              // The field keeps the focus.
              event.preventDefault();
              choose(user);
            }}
          >
            <Avatar user={user} size={32} />
            <span class="person-name">{displayName(user)}</span>
            <span class="muted">@{user.name}</span>
          </li>
        ))}
      </ul>
      <p class="visually-hidden" role="status">
        {tn("comments.suggestions", found.length)}
      </p>
    </>
  );
  return { list, onChange, onKey };
}
