import { useCallback, useEffect, useRef } from "preact/hooks";
import { api } from "../api/client";
import type { Notice } from "../api/types";
import { useList } from "../lib/hooks";
import { t } from "../lib/i18n";
import { keepUp } from "../lib/keepup";
import { useTitle } from "../lib/router";
import { setUnread } from "../lib/session";
import { NoticeRow } from "../inbox/row";
import { BellIcon } from "../ui/icons";
import { Empty, ListEnd, Skeleton } from "../ui/states";

const newest = (notices: Notice[]): string =>
  notices.reduce((at, notice) => (at === "" || Date.parse(notice.at) > Date.parse(at) ? notice.at : at), "");

// merge puts a first page in the place of what it covers: groups move up as they grow, and go when they are empty.
function merge(old: Notice[], page: Notice[], isAll: boolean): Notice[] {
  // What a page is about may be gone as a whole.
  if (page.length === 0 && !isAll) return old;
  const ids = new Set(page.map(({ id }) => id));
  const until = Date.parse(page.at(-1)?.at ?? "");
  return [...page, ...(isAll ? [] : old.filter((notice) => !ids.has(notice.id) && Date.parse(notice.at) <= until))];
}

/** Inbox is the page of what happened to the viewer, grouped, the newest first. */
export default function Inbox() {
  useTitle(t("nav.inbox"));
  const list = useList(
    "notices",
    (cursor) => api.notices(cursor),
    (notice) => notice.id,
  );
  const { items, change, refresh } = list;
  const marked = useRef("");
  // What was unread when the page showed it stays marked until the page is left.
  const fresh = useRef(new Map<string, string>());
  for (const { id, at, is_unread } of items) if (is_unread) fresh.current.set(id, at);

  const update = useCallback(async () => {
    const page = await api.notices();
    let isFar = false;
    change((old) => {
      const ids = new Set(page.items.map(({ id }) => id));
      isFar = page.next_cursor !== "" && !old.some(({ id }) => ids.has(id));
      return isFar ? old : merge(old, page.items, page.next_cursor === "");
    });
    // More than a page is new: what lies between is read anew.
    if (isFar) refresh();
  }, [change, refresh]);
  useEffect(() => {
    // Going back finds the list as it was.
    if (items.length > 0) update().catch(() => undefined);
    return keepUp(update, { about: ({ kind }) => kind === "notice" });
  }, [update]);

  // Seen is what was there while somebody looked at the page.
  const last = newest(items);
  const isUnread = items.some((notice) => notice.is_unread);
  useEffect(() => {
    if (!isUnread) return;
    const mark = () => {
      if (document.visibilityState !== "visible" || marked.current === last) return;
      const before = marked.current;
      marked.current = last;
      api.markNoticesRead(last).then(
        () => setUnread({ unread_notices: 0 }),
        () => {
          // The next notice, or the next visit, marks it.
          if (marked.current === last) marked.current = before;
        },
      );
    };
    mark();
    document.addEventListener("visibilitychange", mark);
    return () => document.removeEventListener("visibilitychange", mark);
  }, [last, isUnread]);

  const isEmpty = items.length === 0 && list.isEnd;
  return (
    <div class="page inbox">
      <h1 class="page-title">{t("nav.inbox")}</h1>
      {isEmpty && <Empty icon={<BellIcon size={40} />} title={t("inbox.empty")} text={t("inbox.empty.text")} />}
      <ul aria-label={t("nav.inbox")}>
        {items.map((notice) => (
          <NoticeRow key={notice.id} notice={notice} isUnread={fresh.current.get(notice.id) === notice.at} />
        ))}
      </ul>
      <ListEnd list={list} skeleton={items.length === 0 ? <NoticeSkeletons /> : undefined} />
    </div>
  );
}

function NoticeSkeletons() {
  return (
    <div role="status">
      <span class="visually-hidden">{t("state.loading")}</span>
      {[0, 1, 2, 3, 4, 5].map((n) => (
        <div key={n} class="notice">
          <Skeleton class="avatar-48 skeleton-round" />
          <div class="notice-body">
            <Skeleton class="skeleton-line" />
            <Skeleton class="skeleton-line skeleton-short" />
          </div>
          <Skeleton class="notice-cover" />
        </div>
      ))}
    </div>
  );
}
