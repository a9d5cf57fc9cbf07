// The shapes of /api/v1 by their short names. schema.ts is generated from the OpenAPI document.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type User = Schemas["User"];
export type Video = Schemas["Video"];
export type Comment = Schemas["Comment"];
export type Mention = Schemas["Mention"];
export type Upload = Schemas["Upload"];
export type Session = Schemas["Session"];
export type Message = Schemas["Message"];
export type MessagePage = Schemas["MessagePage"];
export type Conversation = Schemas["Conversation"];
export type Notice = Schemas["Notice"];
export type NoticeSettings = Schemas["NoticeSettings"];
export type Hint = Schemas["Hint"];
export type Me = Schemas["Me"];
export type Problem = Schemas["Problem"];
export type TextSpan = Schemas["TextSpan"];
export type VideoHit = Schemas["VideoHit"];
export type UserHit = Schemas["UserHit"];
export type Tag = Schemas["Tag"];
export type Suggestion = Schemas["Suggestion"];
export type FeedItem = Schemas["FeedItem"];
export type FeedReason = Schemas["FeedReason"];
export type Watch = Schemas["Watch"];
export type HistoryItem = Schemas["HistoryItem"];
export type Statistics = Schemas["Statistics"];
export type DayStatistics = Schemas["DayStatistics"];
export type VideoStatistics = Schemas["VideoStatistics"];

/** Page is a part of a list; an empty next_cursor is the end. */
export interface Page<T> {
  items: T[];
  next_cursor: string;
}
