namespace go interaction

include "common.thrift"

/** Comment is a text below a video. */
struct Comment {
    1: i64 id
    2: i64 video_id
    3: i64 user_id
    4: string content
    5: i64 created_at_ms
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

service InteractionService {
    /** Likes a video. Liking twice is success and changes nothing. Fails with VideoNotFound. */
    FavoriteResponse Favorite(1: FavoriteRequest req)
    /** Takes a like back. Doing so twice is success and changes nothing. Fails with VideoNotFound. */
    UnfavoriteResponse Unfavorite(1: UnfavoriteRequest req)
    /** Reads one page of the videos that a user likes. */
    ListFavoritesResponse ListFavorites(1: ListFavoritesRequest req)
    /** Adds a comment. Fails with VideoNotFound, or CommentRefused when it holds a forbidden word and the config refuses those. */
    CreateCommentResponse CreateComment(1: CreateCommentRequest req)
    /** Deletes the user's own comment. Fails with CommentNotFound when it is not (or no longer) below that video, Forbidden when it is another's. */
    DeleteCommentResponse DeleteComment(1: DeleteCommentRequest req)
    /** Reads one page of a video's comments. Fails with VideoNotFound. */
    ListCommentsResponse ListComments(1: ListCommentsRequest req)
    /** Reads counters of videos and users, and what viewers see of them that not everybody sees, for many requests at a time. */
    MGetStatsResponse MGetStats(1: MGetStatsRequest req)
}
