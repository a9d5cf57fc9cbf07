import createClient from "openapi-fetch";
import { ApiError, LoginCancelled, codes, problemError } from "./error";
import { quietHeader, send } from "./fetch";
import type { components, paths } from "./schema";
import type {
  Comment,
  Conversation,
  FeedItem,
  HistoryItem,
  Me,
  Message,
  MessagePage,
  Notice,
  NoticeSettings,
  Page,
  Session,
  Statistics,
  Suggestion,
  Tag,
  Upload,
  User,
  UserHit,
  Video,
  VideoHit,
  VideoStatistics,
  Watch,
} from "./types";

const http = createClient<paths>({ baseUrl: location.origin, fetch: send, credentials: "same-origin" });

/** quiet is for requests that nobody waits for: they never ask to log in. */
const quiet = { headers: { [quietHeader]: "1" } };

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

type AddWatches = components["schemas"]["AddWatchesRequest"];

/** Sort is the order of comments. */
export type Sort = "newest" | "top";

/** Subscription is what a browser gives for Web Push. */
export interface Subscription {
  endpoint: string;
  p256dh: string;
  auth: string;
}

/** value is the body of a successful answer; every other answer, or none, is an ApiError. */
async function value<T>(answer: Promise<Answer<T>>): Promise<T> {
  let got: Answer<T>;
  try {
    got = await answer;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, 0);
  }
  if (got.response.ok) return got.data as T;
  const error = problemError(got.response.status, got.error);
  if (error.status === 401 && error.code === codes.unauthenticated) throw new LoginCancelled();
  throw error;
}

/** done waits for an answer without a body. */
const done = async (answer: Promise<Answer<unknown>>): Promise<void> => {
  await value(answer);
};

const page = (cursor: string | undefined, limit: number) => ({ query: { limit, ...(cursor ? { cursor } : {}) } });
const user = (user_id: number) => ({ path: { user_id } });
const video = (video_id: number) => ({ path: { video_id } });
const comment = (video_id: number, comment_id: number) => ({ path: { video_id, comment_id } });
const found = (q: string, cursor: string | undefined, limit: number) => ({ query: { q, ...page(cursor, limit).query } });
const tagged = (tag: string) => ({ path: { tag } });

/**
 * api has a function for every operation of /api/v1. They reject with ApiError, or with LoginCancelled when a session was needed and the
 * viewer did not log in.
 */
export const api = {
  register: (name: string, password: string) => value(http.POST("/api/v1/users", { body: { name, password, cookie: true } })),
  login: (name: string, password: string) => value(http.POST("/api/v1/sessions", { body: { name, password, cookie: true } })),
  logout: () => done(http.DELETE("/api/v1/sessions/current", quiet)),
  sessions: (): Promise<Page<Session>> => value(http.GET("/api/v1/sessions")),
  revokeSession: (session_id: number) => done(http.DELETE("/api/v1/sessions/{session_id}", { params: { path: { session_id } } })),
  revokeOtherSessions: () => done(http.DELETE("/api/v1/sessions")),

  me: (): Promise<Me> => value(http.GET("/api/v1/me", quiet)),
  updateProfile: (profile: { display_name?: string; signature?: string }): Promise<User> =>
    value(http.PATCH("/api/v1/me", { body: profile })),
  setPicture: (which: "avatar" | "background", file: Blob): Promise<User> => putPicture(`/api/v1/me/${which}`, file),
  deletePicture: (which: "avatar" | "background"): Promise<User> => value(http.DELETE(`/api/v1/me/${which}`)),
  changePassword: (old_password: string, new_password: string) =>
    done(http.PUT("/api/v1/me/password", { body: { old_password, new_password } })),
  uploads: (): Promise<Page<Upload>> => value(http.GET("/api/v1/me/uploads", quiet)),
  friends: (cursor?: string, limit = 30): Promise<Page<User>> => value(http.GET("/api/v1/me/friends", { params: page(cursor, limit) })),

  user: (id: number): Promise<User> => value(http.GET("/api/v1/users/{user_id}", { params: user(id) })),
  userByName: (name: string): Promise<User> => value(http.GET("/api/v1/users/by-name/{name}", { params: { path: { name } } })),
  userVideos: (id: number, cursor?: string, limit = 24): Promise<Page<Video>> =>
    value(http.GET("/api/v1/users/{user_id}/videos", { params: { ...user(id), ...page(cursor, limit) } })),
  userLikes: (id: number, cursor?: string, limit = 24): Promise<Page<Video>> =>
    value(http.GET("/api/v1/users/{user_id}/likes", { params: { ...user(id), ...page(cursor, limit) } })),
  following: (id: number, cursor?: string, limit = 30): Promise<Page<User>> =>
    value(http.GET("/api/v1/users/{user_id}/following", { params: { ...user(id), ...page(cursor, limit) } })),
  followers: (id: number, cursor?: string, limit = 30): Promise<Page<User>> =>
    value(http.GET("/api/v1/users/{user_id}/followers", { params: { ...user(id), ...page(cursor, limit) } })),
  follow: (id: number) => done(http.PUT("/api/v1/users/{user_id}/follow", { params: user(id) })),
  unfollow: (id: number) => done(http.DELETE("/api/v1/users/{user_id}/follow", { params: user(id) })),

  feed: (cursor?: string, limit = 10): Promise<Page<Video>> => value(http.GET("/api/v1/feed", { params: page(cursor, limit) })),
  forYou: (cursor?: string, limit = 10): Promise<Page<FeedItem>> => value(http.GET("/api/v1/feeds/for-you", { params: page(cursor, limit) })),
  followingFeed: (cursor?: string, limit = 10): Promise<Page<FeedItem>> =>
    value(http.GET("/api/v1/feeds/following", { params: page(cursor, limit) })),
  hotFeed: (cursor?: string, limit = 10): Promise<Page<FeedItem>> => value(http.GET("/api/v1/feeds/hot", { params: page(cursor, limit) })),

  searchVideos: (q: string, cursor?: string, limit = 24): Promise<Page<VideoHit>> =>
    value(http.GET("/api/v1/search/videos", { params: found(q, cursor, limit) })),
  searchUsers: (q: string, cursor?: string, limit = 30): Promise<Page<UserHit>> =>
    value(http.GET("/api/v1/search/users", { params: found(q, cursor, limit) })),
  searchTags: (q: string, cursor?: string, limit = 30): Promise<Page<Tag>> =>
    value(http.GET("/api/v1/search/tags", { params: found(q, cursor, limit) })),
  suggestions: async (q: string, signal: AbortSignal): Promise<Suggestion[]> =>
    (await value(http.GET("/api/v1/search/suggestions", { params: { query: { q, limit: 8 } }, signal }))).items,

  trendingTags: async (): Promise<Tag[]> => (await value(http.GET("/api/v1/tags"))).items,
  tag: (tag: string): Promise<Tag> => value(http.GET("/api/v1/tags/{tag}", { params: tagged(tag) })),
  tagVideos: (tag: string, cursor?: string, limit = 24): Promise<Page<Video>> =>
    value(http.GET("/api/v1/tags/{tag}/videos", { params: { ...tagged(tag), ...page(cursor, limit) } })),

  addWatches: (items: Watch[]): Promise<void> => postWatches(items),
  history: (cursor?: string, limit = 30): Promise<Page<HistoryItem>> =>
    value(http.GET("/api/v1/me/history", { params: page(cursor, limit) })),
  deleteHistory: () => done(http.DELETE("/api/v1/me/history")),
  deleteHistoryItem: (id: number) => done(http.DELETE("/api/v1/me/history/{video_id}", { params: video(id) })),
  statistics: (days: number): Promise<Statistics> => value(http.GET("/api/v1/me/statistics", { params: { query: { days } } })),
  videoStatistics: (cursor?: string, limit = 30): Promise<Page<VideoStatistics>> =>
    value(http.GET("/api/v1/me/statistics/videos", { params: page(cursor, limit) })),

  video: (id: number): Promise<Video> => value(http.GET("/api/v1/videos/{video_id}", { params: video(id) })),
  deleteVideo: (id: number) => done(http.DELETE("/api/v1/videos/{video_id}", { params: video(id) })),
  like: (id: number) => done(http.PUT("/api/v1/videos/{video_id}/like", { params: video(id) })),
  unlike: (id: number) => done(http.DELETE("/api/v1/videos/{video_id}/like", { params: video(id) })),
  comments: (id: number, sort: Sort, cursor?: string, limit = 20): Promise<Page<Comment>> =>
    value(
      http.GET("/api/v1/videos/{video_id}/comments", { params: { ...video(id), query: { ...page(cursor, limit).query, sort } } }),
    ),
  replies: (id: number, root: number, cursor?: string, limit = 20): Promise<Page<Comment>> =>
    value(
      http.GET("/api/v1/videos/{video_id}/comments/{comment_id}/replies", { params: { ...comment(id, root), ...page(cursor, limit) } }),
    ),
  createComment: (id: number, content: string, reply_to_id = 0): Promise<Comment> =>
    value(
      http.POST("/api/v1/videos/{video_id}/comments", {
        params: video(id),
        body: { content, ...(reply_to_id ? { reply_to_id } : {}) },
      }),
    ),
  deleteComment: (video_id: number, id: number) =>
    done(http.DELETE("/api/v1/videos/{video_id}/comments/{comment_id}", { params: comment(video_id, id) })),
  likeComment: (video_id: number, id: number) =>
    done(http.PUT("/api/v1/videos/{video_id}/comments/{comment_id}/like", { params: comment(video_id, id) })),
  unlikeComment: (video_id: number, id: number) =>
    done(http.DELETE("/api/v1/videos/{video_id}/comments/{comment_id}/like", { params: comment(video_id, id) })),
  pinComment: (video_id: number, id: number) =>
    done(http.PUT("/api/v1/videos/{video_id}/comments/{comment_id}/pin", { params: comment(video_id, id) })),
  unpinComment: (id: number) => done(http.DELETE("/api/v1/videos/{video_id}/pinned-comment", { params: video(id) })),

  conversations: (cursor?: string, limit = 30): Promise<Page<Conversation>> =>
    value(http.GET("/api/v1/conversations", { params: page(cursor, limit) })),
  messages: (id: number, cursor?: string, direction: "older" | "newer" = "older", limit = 30): Promise<MessagePage> =>
    value(
      http.GET("/api/v1/conversations/{user_id}/messages", {
        params: { ...user(id), query: { ...page(cursor, limit).query, direction } },
        ...(direction === "newer" ? quiet : {}),
      }),
    ),
  sendMessage: (id: number, content: string): Promise<Message> =>
    value(http.POST("/api/v1/conversations/{user_id}/messages", { params: user(id), body: { content } })),
  markRead: (id: number, until: string) =>
    done(http.PUT("/api/v1/conversations/{user_id}/read", { params: user(id), body: { until }, ...quiet })),
  deleteMessage: (user_id: number, message_id: number) =>
    done(http.DELETE("/api/v1/conversations/{user_id}/messages/{message_id}", { params: { path: { user_id, message_id } } })),
  deleteConversation: (id: number) => done(http.DELETE("/api/v1/conversations/{user_id}", { params: user(id) })),

  notices: (cursor?: string, limit = 30): Promise<Page<Notice>> =>
    value(http.GET("/api/v1/notices", { params: page(cursor, limit), ...quiet })),
  markNoticesRead: (until: string) => done(http.PUT("/api/v1/notices/read", { body: { until }, ...quiet })),
  noticeSettings: (): Promise<NoticeSettings> => value(http.GET("/api/v1/notices/settings")),
  setNoticeSettings: (muted_kinds: string[]): Promise<NoticeSettings> =>
    value(http.PUT("/api/v1/notices/settings", { body: { muted_kinds } })),

  pushKey: async (): Promise<string> => (await value(http.GET("/api/v1/push", quiet))).public_key,
  subscribe: async (subscription: Subscription): Promise<number> =>
    (await value(http.POST("/api/v1/push/subscriptions", { body: subscription }))).id,
  unsubscribe: (subscription_id: number) =>
    done(http.DELETE("/api/v1/push/subscriptions/{subscription_id}", { params: { path: { subscription_id } }, ...quiet })),
};

// putPicture sends a file as it is: its type is the file's own.
async function putPicture(path: string, file: Blob): Promise<User> {
  const answer = async (): Promise<Answer<User>> => {
    const request = new Request(path, { method: "PUT", body: file, headers: { "content-type": file.type }, credentials: "same-origin" });
    const response = await send(request);
    const body = (await response.json().catch(() => undefined)) as User | undefined;
    return response.ok ? { data: body as User, response } : { error: body, response };
  };
  return value(answer());
}

// postWatches sends at once, and goes on when the page is closed.
async function postWatches(items: Watch[]): Promise<void> {
  const post = fetch("/api/v1/watches", {
    method: "POST",
    body: JSON.stringify({ items } satisfies AddWatches),
    headers: { "content-type": "application/json" },
    credentials: "same-origin",
    keepalive: true,
  });
  await value(post.then(async (response) => (response.ok ? { response } : { response, error: await response.json().catch(() => undefined) })));
}
