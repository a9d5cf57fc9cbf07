namespace go interaction

include "common.thrift"

/** Comment is a text below a video. */
struct Comment {
    1: i64 id
    2: i64 video_id
    3: i64 user_id
    4: string content
    5: i64 created_at_ms
    /** The comment that began the thread; 0: this one did. */
    6: i64 root_id
    /** The comment that it answers, and who wrote that; 0 for one that begins a thread. */
    7: i64 reply_to_id
    8: i64 reply_to_user_id
    /** Whom it mentions, without its author. */
    9: list<i64> mentioned_user_ids
    10: i64 like_count
    /** Answers in the thread that it began, at any depth; 0 for an answer. */
    11: i64 reply_count
    /** The video's author has pinned it. */
    12: bool pinned
    /** The viewer likes it. */
    13: bool liked
}

/** CommentSort is the order of the comments that begin a thread. */
enum CommentSort {
    NEWEST = 1
    /** Most liked first, of equally liked ones the newest. */
    TOP = 2
}

/** VideoStats are a video's counters. Each equals the length of its list. */
struct VideoStats {
    1: i64 favorite_count
    2: i64 comment_count
}

/** UserStats are a user's counters. */
struct UserStats {
    /** Likes that the user's videos have got. */
    1: i64 total_favorited
    /** Videos that the user likes. */
    2: i64 favorite_count
}

struct FavoriteRequest {
    1: i64 user_id
    2: i64 video_id
}
struct FavoriteResponse {}

struct UnfavoriteRequest {
    1: i64 user_id
    2: i64 video_id
}
struct UnfavoriteResponse {}

struct ListFavoritesRequest {
    1: i64 user_id
    2: common.Page page
}
struct ListFavoritesResponse {
    /** Most recent like first. */
    1: list<i64> video_ids
    /** Empty at the end. */
    2: string next_cursor
}

struct CreateCommentRequest {
    1: i64 user_id
    2: i64 video_id
    /** 1..500 characters, not blank. */
    3: string content
    /** The comment to answer, of the same video; 0 begins a thread. */
    4: i64 reply_to_id
    /** Whom the content mentions, at most MAX_MENTIONS; the caller has looked the names up. */
    5: list<i64> mentioned_user_ids
    /** Whoever asks again with it within a day gets the same answer, and nothing more is stored. Absent: each call adds a comment. */
    6: optional string request_key
}
struct CreateCommentResponse {
    /** As stored: the content may have been masked. */
    1: Comment comment
}

struct DeleteCommentRequest {
    1: i64 user_id
    2: i64 video_id
    3: i64 comment_id
}
struct DeleteCommentResponse {}

/** Most users whom one text mentions. */
const i32 MAX_MENTIONS = 10

struct LikeCommentRequest {
    1: i64 user_id
    2: i64 video_id
    3: i64 comment_id
}
struct LikeCommentResponse {}

struct UnlikeCommentRequest {
    1: i64 user_id
    2: i64 video_id
    3: i64 comment_id
}
struct UnlikeCommentResponse {}

struct PinCommentRequest {
    /** The video's author. */
    1: i64 user_id
    2: i64 video_id
    /** A comment that began a thread; 0: none is pinned any more. */
    3: i64 comment_id
}
struct PinCommentResponse {}

struct ListCommentsRequest {
    1: i64 video_id
    2: common.Page page
    /** Whose accepted comments and deletions to show even before they are stored; 0 is a visitor. */
    3: i64 viewer_id
}
struct ListCommentsResponse {
    /** Newest first. */
    1: list<Comment> comments
    /** Empty at the end. */
    2: string next_cursor
}

struct ListThreadsRequest {
    1: i64 video_id
    2: common.Page page
    3: CommentSort sort
    /** Whose accepted writes to show even before they are stored, and whose likes; 0 is a visitor. */
    4: i64 viewer_id
}
struct ListThreadsResponse {
    /** Comments that begin a thread; the pinned one is the first of the first page and on no other place. */
    1: list<Comment> comments
    /** Empty at the end. */
    2: string next_cursor
}

struct ListRepliesRequest {
    1: i64 video_id
    /** The comment that began the thread. */
    2: i64 comment_id
    3: common.Page page
    /** As in ListThreads. */
    4: i64 viewer_id
}
struct ListRepliesResponse {
    /** Oldest first. */
    1: list<Comment> comments
    /** Empty at the end. */
    2: string next_cursor
}

struct MGetCommentsRequest {
    /** Up to MAX_BATCH. */
    1: list<i64> comment_ids
}
struct MGetCommentsResponse {
    /** As everybody sees them: liked is false. One that does not exist, or not any more, is absent. */
    1: map<i64, Comment> comments
}

/** ViewerQuery asks for the state that one viewer sees of videos and users. */
struct ViewerQuery {
    /** Never 0: a visitor sees the shared answer. */
    1: i64 viewer_id
    2: list<i64> video_ids
    3: list<i64> user_ids
}

/** ViewerState is what one viewer sees differently from the shared answer. */
struct ViewerState {
    /** The videos of the query that the viewer likes. */
    1: list<i64> favorite_ids
    /** Counters that the viewer's own accepted but not yet stored writes change. Usually empty. */
    2: map<i64, VideoStats> videos
    3: map<i64, UserStats> users
}

/** Maximum number of ids in all viewer queries of one call. */
const i32 MAX_VIEWER_IDS = 10000

struct MGetStatsRequest {
    /** Up to MAX_BATCH each. */
    1: list<i64> video_ids
    2: list<i64> user_ids
    /** Up to MAX_BATCH, and MAX_VIEWER_IDS in them. */
    3: list<ViewerQuery> viewer_queries
}
struct MGetStatsResponse {
    /** The shared counters. Every video and user asked for is present, zero when nothing happened yet. */
    1: map<i64, VideoStats> videos
    2: map<i64, UserStats> users
    /** In the order of viewer_queries. */
    3: list<ViewerState> viewer_states
}

/** Liking is that a user likes a video. */
struct Liking {
    1: i64 user_id
    2: i64 video_id
    /** When it began. */
    3: i64 at_ms
}

struct ScanLikesRequest {
    /** The last one that was read; 0, 0: from the beginning. */
    1: i64 after_user_id
    2: i64 after_video_id
    /** 1..MAX_BATCH. */
    3: i32 limit
}
struct ScanLikesResponse {
    /** By ascending user_id, video_id; fewer than limit: the end. */
    1: list<Liking> likes
}

service InteractionService {
    /** Likes a video. Liking twice is success and changes nothing. Fails with VideoNotFound. */
    FavoriteResponse Favorite(1: FavoriteRequest req)
    /** Takes a like back. Doing so twice is success and changes nothing. Fails with VideoNotFound. */
    UnfavoriteResponse Unfavorite(1: UnfavoriteRequest req)
    /** Reads one page of the videos that a user likes. */
    ListFavoritesResponse ListFavorites(1: ListFavoritesRequest req)
    /**
     * Adds a comment. Fails with VideoNotFound, CommentNotFound when it answers one that is not (or no longer) below that video, or
     * CommentRefused when it holds a forbidden word and the config refuses those; IdempotencyKeyReused when the user has asked for
     * something else with that request_key.
     */
    CreateCommentResponse CreateComment(1: CreateCommentRequest req)
    /**
     * Deletes the user's own comment, with all answers when it began a thread. Fails with CommentNotFound when it is not (or no longer)
     * below that video, Forbidden when it is another's.
     */
    DeleteCommentResponse DeleteComment(1: DeleteCommentRequest req)
    /** Likes a comment. Liking twice is success and changes nothing. Fails with CommentNotFound when it is not below that video. */
    LikeCommentResponse LikeComment(1: LikeCommentRequest req)
    /** Takes a like of a comment back. Doing so twice is success and changes nothing. Fails with CommentNotFound. */
    UnlikeCommentResponse UnlikeComment(1: UnlikeCommentRequest req)
    /**
     * Pins a comment of the author's own video instead of the one that is pinned. Fails with VideoNotFound, Forbidden when the video is
     * another's, CommentNotFound when the comment does not begin a thread below it.
     */
    PinCommentResponse PinComment(1: PinCommentRequest req)
    /** Reads one page of the comments that begin a thread. Fails with VideoNotFound. */
    ListThreadsResponse ListThreads(1: ListThreadsRequest req)
    /** Reads one page of a thread's answers. Fails with VideoNotFound, CommentNotFound. */
    ListRepliesResponse ListReplies(1: ListRepliesRequest req)
    /** Reads up to MAX_BATCH comments, as they are stored. */
    MGetCommentsResponse MGetComments(1: MGetCommentsRequest req)
    /** Reads one page of all of a video's comments, newest first, answers among them. Fails with VideoNotFound. */
    ListCommentsResponse ListComments(1: ListCommentsRequest req)
    /** Reads counters of videos and users, and what viewers see of them that not everybody sees, for many requests at a time. */
    MGetStatsResponse MGetStats(1: MGetStatsRequest req)
    /** Reads all stored likes of videos, page by page. */
    ScanLikesResponse ScanLikes(1: ScanLikesRequest req)
}
