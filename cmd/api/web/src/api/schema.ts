// The shapes of /api/v1, by hand from idl/v1.thrift until the OpenAPI document is there.
export interface User {
  id: number;
  name: string;
  display_name: string;
  signature: string;
  avatar_url: string;
  background_url: string;
  following_count: number;
  follower_count: number;
  likes_received_count: number;
  video_count: number;
  like_count: number;
  is_followed: boolean;
  created_at: string;
  is_deleted: boolean;
}
export interface Video {
  id: number;
  author: User;
  title: string;
  play_url: string;
  hls_url: string;
  cover_url: string;
  preview_url: string;
  duration_ms: number;
  width: number;
  height: number;
  like_count: number;
  comment_count: number;
  is_liked: boolean;
  published_at: string;
  page_url: string;
}
export interface Comment {
  id: number;
  video_id: number;
  author: User;
  content: string;
  created_at: string;
}
export interface Upload {
  video_id: number;
  title: string;
  state: string;
  progress: number;
  reason: string;
  is_listed: boolean;
  uploaded_at: string;
}
export interface Session {
  id: number;
  created_at: string;
  seen_at: string;
  agent: string;
  address: string;
  is_current: boolean;
}
export interface Message {
  id: number;
  from_user_id: number;
  to_user_id: number;
  content: string;
  created_at: string;
}
export interface Conversation {
  user: User;
  last_message: Message;
  unread_count: number;
}
export interface Page<T> {
  items: T[];
  next_cursor: string;
}
export interface MessagePage extends Page<Message> {
  newer_cursor: string;
}
export interface Me {
  user: User;
  session_id: number;
  unread_conversations: number;
}
export interface SessionResponse {
  session: Session;
  user: User;
  token?: string;
}
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  code: number;
  request_id: string;
}

type PageQuery = { cursor?: string; limit?: number };
type UserPath = { user_id: number };
type VideoPath = { video_id: number };
type Request<Path, Query, Body> = {
  parameters: (Path extends undefined ? { path?: never } : { path: Path }) & { query?: Query };
} & (Body extends undefined ? { requestBody?: never } : { requestBody: { content: { "application/json": Body } } });
type Op<Path, Query, Body, Answer> = Request<Path, Query, Body> & { responses: { 200: { content: { "application/json": Answer } } } };
type Done<Path, Body = undefined> = Request<Path, undefined, Body> & { responses: { 204: { content?: never } } };
type None = undefined;

export interface paths {
  "/api/v1/users": { post: Op<None, None, { name: string; password: string; cookie?: boolean }, SessionResponse> };
  "/api/v1/sessions": {
    post: Op<None, None, { name: string; password: string; cookie?: boolean }, SessionResponse>;
    get: Op<None, None, undefined, Page<Session>>;
    delete: Done<None>;
  };
  "/api/v1/sessions/current": { delete: Done<None> };
  "/api/v1/sessions/{session_id}": { delete: Done<{ session_id: number }> };
  "/api/v1/me": { get: Op<None, None, undefined, Me>; patch: Op<None, None, { display_name?: string; signature?: string }, User> };
  "/api/v1/me/avatar": { delete: Op<None, None, undefined, User> };
  "/api/v1/me/background": { delete: Op<None, None, undefined, User> };
  "/api/v1/me/password": { put: Done<None, { old_password: string; new_password: string }> };
  "/api/v1/me/uploads": { get: Op<None, None, undefined, Page<Upload>> };
  "/api/v1/me/friends": { get: Op<None, PageQuery, undefined, Page<User>> };
  "/api/v1/users/{user_id}": { get: Op<UserPath, None, undefined, User> };
  "/api/v1/users/by-name/{name}": { get: Op<{ name: string }, None, undefined, User> };
  "/api/v1/users/{user_id}/videos": { get: Op<UserPath, PageQuery, undefined, Page<Video>> };
  "/api/v1/users/{user_id}/likes": { get: Op<UserPath, PageQuery, undefined, Page<Video>> };
  "/api/v1/users/{user_id}/following": { get: Op<UserPath, PageQuery, undefined, Page<User>> };
  "/api/v1/users/{user_id}/followers": { get: Op<UserPath, PageQuery, undefined, Page<User>> };
  "/api/v1/users/{user_id}/follow": { put: Done<UserPath>; delete: Done<UserPath> };
  "/api/v1/feed": { get: Op<None, PageQuery, undefined, Page<Video>> };
  "/api/v1/videos/{video_id}": { get: Op<VideoPath, None, undefined, Video>; delete: Done<VideoPath> };
  "/api/v1/videos/{video_id}/like": { put: Done<VideoPath>; delete: Done<VideoPath> };
  "/api/v1/videos/{video_id}/comments": {
    get: Op<VideoPath, PageQuery, undefined, Page<Comment>>;
    post: Op<VideoPath, None, { content: string }, Comment>;
  };
  "/api/v1/videos/{video_id}/comments/{comment_id}": { delete: Done<VideoPath & { comment_id: number }> };
  "/api/v1/conversations": { get: Op<None, PageQuery, undefined, Page<Conversation>> };
  "/api/v1/conversations/{user_id}/messages": {
    get: Op<UserPath, PageQuery & { direction?: "older" | "newer" }, undefined, MessagePage>;
    post: Op<UserPath, None, { content: string }, Message>;
  };
  "/api/v1/conversations/{user_id}/read": { put: Done<UserPath, { until: string }> };
}
