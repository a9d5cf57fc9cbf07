import { useRef, useState } from "preact/hooks";
import { api, type Sort } from "../api/client";
import { LoginCancelled, errorText } from "../api/error";
import type { Comment, User } from "../api/types";
import { turn } from "../lib/actions";
import { patchVideo } from "../lib/entities";
import { useList, type List } from "../lib/hooks";
import { t } from "../lib/i18n";
import { requireLogin } from "../lib/session";
import { toast } from "../lib/toasts";

/** Thread are the answers below a comment, as far as they are loaded, oldest first. */
export interface Thread {
  items: Comment[];
  cursor: string;
  isOpen: boolean;
  isEnd: boolean;
  isLoading: boolean;
  error: unknown;
}

const closed: Thread = { items: [], cursor: "", isOpen: false, isEnd: false, isLoading: false, error: null };

/** Threads are the comments of a video with what one can do with them. What is done shows at once, and goes back when it fails. */
export interface Threads {
  roots: List<Comment>;
  thread: (root: number) => Thread;
  /** toggle shows or hides the answers to a comment; more reads the next ones. */
  toggle: (root: number) => void;
  more: (root: number) => void;
  /** post rejects when it fails. */
  post: (text: string, author: User, answered: Comment | null) => Promise<void>;
  remove: (comment: Comment) => void;
  like: (comment: Comment) => void;
  pin: (comment: Comment) => void;
}

const changeCount = (videoId: number, by: number): void =>
  patchVideo(videoId, (video) => ({ ...video, comment_count: Math.max(0, video.comment_count + by) }));

// Comments under way have negative ids, so that they cannot be those of others.
let lastTemporary = 0;

// What is not stored yet comes last.
const oldestFirst = (a: Comment, b: Comment): number =>
  (a.id < 0 ? 1 : 0) - (b.id < 0 ? 1 : 0) || Date.parse(a.created_at) - Date.parse(b.created_at) || a.id - b.id;
const unique = (items: Comment[]): Comment[] => [...new Map(items.map((item) => [item.id, item])).values()];
const pinnedFirst = (a: Comment, b: Comment): number => Number(b.is_pinned) - Number(a.is_pinned);

/** rootOf is the comment that began the thread of a comment. */
export const rootOf = (comment: Comment): number => comment.root_id || comment.id;

const tellOf = (error: unknown): void => {
  if (!(error instanceof LoginCancelled)) toast(errorText(error), "error");
};

/** useThreads loads the comments of a video. */
export function useThreads(videoId: number, sort: Sort): Threads {
  const roots = useList(
    null,
    (cursor) => api.comments(videoId, sort, cursor),
    (comment) => comment.id,
  );
  const [threads, setThreads] = useState<ReadonlyMap<number, Thread>>(new Map());
  const loading = useRef(new Set<number>());
  const thread = (root: number): Thread => threads.get(root) ?? closed;
  const change = (root: number, edit: (now: Thread) => Thread): void =>
    setThreads((now) => new Map(now).set(root, edit(now.get(root) ?? closed)));

  // patch changes a comment wherever it stands.
  const patch = (comment: Comment, edit: (now: Comment) => Comment): void => {
    const all = (items: Comment[]) => items.map((item) => (item.id === comment.id ? edit(item) : item));
    if (comment.root_id) change(comment.root_id, (now) => ({ ...now, items: all(now.items) }));
    else roots.change(all);
  };
  const countReplies = (root: number, by: number): void =>
    roots.change((items) => items.map((item) => (item.id === root ? { ...item, reply_count: Math.max(0, item.reply_count + by) } : item)));

  const more = (root: number): void => {
    if (loading.current.has(root)) return;
    loading.current.add(root);
    change(root, (now) => ({ ...now, isLoading: true, error: null }));
    api
      .replies(videoId, root, thread(root).cursor)
      .then(
        (page) =>
          change(root, (now) => ({
            ...now,
            items: unique([...now.items, ...page.items]).sort(oldestFirst),
            cursor: page.next_cursor,
            isEnd: page.next_cursor === "",
            isLoading: false,
          })),
        (error: unknown) => change(root, (now) => ({ ...now, isLoading: false, error })),
      )
      .then(() => loading.current.delete(root));
  };
  const toggle = (root: number): void => {
    const { isOpen, isEnd, cursor } = thread(root);
    change(root, (now) => ({ ...now, isOpen: !isOpen }));
    if (!isOpen && !isEnd && cursor === "") more(root);
  };

  const post = async (text: string, author: User, answered: Comment | null): Promise<void> => {
    const root = answered ? rootOf(answered) : 0;
    const temporary: Comment = {
      id: --lastTemporary,
      video_id: videoId,
      author,
      content: text,
      created_at: new Date().toISOString(),
      mentions: [],
      like_count: 0,
      is_liked: false,
      reply_count: 0,
      root_id: root,
      reply_to_id: answered?.id ?? 0,
      ...(answered ? { reply_to_user: answered.author } : {}),
      is_pinned: false,
    };
    const put = (edit: (items: Comment[]) => Comment[]) =>
      root ? change(root, (now) => ({ ...now, items: edit(now.items) })) : roots.change(edit);
    changeCount(videoId, 1);
    if (root) {
      const { isOpen } = thread(root);
      countReplies(root, 1);
      put((items) => [...items, temporary]);
      if (!isOpen) toggle(root);
    } else put((items) => [temporary, ...items].sort(pinnedFirst));
    try {
      const stored = await api.createComment(videoId, text, answered?.id);
      // What was read meanwhile may have it already.
      put((items) => items.filter((item) => item.id !== stored.id).map((item) => (item === temporary ? stored : item)));
    } catch (error) {
      put((items) => items.filter((item) => item !== temporary));
      changeCount(videoId, -1);
      if (root) countReplies(root, -1);
      throw error;
    }
  };

  const remove = (comment: Comment): void => {
    const root = comment.root_id;
    // Its answers go with it.
    const size = 1 + comment.reply_count;
    const put = (edit: (items: Comment[]) => Comment[]) =>
      root ? change(root, (now) => ({ ...now, items: edit(now.items) })) : roots.change(edit);
    put((items) => items.filter((item) => item.id !== comment.id));
    changeCount(videoId, -size);
    if (root) countReplies(root, -1);
    api.deleteComment(videoId, comment.id).then(
      () => toast(t("comments.deleted"), "success"),
      (error: unknown) => {
        changeCount(videoId, size);
        if (root) {
          countReplies(root, 1);
          put((items) => [...items, comment].sort(oldestFirst));
        } else put((items) => [...items, comment].sort((a, b) => pinnedFirst(a, b) || b.created_at.localeCompare(a.created_at)));
        tellOf(error);
      },
    );
  };

  const like = async (comment: Comment): Promise<void> => {
    if (!(await requireLogin())) return;
    await turn(
      `like comment ${comment.id}`,
      comment.is_liked,
      !comment.is_liked,
      (on) =>
        patch(comment, (now) =>
          now.is_liked === on ? now : { ...now, is_liked: on, like_count: Math.max(0, now.like_count + (on ? 1 : -1)) },
        ),
      (on) => (on ? api.likeComment(videoId, comment.id) : api.unlikeComment(videoId, comment.id)),
    );
  };

  const pin = async (comment: Comment): Promise<void> => {
    const on = !comment.is_pinned;
    roots.change((items) => items.map((item) => ({ ...item, is_pinned: on && item.id === comment.id })).sort(pinnedFirst));
    try {
      await (on ? api.pinComment(videoId, comment.id) : api.unpinComment(videoId));
      toast(t(on ? "comments.pinned.done" : "comments.unpinned.done"), "success");
    } catch (error) {
      tellOf(error);
    }
    // Where it stands among the others is the server's to say.
    roots.refresh();
  };

  return { roots, thread, toggle, more, post, remove, like: (comment) => void like(comment), pin: (comment) => void pin(comment) };
}
