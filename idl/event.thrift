namespace go event

/*
 * What happened in the services, for other services. Each service writes its events into its outbox in the transaction that changes its
 * data (pkg/outbox), as JSON of these structs. Changes are additive: a consumer ignores fields and events that it does not know, and
 * a field is never given another meaning.
 *
 * Delivery is at least once. Events of one subject come in the order in which they happened, but for repetitions; Message.Seq tells
 * which of two is newer. The comment of each struct names its subject.
 */

/** Topics; an outbox message has events of one topic. The part before the dot is the service that writes it. */
const string TOPIC_ACCOUNT = "user.account"
const string TOPIC_VIDEO = "video.video"
const string TOPIC_UPLOAD = "video.upload"
const string TOPIC_LIKE = "interaction.like"
const string TOPIC_COMMENT = "interaction.comment"
const string TOPIC_FOLLOW = "social.follow"
const string TOPIC_MESSAGE = "chat.message"

/** UserRegistered: an account was made. Subject: the user. */
struct UserRegistered {
    1: i64 user_id
    2: string name
}

/** ProfileChanged: what others see of an account is another, which the user service has. Subject: the user. */
struct ProfileChanged { 1: i64 user_id }

/** VideoListed: a video is public now. Subject: the video. */
struct VideoListed {
    1: i64 video_id
    2: i64 author_id
    3: string title
    /** Whom the title mentions, without the author. */
    4: list<i64> mentioned_user_ids
    5: i64 published_at_ms
}

/** VideoChanged: a listed video has other files, which the video service has. Subject: the video. */
struct VideoChanged {
    1: i64 video_id
    2: i64 author_id
}

/** VideoDeleted: a video, or an upload that was not listed yet, is gone. Subject: the video. */
struct VideoDeleted {
    1: i64 video_id
    2: i64 author_id
    /** Whom the title mentioned, as in VideoListed: they are told no more. */
    3: list<i64> mentioned_user_ids
}

/** UploadStateChanged: the work on an upload goes on. Subject: the video. */
struct UploadStateChanged {
    1: i64 video_id
    2: i64 author_id
    /** As video.UploadState: UPLOADED 1, PROCESSING 2, READY 3, FAILED 4. */
    3: i32 state
    4: string title
    /** Why it failed, for the author; empty otherwise. */
    5: string reason
    /** Everybody can see it. */
    6: bool listed
    /** It had to be transcoded before it was listed, so its author waits for it. */
    7: bool transcoded
}

/** Like is one user's like, as it is now. */
struct Like {
    1: i64 user_id
    2: bool liked
    /** When the present like began; 0 when it was taken back. */
    3: i64 at_ms
}

/** VideoLikes: likes of a video began or ended. One for all that the writer stored together. Subject: the video and the user. */
struct VideoLikes {
    1: i64 video_id
    2: i64 author_id
    /** By ascending user id. */
    3: list<Like> likes
}

/** CommentLikes: likes of a comment began or ended. Subject: the comment and the user. */
struct CommentLikes {
    1: i64 comment_id
    2: i64 video_id
    /** Who wrote the comment. */
    3: i64 author_id
    /** By ascending user id. */
    4: list<Like> likes
}

/** CommentChanged: a comment was written or deleted, which is final. Subject: the comment. */
struct CommentChanged {
    1: i64 comment_id
    2: i64 video_id
    /** Whose video it is. */
    3: i64 video_author_id
    /** Who wrote it. */
    4: i64 user_id
    5: i64 created_at_ms
    /** The comment that began the thread; 0: this one. */
    6: i64 root_id
    /** The comment that it answers, and who wrote that; 0 for one that begins a thread. */
    7: i64 reply_to_id
    8: i64 reply_to_user_id
    /** Whom it mentions, without its author. */
    9: list<i64> mentioned_user_ids
    10: bool deleted
}

/** FollowChanged: a user follows another, or not any more. Subject: both users. */
struct FollowChanged {
    1: i64 user_id
    2: i64 to_user_id
    3: bool following
    /** When it began; 0 when it ended. */
    4: i64 at_ms
}

/** MessageSent: a message was stored. Subject: the conversation. */
struct MessageSent {
    1: i64 message_id
    2: i64 from_user_id
    3: i64 to_user_id
    4: i64 created_at_ms
}

/** ConversationRead: a user has marked messages as read. Subject: the conversation. */
struct ConversationRead {
    1: i64 user_id
    2: i64 peer_id
}

/** Event is one of them: exactly one field from 10 on is set. None of those that this build knows: it is of a later one. */
struct Event {
    /** When it happened. */
    1: i64 at_ms
    10: optional UserRegistered user_registered
    11: optional ProfileChanged profile_changed
    20: optional VideoListed video_listed
    21: optional VideoChanged video_changed
    22: optional VideoDeleted video_deleted
    23: optional UploadStateChanged upload_state_changed
    30: optional VideoLikes video_likes
    31: optional CommentLikes comment_likes
    32: optional CommentChanged comment_changed
    40: optional FollowChanged follow_changed
    50: optional MessageSent message_sent
    51: optional ConversationRead conversation_read
}
