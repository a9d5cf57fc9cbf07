namespace go notice

include "common.thrift"

/** Kind is what a notice is about. */
enum Kind {
    /** Somebody likes the user's video. Subject: the video. An entry for each who likes it. */
    LIKE = 1
    /** Somebody wrote a comment on the user's video. Subject: the video. An entry for each comment. */
    COMMENT = 2
    /** Somebody answered the user's comment. Subject: that comment. An entry for each answer. */
    REPLY = 3
    /** Somebody mentioned the user in comments on a video, or in its title. Subject: the video. An entry for each comment, 0 is the title. */
    MENTION = 4
    /** Somebody follows the user. Subject: 0. An entry for each follower. */
    FOLLOW = 5
    /** Somebody likes the user's comment. Subject: the comment. An entry for each who likes it. */
    COMMENT_LIKE = 6
    /** An upload that had to be transcoded is ready, or an upload failed. Subject: the video. One entry. */
    UPLOAD = 7
}

/** Notice is what happened to one subject: a group of entries of one kind. */
struct Notice {
    1: Kind kind
    2: i64 subject_id
    /** The video that it leads to; 0 for FOLLOW. */
    3: i64 video_id
    /** Entries. A group without any is no notice. */
    4: i64 count
    /** Who did the newest 30 entries, newest first, each once, at most MAX_ACTORS. Empty for UPLOAD. */
    5: list<i64> actor_ids
    /** The newest comment of COMMENT, REPLY and MENTION (0: the title), the user's own one of COMMENT_LIKE. */
    6: i64 comment_id
    /** The newest entry's time, which orders the list. */
    7: i64 newest_at_ms
    8: bool unread
    /** UPLOAD: whether it failed, why, and its title. */
    9: bool failed
    10: string reason
    11: string title
}

/** Most actors in a notice. */
const i32 MAX_ACTORS = 3
/** Most unread notices that are counted. */
const i32 MAX_UNREAD = 100

struct ListNoticesRequest {
    1: i64 user_id
    /** Limit 1..100; 0 means 100. */
    2: common.Page page
}
struct ListNoticesResponse {
    /** Newest first; without muted kinds. */
    1: list<Notice> notices
    /** Empty at the end. */
    2: string next_cursor
}

struct CountUnreadRequest { 1: i64 user_id }
struct CountUnreadResponse {
    /** Notices with an entry after the mark, without muted kinds, at most MAX_UNREAD. */
    1: i32 notices
}

struct MarkReadRequest {
    1: i64 user_id
    /**
     * Notices up to this time are read: best the newest one that was shown, since others may be on their way. An earlier time than the
     * last one changes nothing, one in the future means now.
     */
    2: i64 until_ms
}
struct MarkReadResponse {}

struct GetPreferencesRequest { 1: i64 user_id }
struct GetPreferencesResponse {
    /** Kinds that the user does not want to hear of, ascending. */
    1: list<Kind> muted
}

struct SetPreferencesRequest {
    1: i64 user_id
    /** All that are muted from now on. */
    2: list<Kind> muted
}
struct SetPreferencesResponse {}

/** Subscription is a browser that takes notices while no page is open (Web Push, RFC 8030). */
struct Subscription {
    1: i64 id
    /** Where the browser's push service takes messages for it: https, at most 1000 bytes. */
    2: string endpoint
    /** The browser's P-256 public key and secret, base64url, by which messages are encrypted (RFC 8291). */
    3: string p256dh
    4: string auth
}

struct GetPushKeyRequest {}
struct GetPushKeyResponse {
    /** The server's public key (VAPID, RFC 8292), base64url. Empty: Web Push is off. */
    1: string public_key
}

struct SubscribeRequest {
    1: i64 user_id
    /** Without an id. */
    2: Subscription subscription
    /** The login of that browser. */
    3: i64 session_id
}
struct SubscribeResponse { 1: i64 subscription_id }

struct UnsubscribeRequest {
    1: i64 user_id
    2: i64 subscription_id
}
struct UnsubscribeResponse {}

/** Hint tells a client of one user that there is something new to read. It may be lost, and says nothing that must not be. As JSON. */
struct Hint {
    1: i64 user_id
    /** message, read, notice or upload. */
    2: string kind
    /** message, read: the other one of the conversation. */
    3: optional i64 peer_id
    /** upload: which, and its state as video.UploadState. */
    4: optional i64 video_id
    5: optional i32 state
}

service NoticeService {
    /** Reads one page of a user's notices. */
    ListNoticesResponse ListNotices(1: ListNoticesRequest req)
    /** Counts a user's unread notices. */
    CountUnreadResponse CountUnread(1: CountUnreadRequest req)
    /** Moves the mark up to which notices are read; visible to the user's next call. */
    MarkReadResponse MarkRead(1: MarkReadRequest req)
    /** Reads which kinds a user has muted. */
    GetPreferencesResponse GetPreferences(1: GetPreferencesRequest req)
    /** Replaces which kinds a user has muted. Nothing is lost: who takes a kind back in sees what came meanwhile. */
    SetPreferencesResponse SetPreferences(1: SetPreferencesRequest req)
    /** Reads the key that a browser needs to subscribe. */
    GetPushKeyResponse GetPushKey(1: GetPushKeyRequest req)
    /**
     * Adds a browser, or finds it by its endpoint, which then is this user's. Fails with PushUnavailable when Web Push is off, InvalidArgument
     * for an endpoint or a key that cannot be one. The oldest above 20 leaves.
     */
    SubscribeResponse Subscribe(1: SubscribeRequest req)
    /** Removes a browser. Doing so twice is success. */
    UnsubscribeResponse Unsubscribe(1: UnsubscribeRequest req)
}
