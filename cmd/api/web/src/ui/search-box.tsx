import { useEffect, useId, useRef, useState } from "preact/hooks";
import { api } from "../api/client";
import type { Suggestion } from "../api/types";
import { t, tn } from "../lib/i18n";
import { searchPath, tagPath } from "../lib/paths";
import { go, place } from "../lib/router";
import { useStore } from "../lib/store";
import { Avatar, displayName, profilePath } from "./avatar";
import { anyDialog } from "./dialog";
import { HashIcon, SearchIcon } from "./icons";

/** What is typed within this time is asked for once, in milliseconds. */
const restMs = 150;

// Where a suggestion leads to.
function target({ kind, text, user }: Suggestion): string {
  if (kind === "user" && user) return profilePath(user);
  return kind === "tag" ? tagPath(text) : searchPath(text);
}

/** SearchBox is the field for what to search, which suggests while somebody types. On the search page it has what was searched. */
export function SearchBox() {
  const id = useId();
  const { path, query, key } = useStore(place);
  const searched = path === "/search" ? (new URLSearchParams(query).get("q") ?? "") : "";
  const [text, setText] = useState(searched);
  const [found, setFound] = useState<Suggestion[]>([]);
  const [isOpen, setOpen] = useState(false);
  // Which suggestion is chosen; -1: what was typed.
  const [at, setAt] = useState(-1);
  const field = useRef<HTMLInputElement>(null);
  const asking = useRef<AbortController | null>(null);

  const close = () => {
    asking.current?.abort();
    setOpen(false);
    setFound([]);
    setAt(-1);
  };
  useEffect(() => {
    setText(searched);
    close();
  }, [key, searched]);
  useEffect(() => () => asking.current?.abort(), []);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "/" || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || anyDialog()) return;
      if (event.target instanceof HTMLElement && event.target.closest("input,textarea,select,[contenteditable]")) return;
      event.preventDefault();
      field.current?.focus();
      field.current?.select();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);

  const ask = (typed: string) => {
    asking.current?.abort();
    setAt(-1);
    const q = typed.trim();
    if (!q) {
      setFound([]);
      return;
    }
    const control = new AbortController();
    const { signal } = control;
    asking.current = control;
    const timer = setTimeout(() => {
      api.suggestions(q, signal).then(
        (items) => {
          if (signal.aborted) return;
          setFound(items);
          setAt(-1);
          setOpen(true);
        },
        // Without suggestions one can search all the same.
        () => !signal.aborted && setFound([]),
      );
    }, restMs);
    signal.addEventListener("abort", () => clearTimeout(timer));
  };

  const leave = (to: string) => {
    close();
    field.current?.blur();
    if (to === place.get().path + place.get().query) dispatchEvent(new Event("again"));
    else go(to);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const chosen = found[at];
    if (step !== 0 && found.length > 0) {
      setOpen(true);
      // One more place than suggestions: what was typed.
      if (isShown) setAt(((at + 1 + step + found.length + 1) % (found.length + 1)) - 1);
    } else if (event.key === "Escape" && isShown) {
      close();
    } else if (event.key === "Enter" && isShown && chosen) {
      leave(target(chosen));
    } else return;
    event.preventDefault();
  };

  const isShown = isOpen && found.length > 0;
  return (
    <form
      role="search"
      class="search-box"
      onSubmit={(event) => {
        event.preventDefault();
        leave(searchPath(text.trim()));
      }}
    >
      <SearchIcon size={20} />
      <input
        ref={field}
        class="input"
        type="search"
        role="combobox"
        list={undefined} // the types ask for it: the list below is our own
        name="q"
        aria-label={t("search.label")}
        placeholder={t("search.title")}
        aria-keyshortcuts="/"
        aria-autocomplete="list"
        aria-expanded={isShown}
        aria-controls={`${id}-list`}
        aria-activedescendant={isShown && at >= 0 ? `${id}-${at}` : undefined}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        enterkeyhint="search"
        maxLength={100}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          // Half of a Chinese word is nothing to search for.
          if (!event.isComposing) ask(event.currentTarget.value);
        }}
        onCompositionEnd={(event) => ask(event.currentTarget.value)}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
      />
      {isShown && (
        <ul id={`${id}-list`} class="search-suggestions" role="listbox" aria-label={t("search.suggestions")}>
          {found.map((one, i) => (
            <li
              key={`${one.kind} ${one.text}`}
              id={`${id}-${i}`}
              class="suggestion"
              role="option"
              aria-selected={i === at}
              // The field keeps the focus.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => leave(target(one))}
            >
              <Suggested one={one} />
            </li>
          ))}
        </ul>
      )}
      <p class="visually-hidden" role="status">
        {isShown ? tn("search.suggested", found.length) : ""}
      </p>
    </form>
  );
}

function Suggested({ one }: { one: Suggestion }) {
  if (one.kind === "user" && one.user) {
    return (
      <>
        <Avatar user={one.user} size={32} />
        <span class="person-name">{displayName(one.user)}</span>
        <span class="muted">@{one.user.name}</span>
      </>
    );
  }
  return (
    <>
      <span class="suggestion-icon">{one.kind === "tag" ? <HashIcon size={20} /> : <SearchIcon size={20} />}</span>
      <span class="suggestion-text">{one.text}</span>
    </>
  );
}
