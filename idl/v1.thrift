/*
 * The API for the web client and other clients. Answers have real HTTP statuses; errors are application/problem+json (Problem). Who asks
 * is in the header "Authorization: Bearer TOKEN" or in the cookie of a web session, never in the URL; with the cookie, a request that
 * changes something is answered only when its Origin is this server's. Bodies are JSON. Ids are numbers below 2^53; times are RFC 3339 in
 * UTC with milliseconds. Lists are pages: cursors are opaque, an empty next_cursor is the end. Lists are never null. Clients must accept
 * new fields and new values of enums. Another method is 405, an unknown path 404.
 */

/*
 * Annotations beside those of hz, which cmd/api/openapi/generate reads, as it does the comments:
 * api.access   visitor (default), member or public (credentials are not read)
 * api.stream   the content type of an answer that does not end: a sequence of the struct
 * api.status   of a success: 200, or 204 for Empty, unless it says otherwise
 * api.errors   codes of pkg/errno that the operation answers beside the general ones
 * api.key      optional: the header Idempotency-Key makes it safe to repeat
 * api.cookie   session: the answer may set or delete the cookie of the session
 * api.example  of a field; api.default of a parameter
 * api.length   characters of a string, "1..32"; api.range of a number, "0..100"; either end may be left open
 * api.enum     values: all in a request, those of today in an answer; api.format, api.pattern as in JSON Schema
 */
namespace go v1

/** Problem is an error, as RFC 9457 has it. */
struct Problem {
    /** urn:tiktok:error:CODE */
    1: string type (api.example="urn:tiktok:error:10301")
    /** A sentence for a person. */
    2: string title (api.example="video does not exist")
    /** The HTTP status. */
    3: i32 status (api.example="404")
    /** What exactly is wrong, when title does not say it. */
    4: optional string detail (api.example="title is longer than 100 characters")
    /** The same codes as the status_code of /douyin. */
    5: i32 code (api.example="10301")
    /** For whoever looks into the logs. */
    6: string request_id (api.example="0b9f3c1e-7d1e-4a57-9f5b-2f1f0c7ad001")
}

struct Empty {}

/** User is an account as the viewer sees it. */
struct User {
    1: i64 id (api.example="1180591620717411")
    /** Unique; the page of the account is /@name. */
    2: string name (api.example="ann")
    /** What to show; not unique. */
    3: string display_name (api.example="Ann Li")
    /** What the user writes about themselves. */
    4: string signature (api.example="I film the sea.")
    /** Absolute. */
    5: string avatar_url (api.example="http://localhost:10001/static/avatars/3.png")
    /** Absolute. */
    6: string background_url (api.example="http://localhost:10001/static/backgrounds/5.jpg")
    7: i64 following_count (api.example="2")
    8: i64 follower_count (api.example="3")
    /** Likes that the user's videos have got. */
    9: i64 likes_received_count (api.example="7")
    10: i64 video_count (api.example="2")
    /** Videos that the user likes. */
    11: i64 like_count (api.example="4")
    /** The viewer follows the user. */
    12: bool is_followed
    13: string created_at (api.example="2026-11-29T08:15:30.000Z")
    /** The account does not exist any more; all but id is empty. */
    14: bool is_deleted
}

/** Video is a video as the viewer sees it. */
struct Video {
    1: i64 id (api.example="1180591620717568")
    2: User author
    3: string title (api.example="A walk by the sea")
    /** mp4 that every browser plays. */
    4: string play_url (api.example="http://localhost:10001/media/videos/ab/1180591620717568.mp4")
    /** HLS master playlist in several sizes; empty until there is one. */
    5: string hls_url (api.example="http://localhost:10001/media/videos/ab/1180591620717568/hls/master.m3u8")
    6: string cover_url (api.example="http://localhost:10001/media/covers/ab/1180591620717568.jpg")
    /** Animated WebP; empty until there is one. */
    7: string preview_url (api.example="http://localhost:10001/media/videos/ab/1180591620717568/preview.webp")
    8: i64 duration_ms (api.range="0..", api.example="15000")
    /** As displayed. */
    9: i32 width (api.range="0..", api.example="720")
    10: i32 height (api.range="0..", api.example="1280")
    11: i64 like_count (api.example="3")
    12: i64 comment_count (api.example="1")
    /** The viewer likes it. */
    13: bool is_liked (api.example="true")
    14: string published_at (api.format="date-time", api.example="2026-11-29T08:15:30.000Z")
    /** The address of its page. */
    15: string page_url (api.example="http://localhost:10001/v/1180591620717568")
    /** Users whom the title mentions as @name, in its order. Deleted accounts are left out. */
    16: list<Mention> mentions
    /** How often it was watched: once a session from 3 s on, not by its author. */
    17: i64 view_count (api.example="12")
}

/** Mention is a user whom a text mentions as @name. */
struct Mention {
    1: i64 user_id (api.example="1180591620717412")
    2: string name (api.example="bob")
}

/** Comment is a text below a video. */
struct Comment {
    1: i64 id (api.example="1180591620717824")
    2: i64 video_id (api.example="1180591620717568")
    3: User author
    /** As stored; forbidden words may be masked. */
    4: string content (api.example="I could watch this all day")
    5: string created_at (api.format="date-time", api.example="2026-11-29T08:15:30.000Z")
    /** Users whom the content mentions as @name, in its order. Deleted accounts are left out. */
    6: list<Mention> mentions
    7: i64 like_count (api.example="2")
    /** The viewer likes it. */
    8: bool is_liked
    /** Answers in the thread that it began, at any depth; 0 for an answer. */
    9: i64 reply_count (api.example="1")
    /** The comment that began the thread that it is an answer in; 0: it began one. */
    10: i64 root_id (api.example="0")
    /** The comment that it answers; 0: none. */
    11: i64 reply_to_id (api.example="0")
    /** Who wrote the comment that it answers. */
    12: optional User reply_to_user
    /** The video's author has pinned it. */
    13: bool is_pinned
}

/** Upload is the work on one of the viewer's own files. */
struct Upload {
    1: i64 video_id (api.example="1180591620717569")
    2: string title (api.example="From an old camera")
    /** uploaded, processing, ready or failed. */
    3: string state (api.enum="uploaded,processing,ready,failed", api.example="processing")
    /** Percent. */
    4: i32 progress (api.range="0..100", api.example="40")
    /** Why it failed, else empty. */
    5: string reason
    /** Everybody can see it. */
    6: bool is_listed
    7: string uploaded_at (api.format="date-time", api.example="2026-11-29T08:15:30.000Z")
}

/** Session is one login. */
struct Session {
    1: i64 id (api.example="1180591620719104")
    2: string created_at (api.format="date-time", api.example="2026-11-29T08:15:30.000Z")
    /** When it was last used, up to a minute late. */
    3: string seen_at (api.format="date-time", api.example="2026-11-29T08:15:30.000Z")
    /** The User-Agent of the client. */
    4: string agent (api.example="Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0")
    /** The address of the client that opened it. */
    5: string address (api.example="192.0.2.7")
    /** The one that asks. */
    6: bool is_current (api.example="true")
}

/** Message is a text of one user to another. */
struct Message {
    1: i64 id (api.example="1180591620718080")
    2: i64 from_user_id (api.example="1180591620717411")
    3: i64 to_user_id (api.example="1180591620717412")
    4: string content (api.example="hi Bob")
    /** Unique and ascending in a conversation. */
    5: string created_at (api.format="date-time", api.example="2026-11-29T08:15:30.000Z")
}

/** VideoRef is what is needed to show which video something is about. */
struct VideoRef {
    1: i64 id (api.example="1180591620717568")
    2: string title (api.example="A walk by the sea")
    3: string cover_url (api.example="http://localhost:10001/media/covers/ab/1180591620717568.jpg")
}

/** Notice is what happened to the viewer, grouped: "Ann, Bob and 12 others like your video" is one. */
struct Notice {
    /** Stays the same while the group grows and shrinks. */
    1: string id (api.example="like-1180591620717568")
    /** like, comment, reply, mention, follow, comment_like or upload. */
    2: string kind (api.enum="like,comment,reply,mention,follow,comment_like,upload", api.example="like")
    /** Who did it, newest first, at most 3. Empty for upload. */
    3: list<User> actors
    /** Likes, comments, answers, mentions or followers in the group. */
    4: i64 count (api.range="1..", api.example="14")
    /** When the newest of them was made. */
    5: string at (api.format="date-time", api.example="2026-11-29T08:15:30.000Z")
    6: bool is_unread (api.example="true")
    /** The video that it is about; absent for follow, for an upload that was never listed, and while it cannot be read. */
    7: optional VideoRef video
    /**
     * comment, reply, mention: the newest one (absent: a mention in the title); comment_like: the viewer's own. Its is_liked is false.
     * Absent while it cannot be read.
     */
    8: optional Comment comment
    /** upload: ready or failed; else empty. */
    9: string state
    /** upload: why it failed; else empty. */
    10: string reason
    /** upload: the title; else empty. */
    11: string title
}

/** Conversation is what two users write each other, as the viewer sees it. */
struct Conversation {
    1: User user
    2: Message last_message
    /** Messages of the other that are not read, at most 100: neither marked as read, nor answered. */
    3: i32 unread_count (api.range="0..100", api.example="1")
}

/** VideoPage is a page of videos. */
struct VideoPage {
    1: list<Video> items
    /** Empty at the end. */
    2: string next_cursor (api.example="MTE4MDU5MTYyMDcxNzU2OA")
}
/** UserPage is a page of users. */
struct UserPage {
    1: list<User> items
    /** Empty at the end. */
    2: string next_cursor (api.example="MTE4MDU5MTYyMDcxNzU2OA")
}
/** CommentPage is a page of comments. */
struct CommentPage {
    1: list<Comment> items
    /** Empty at the end. */
    2: string next_cursor (api.example="MTE4MDU5MTYyMDcxNzU2OA")
}
/** ConversationPage is a page of conversations. */
struct ConversationPage {
    1: list<Conversation> items
    /** Empty at the end. */
    2: string next_cursor (api.example="MTE4MDU5MTYyMDcxNzU2OA")
}
/** SessionPage is a page of sessions. */
struct SessionPage {
    1: list<Session> items
    /** Empty at the end. */
    2: string next_cursor (api.example="MTE4MDU5MTYyMDcxNzU2OA")
}
/** UploadPage is a page of uploads. */
struct UploadPage {
    1: list<Upload> items
    /** Empty at the end. */
    2: string next_cursor (api.example="MTE4MDU5MTYyMDcxNzU2OA")
}
/** MessagePage is a page of a conversation. */
struct MessagePage {
    /** Newest first for direction=older, oldest first for direction=newer. */
    1: list<Message> items
    /** Where to go on in that direction. Empty at the end of direction=older; never empty for direction=newer, which is a poll. */
    2: string next_cursor (api.example="MTE4MDU5MTYyMDcxODA4MA")
    /** Where direction=newer starts that misses nothing. */
    3: string newer_cursor (api.example="MTE4MDU5MTYyMDcxODA4MA")
}

/** NoticePage is a page of notices. */
struct NoticePage {
    1: list<Notice> items
    /** Empty at the end. */
    2: string next_cursor (api.example="MTE4MDU5MTYyMDcxNzU2OA")
}
/** MarkNoticesReadRequest moves the mark up to which notices are read. */
struct MarkNoticesReadRequest {
    /** at of the newest notice that was seen. */
    1: string until (api.body="until", api.format="date-time", api.example="2026-11-29T08:15:30.000Z")
}
/** NoticeSettings are what a user wants to hear of. */
struct NoticeSettings {
    /** Kinds that are neither listed nor counted nor pushed: like, comment, reply, mention, follow, comment_like, upload. */
    1: list<string> muted_kinds (api.body="muted_kinds", api.example="[\"like\"]")
}
/** PushKey is what a browser needs to subscribe to Web Push. */
struct PushKey {
    /** The server's key (VAPID), base64url. Empty: this server does not push. */
    1: string public_key (api.example="BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM")
}
/** PushSubscriptionRequest is what PushSubscription.toJSON() of the browser has. */
struct PushSubscriptionRequest {
    /** https, at most 1000 bytes. */
    1: string endpoint (api.body="endpoint", api.length="1..1000", api.example="https://push.example.com/send/1")
    2: string p256dh (api.body="p256dh", api.length="1..200", api.example="BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM")
    3: string auth (api.body="auth", api.length="1..100", api.example="tBHItJI5svbpez7KI4CCXg")
}
/** PushSubscription is a browser that is told of notices and messages while no page is open. */
struct PushSubscription { 1: i64 id (api.example="1180591620719999") }
struct PushSubscriptionIDRequest { 1: i64 subscription_id (api.path="subscription_id", api.example="1180591620719999") }

/** Hint is the data of an event of the stream: there is something new to read. It may be lost: read every 30 s all the same. */
struct Hint {
    /** message: there are new ones. read: messages were marked as read. notice: notices or their number changed. upload: a state changed. */
    1: string kind (api.enum="message,read,notice,upload", api.example="message")
    /** message, read: the other one of the conversation. */
    2: optional i64 user_id (api.example="1180591620717412")
    /** upload: which video. */
    3: optional i64 video_id (api.example="1180591620717569")
    /** upload: its state. */
    4: optional string state (api.enum="uploaded,processing,ready,failed", api.example="processing")
}

/** TextSpan is a part of a text, in characters (code points). */
struct TextSpan {
    1: i32 start (api.range="0..", api.example="2")
    2: i32 length (api.range="1..", api.example="3")
}

/** VideoHit is a video that fits a search. */
struct VideoHit {
    1: Video video
    /** What fits in its title. */
    2: list<TextSpan> title_spans
}
struct VideoHitPage {
    /** What fits best first. */
    1: list<VideoHit> items
    /** For the next page; empty at the end. */
    2: string next_cursor (api.example="MTE4MDU5MTYyMDcxNzU2OA")
}

/** UserHit is a user who fits a search. */
struct UserHit {
    1: User user
    /** What fits in the name, and in the name that is shown. */
    2: list<TextSpan> name_spans
    3: list<TextSpan> display_name_spans
}
struct UserHitPage {
    /** Who fits best first. */
    1: list<UserHit> items
    /** For the next page; empty at the end. */
    2: string next_cursor (api.example="MTE4MDU5MTYyMDcxNzU2OA")
}

/** Tag is a word that titles have after a #. */
struct Tag {
    /** Without #, in lower case. */
    1: string name (api.example="sea")
    2: i64 video_count (api.range="0..", api.example="7")
}
struct TagPage {
    1: list<Tag> items
    /** For the next page; empty at the end. */
    2: string next_cursor (api.example="MTE4MDU5MTYyMDcxNzU2OA")
}

struct SearchRequest {
    /** What to look for. */
    1: string q (api.query="q", api.length="1..100", api.example="sea")
    /** next_cursor of the page before; none for the first. */
    2: optional string cursor (api.query="cursor")
    /** At most so many. */
    3: optional i32 limit (api.query="limit", api.range="1..100", api.default="30")
}
struct SuggestRequest {
    /** What was typed so far. */
    1: string q (api.query="q", api.length="1..100", api.example="se")
    /** At most so many. */
    2: optional i32 limit (api.query="limit", api.range="1..20", api.default="10")
}

/** Suggestion completes what somebody types. */
struct Suggestion {
    1: string kind (api.enum="video,user,tag", api.example="tag")
    /** What to search for. */
    2: string text (api.example="sea")
    /** kind user: the account. */
    3: optional User user
}
struct SuggestionList { 1: list<Suggestion> items }

struct TagRequest { 1: string tag (api.path="tag", api.length="1..50", api.example="sea") }
struct TagListRequest {
    1: string tag (api.path="tag", api.length="1..50", api.example="sea")
    /** next_cursor of the page before; none for the first. */
    2: optional string cursor (api.query="cursor")
    /** At most so many. */
    3: optional i32 limit (api.query="limit", api.range="1..100", api.default="30")
}

/** FeedReason is why a feed shows a video. */
struct FeedReason {
    /** newest: there are no recommendations now. */
    1: string kind (api.enum="fresh,hot,followed,co_liked,tag,explore,newest", api.example="co_liked")
    /** co_liked: the video that the viewer likes, as others do who like this one. */
    2: optional VideoRef video
    /** tag: which. */
    3: optional string tag (api.example="sea")
}
/** FeedItem is a video that a feed has chosen. */
struct FeedItem {
    1: Video video
    2: FeedReason reason
}
struct FeedItemPage {
    1: list<FeedItem> items
    /** For the next page; empty at the end. */
    2: string next_cursor (api.example="MTE4MDU5MTYyMDcxNzU2OA")
}

/** Watch is what was seen of a video in one session. */
struct Watch {
    1: i64 video_id (api.body="video_id", api.example="1180591620717568")
    /** Made by the client for each time that it opens a video. */
    2: string session (api.body="session", api.length="1..36", api.example="5f0c6f3e-1d5c-4b1c-9f44-0b7a2b1f9a01")
    3: i64 watched_ms (api.body="watched_ms", api.range="0..86400000", api.example="12000")
    /** It was seen to its end. */
    4: optional bool is_finished (api.body="is_finished")
}
struct AddWatchesRequest {
    /** At most 50. Told again, the longest of a session counts. */
    1: list<Watch> items (api.body="items",
        api.example="[{\"video_id\":1180591620717568,\"session\":\"5f0c6f3e-1d5c-4b1c-9f44-0b7a2b1f9a01\",\"watched_ms\":12000,\"is_finished\":true}]")
}

/** HistoryItem is a video that the viewer has watched. */
struct HistoryItem {
    1: Video video
    /** The last time. */
    2: string watched_at (api.format="date-time", api.example="2026-11-29T08:15:30.000Z")
    /** The most in one session. */
    3: i64 watched_ms (api.range="0..", api.example="12000")
    4: bool is_finished
}
struct HistoryPage {
    /** Last watched first. */
    1: list<HistoryItem> items
    /** For the next page; empty at the end. */
    2: string next_cursor (api.example="MTE4MDU5MTYyMDcxNzU2OA")
}

struct StatisticsRequest {
    /** The last so many days, today included. */
    1: optional i32 days (api.query="days", api.range="1..366", api.default="28")
}
/** DayStatistics is what the viewer got in one day, UTC. */
struct DayStatistics {
    1: string date (api.format="date", api.example="2026-11-29")
    2: i64 view_count (api.range="0..", api.example="12")
    3: i64 finish_count (api.range="0..", api.example="7")
    /** Likes and followers of that day that are still there. */
    4: i64 like_count (api.range="0..", api.example="3")
    5: i64 follower_count (api.range="0..", api.example="1")
}
struct Statistics {
    /** Each day, oldest first. */
    1: list<DayStatistics> days
}
/** VideoStatistics is how a video of the viewer was watched. */
struct VideoStatistics {
    1: Video video
    2: i64 view_count (api.range="0..", api.example="12")
    3: i64 finish_count (api.range="0..", api.example="7")
    /** Of a view, on average. */
    4: i64 average_watched_ms (api.range="0..", api.example="9500")
}
struct VideoStatisticsPage {
    /** Newest video first. */
    1: list<VideoStatistics> items
    /** For the next page; empty at the end. */
    2: string next_cursor (api.example="MTE4MDU5MTYyMDcxNzU2OA")
}

/** PageRequest is a request for a list of all. */
struct PageRequest {
    /** next_cursor of the page before; absent: the first page. */
    1: optional string cursor (api.query="cursor")
    /** Most entries in the page. */
    2: optional i32 limit (api.query="limit", api.range="1..100", api.default="30")
}

/** CredentialsRequest is a name and its password. */
struct CredentialsRequest {
    /** 1..32 characters. */
    1: string name (api.body="name", api.length="1..32", api.example="ann")
    /** 1..32 characters; a new one must not be one of the most common. */
    2: string password (api.body="password", api.length="1..32", api.format="password", api.example="a long walk")
    /** true: the session is a cookie for this browser, and the answer has no token. */
    3: optional bool cookie (api.body="cookie")
}
/** SessionResponse is a new session. */
struct SessionResponse {
    1: Session session
    2: User user
    /** For the header Authorization. Absent when the session is a cookie. */
    3: optional string token (api.example="eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.signature")
}

struct SessionRequest { 1: i64 session_id (api.path="session_id", api.example="1180591620719104") }

/** Me is the account of the viewer. */
struct Me {
    1: User user
    2: i64 session_id (api.example="1180591620719104")
    /** Conversations with unread messages, at most 100. */
    3: i32 unread_conversations (api.range="0..100", api.example="1")
    /** Unread notices, at most 100. */
    4: i32 unread_notices (api.range="0..100", api.example="2")
}
/** ProfileRequest is what changes; absent fields stay as they are. */
struct ProfileRequest {
    /** 0..32 characters; "" shows the account's name. */
    1: optional string display_name (api.body="display_name", api.length="..32", api.example="Ann Li")
    /** 0..80 characters */
    2: optional string signature (api.body="signature", api.length="..80", api.example="I film the sea.")
}
struct PictureRequest {
    /** The picture itself: JPEG, PNG, GIF or WebP, at most 8 MiB and 50 million pixels. It is scaled and stored anew. */
    1: binary data (api.raw_body="image/jpeg,image/png,image/gif,image/webp")
}
/** PasswordRequest replaces a password. */
struct PasswordRequest {
    1: string old_password (api.body="old_password", api.length="1..32", api.format="password", api.example="a long walk")
    /** 1..32 characters, and not one of the most common. */
    2: string new_password (api.body="new_password", api.length="1..32", api.format="password", api.example="a longer walk")
}

struct UserRequest { 1: i64 user_id (api.path="user_id", api.example="1180591620717412") }
struct UserNameRequest { 1: string name (api.path="name", api.example="ann") }
struct UserListRequest {
    1: i64 user_id (api.path="user_id", api.example="1180591620717412")
    /** next_cursor of the page before; absent: the first page. */
    2: optional string cursor (api.query="cursor")
    /** Most entries in the page. */
    3: optional i32 limit (api.query="limit", api.range="1..100", api.default="30")
}

struct VideoRequest { 1: i64 video_id (api.path="video_id", api.example="1180591620717568") }
/** PublishRequest is a video and what is said about it. */
struct PublishRequest {
    /** 1..100 characters; "@name" mentions a user, as in comments. Comes before data. */
    1: string title (api.form="title", api.length="1..100", api.example="A walk by the sea")
    /** The file. */
    2: binary data (api.form="data")
}
struct VideoListRequest {
    1: i64 video_id (api.path="video_id", api.example="1180591620717568")
    /** next_cursor of the page before; absent: the first page. */
    2: optional string cursor (api.query="cursor")
    /** Most entries in the page. */
    3: optional i32 limit (api.query="limit", api.range="1..100", api.default="30")
}
struct CommentListRequest {
    1: i64 video_id (api.path="video_id", api.example="1180591620717568")
    /** next_cursor of the page before, with the same sort; absent: the first page. */
    2: optional string cursor (api.query="cursor")
    /** Most entries in the page. */
    3: optional i32 limit (api.query="limit", api.range="1..100", api.default="30")
    /** newest (default) or top: most liked first. */
    4: optional string sort (api.query="sort", api.enum="newest,top", api.default="newest")
}
struct ReplyListRequest {
    1: i64 video_id (api.path="video_id", api.example="1180591620717568")
    /** The comment that began the thread. */
    2: i64 comment_id (api.path="comment_id", api.example="1180591620717824")
    /** next_cursor of the page before; absent: the first page. */
    3: optional string cursor (api.query="cursor")
    /** Most entries in the page. */
    4: optional i32 limit (api.query="limit", api.range="1..100", api.default="30")
}
struct CreateCommentRequest {
    1: i64 video_id (api.path="video_id", api.example="1180591620717568")
    /** 1..500 characters; "@name" mentions a user, ten at most. Of several names that fit, the longest is meant. */
    2: string content (api.body="content", api.length="1..500", api.example="I could watch this all day")
    /** The comment to answer; absent: a new thread. */
    3: optional i64 reply_to_id (api.body="reply_to_id", api.example="1180591620717824")
}
struct CommentRequest {
    1: i64 video_id (api.path="video_id", api.example="1180591620717568")
    2: i64 comment_id (api.path="comment_id", api.example="1180591620717824")
}

struct ListMessagesRequest {
    /** The other one. */
    1: i64 user_id (api.path="user_id", api.example="1180591620717412")
    /** next_cursor or newer_cursor of another page; absent: from the newest. */
    2: optional string cursor (api.query="cursor")
    /** Most entries in the page. */
    3: optional i32 limit (api.query="limit", api.range="1..100", api.default="30")
    /** older (default): from the newest, or from the cursor, into the past. newer: from the cursor to now. */
    4: optional string direction (api.query="direction", api.enum="older,newer", api.default="older")
}
struct SendMessageRequest {
    1: i64 user_id (api.path="user_id", api.example="1180591620717412")
    /** 1..1000 characters */
    2: string content (api.body="content", api.length="1..1000", api.example="hi Bob")
}
struct MessageRequest {
    /** The other one. */
    1: i64 user_id (api.path="user_id", api.example="1180591620717412")
    2: i64 message_id (api.path="message_id", api.example="1180591620718080")
}
struct MarkReadRequest {
    1: i64 user_id (api.path="user_id", api.example="1180591620717412")
    /** created_at of the last message that was read. */
    2: string until (api.body="until", api.format="date-time", api.example="2026-11-29T08:15:30.000Z")
}

service V1 {
    /** Creates an account and opens a session. */
    SessionResponse Register(1: CredentialsRequest req)
        (api.post="/api/v1/users", api.status="201", api.access="public", api.cookie="session", api.key="optional", api.errors="10202,10204")
    /** Opens a session. */
    SessionResponse Login(1: CredentialsRequest req)
        (api.post="/api/v1/sessions", api.status="201", api.access="public", api.cookie="session", api.errors="10203")
    /** The account's sessions, last used first; one page. */
    SessionPage ListSessions(1: Empty req) (api.get="/api/v1/sessions", api.access="member")
    /** Ends all sessions but the one that asks. */
    Empty RevokeOtherSessions(1: Empty req) (api.delete="/api/v1/sessions", api.access="member")
    /** Logs out: ends the session that asks. */
    Empty Logout(1: Empty req) (api.delete="/api/v1/sessions/current", api.access="member", api.cookie="session")
    /** Ends a session of the account. */
    Empty RevokeSession(1: SessionRequest req) (api.delete="/api/v1/sessions/:session_id", api.access="member", api.errors="10205")

    /** The account that asks. */
    Me GetMe(1: Empty req) (api.get="/api/v1/me", api.access="member")
    /** Changes the profile. */
    User UpdateProfile(1: ProfileRequest req) (api.patch="/api/v1/me", api.access="member", api.errors="10206")
    /** Replaces the avatar; it becomes a square of 320 pixels. */
    User SetAvatar(1: PictureRequest req) (api.put="/api/v1/me/avatar", api.access="member", api.errors="10207,10208")
    /** Goes back to the default avatar. */
    User DeleteAvatar(1: Empty req) (api.delete="/api/v1/me/avatar", api.access="member")
    /** Replaces the background of the profile; it becomes 1280 by 480 pixels. */
    User SetBackground(1: PictureRequest req) (api.put="/api/v1/me/background", api.access="member", api.errors="10207,10208")
    /** Goes back to the default background. */
    User DeleteBackground(1: Empty req) (api.delete="/api/v1/me/background", api.access="member")
    /** Replaces the password and ends all other sessions. */
    Empty ChangePassword(1: PasswordRequest req) (api.put="/api/v1/me/password", api.access="member", api.errors="10203,10204")
    /** The account's uploads that are being worked on or have failed, newest first; one page. */
    UploadPage ListUploads(1: Empty req) (api.get="/api/v1/me/uploads", api.access="member")
    /** Users who follow the account and whom it follows, newest first. */
    UserPage ListFriends(1: PageRequest req) (api.get="/api/v1/me/friends", api.access="member")

    /** A user. */
    User GetUser(1: UserRequest req) (api.get="/api/v1/users/:user_id", api.errors="10201")
    /** A user by their name. */
    User GetUserByName(1: UserNameRequest req) (api.get="/api/v1/users/by-name/:name", api.errors="10201")
    /** An author's videos, newest first. */
    VideoPage ListUserVideos(1: UserListRequest req) (api.get="/api/v1/users/:user_id/videos", api.errors="10201")
    /** The videos that a user likes, last liked first. */
    VideoPage ListUserLikes(1: UserListRequest req) (api.get="/api/v1/users/:user_id/likes", api.errors="10201")
    /** Whom a user follows, last followed first. */
    UserPage ListFollowing(1: UserListRequest req) (api.get="/api/v1/users/:user_id/following", api.errors="10201")
    /** Who follows a user, newest first. */
    UserPage ListFollowers(1: UserListRequest req) (api.get="/api/v1/users/:user_id/followers", api.errors="10201")
    /** Follows a user; twice is success. */
    Empty Follow(1: UserRequest req) (api.put="/api/v1/users/:user_id/follow", api.access="member", api.errors="10201,10501")
    /** Stops following; twice is success. */
    Empty Unfollow(1: UserRequest req) (api.delete="/api/v1/users/:user_id/follow", api.access="member", api.errors="10201,10501")

    /** All videos, newest first. */
    VideoPage Feed(1: PageRequest req) (api.get="/api/v1/feed")
    /** A video. */
    Video GetVideo(1: VideoRequest req) (api.get="/api/v1/videos/:video_id", api.errors="10301")
    /** Publishes a file. It is listed at once, or once it is transcoded. */
    Upload Publish(1: PublishRequest req)
        (api.post="/api/v1/videos", api.status="201", api.access="member", api.key="optional",
        api.errors="10301,10302,10303,10304,10305,10306")
    /** Deletes a video of the account, with its files, likes and comments. */
    Empty DeleteVideo(1: VideoRequest req) (api.delete="/api/v1/videos/:video_id", api.access="member", api.errors="10301")
    /** Likes a video; twice is success. */
    Empty Like(1: VideoRequest req) (api.put="/api/v1/videos/:video_id/like", api.access="member", api.errors="10301")
    /** Takes the like back; twice is success. */
    Empty Unlike(1: VideoRequest req) (api.delete="/api/v1/videos/:video_id/like", api.access="member", api.errors="10301")
    /** A video's comments that begin a thread; the one that the author has pinned comes first. */
    CommentPage ListComments(1: CommentListRequest req) (api.get="/api/v1/videos/:video_id/comments", api.errors="10301")
    /** A thread's answers, oldest first. */
    CommentPage ListReplies(1: ReplyListRequest req)
        (api.get="/api/v1/videos/:video_id/comments/:comment_id/replies", api.errors="10301,10401")
    /** Comments on a video, or answers a comment. */
    Comment CreateComment(1: CreateCommentRequest req)
        (api.post="/api/v1/videos/:video_id/comments", api.status="201", api.access="member", api.key="optional",
        api.errors="10301,10401,10402")
    /** Likes a comment; twice is success. */
    Empty LikeComment(1: CommentRequest req)
        (api.put="/api/v1/videos/:video_id/comments/:comment_id/like", api.access="member", api.errors="10401")
    /** Takes the like of a comment back; twice is success. */
    Empty UnlikeComment(1: CommentRequest req)
        (api.delete="/api/v1/videos/:video_id/comments/:comment_id/like", api.access="member", api.errors="10401")
    /** Pins a comment of an own video instead of the one that is pinned. */
    Empty PinComment(1: CommentRequest req)
        (api.put="/api/v1/videos/:video_id/comments/:comment_id/pin", api.access="member", api.errors="10301,10401")
    /** Pins no comment of an own video any more; twice is success. */
    Empty UnpinComment(1: VideoRequest req) (api.delete="/api/v1/videos/:video_id/pinned-comment", api.access="member", api.errors="10301")
    /** Deletes a comment of the account, with its answers. */
    Empty DeleteComment(1: CommentRequest req)
        (api.delete="/api/v1/videos/:video_id/comments/:comment_id", api.access="member", api.errors="10401")

    /** The account's conversations, that with the newest message first. */
    ConversationPage ListConversations(1: PageRequest req) (api.get="/api/v1/conversations", api.access="member")
    /** Messages of a conversation. */
    MessagePage ListMessages(1: ListMessagesRequest req) (api.get="/api/v1/conversations/:user_id/messages", api.access="member")
    /** Sends a message. */
    Message SendMessage(1: SendMessageRequest req)
        (api.post="/api/v1/conversations/:user_id/messages", api.status="201", api.access="member", api.key="optional",
        api.errors="10201,10601,10602")
    /** Marks the other's messages as read. */
    Empty MarkRead(1: MarkReadRequest req) (api.put="/api/v1/conversations/:user_id/read", api.access="member")
    /** Deletes a message for the account alone; the other still has it. Twice is success. */
    Empty DeleteMessage(1: MessageRequest req)
        (api.delete="/api/v1/conversations/:user_id/messages/:message_id", api.access="member", api.errors="10603")
    /** Deletes all messages of a conversation for the account alone; it comes back with its next message. */
    Empty DeleteConversation(1: UserRequest req) (api.delete="/api/v1/conversations/:user_id", api.access="member")

    /** The account's notices, newest first. A page may have fewer than limit: what some were about is gone. */
    NoticePage ListNotices(1: PageRequest req) (api.get="/api/v1/notices", api.access="member")
    /** Marks notices as read. */
    Empty MarkNoticesRead(1: MarkNoticesReadRequest req) (api.put="/api/v1/notices/read", api.access="member")
    /** What the account wants to hear of. */
    NoticeSettings GetNoticeSettings(1: Empty req) (api.get="/api/v1/notices/settings", api.access="member")
    /** Replaces what the account wants to hear of. */
    NoticeSettings SetNoticeSettings(1: NoticeSettings req) (api.put="/api/v1/notices/settings", api.access="member")

    /** The key that a browser needs to subscribe to Web Push. */
    PushKey GetPushKey(1: Empty req) (api.get="/api/v1/push", api.access="member")
    /** Adds this browser to those that are told of notices and messages while no page is open. */
    PushSubscription Subscribe(1: PushSubscriptionRequest req)
        (api.post="/api/v1/push/subscriptions", api.status="201", api.access="member", api.errors="10701")
    /** Removes a browser; twice is success. */
    Empty Unsubscribe(1: PushSubscriptionIDRequest req) (api.delete="/api/v1/push/subscriptions/:subscription_id", api.access="member")

    /**
     * A stream of hints (server-sent events): each event is named hint, its data is a Hint. A comment line comes every 15 s. The stream ends
     * when the session does, and when the server stops: connect again after a random pause of up to 10 s.
     */
    Hint Events(1: Empty req) (api.get="/api/v1/events", api.access="member", api.stream="text/event-stream")

    /** Finds videos by title, tags and author. */
    VideoHitPage SearchVideos(1: SearchRequest req) (api.get="/api/v1/search/videos", api.errors="10801")
    /** Finds users by their names. */
    UserHitPage SearchUsers(1: SearchRequest req) (api.get="/api/v1/search/users", api.errors="10801")
    /** Finds tags. */
    TagPage SearchTags(1: SearchRequest req) (api.get="/api/v1/search/tags", api.errors="10801")
    /** Completes what somebody types. */
    SuggestionList Suggest(1: SuggestRequest req) (api.get="/api/v1/search/suggestions", api.errors="10801")
    /** Reads the tags of the hour, first the most used. */
    TagPage ListTrendingTags(1: Empty req) (api.get="/api/v1/tags")
    /** Reads a tag. */
    Tag GetTag(1: TagRequest req) (api.get="/api/v1/tags/:tag")
    /** Reads one page of the videos with a tag, newest first. */
    VideoPage ListTagVideos(1: TagListRequest req) (api.get="/api/v1/tags/:tag/videos")

    /** Chooses videos for the viewer. While there are no recommendations: the newest. */
    FeedItemPage ForYou(1: PageRequest req) (api.get="/api/v1/feeds/for-you")
    /** Reads one page of the videos of those whom the viewer follows, newest first. */
    FeedItemPage FollowingFeed(1: PageRequest req) (api.get="/api/v1/feeds/following", api.access="member")
    /** Reads one page of what everybody likes and watches to its end of late. */
    FeedItemPage HotFeed(1: PageRequest req) (api.get="/api/v1/feeds/hot")

    /** Tells what the viewer has watched. Videos that are gone, and the viewer's own, are ignored. */
    Empty AddWatches(1: AddWatchesRequest req) (api.post="/api/v1/watches", api.status="204", api.access="member")
    /** Reads one page of what the viewer has watched, last watched first. */
    HistoryPage ListHistory(1: PageRequest req) (api.get="/api/v1/me/history", api.access="member")
    /** Forgets all that the viewer has watched, also for recommendations. */
    Empty DeleteHistory(1: Empty req) (api.delete="/api/v1/me/history", api.access="member")
    /** Forgets that the viewer has watched a video. */
    Empty DeleteHistoryItem(1: VideoRequest req) (api.delete="/api/v1/me/history/:video_id", api.access="member")
    /** Reads what the viewer's videos got, by day. */
    Statistics GetStatistics(1: StatisticsRequest req) (api.get="/api/v1/me/statistics", api.access="member")
    /** Reads one page of how each of the viewer's videos was watched. */
    VideoStatisticsPage ListVideoStatistics(1: PageRequest req) (api.get="/api/v1/me/statistics/videos", api.access="member")
}
