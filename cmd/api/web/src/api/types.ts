// The shapes of /api/v1 by their short names.
import type * as schema from "./schema";

export type User = schema.User;
export type Video = schema.Video;
export type Comment = schema.Comment;
export type Upload = schema.Upload;
export type Session = schema.Session;
export type Message = schema.Message;
export type Conversation = schema.Conversation;
export type Me = schema.Me;
export type Problem = schema.Problem;
export type MessagePage = schema.MessagePage;
/** Page is a part of a list; an empty next_cursor is the end. */
export interface Page<T> {
  items: T[];
  next_cursor: string;
}
