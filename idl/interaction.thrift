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
    /** Whether viewer_id likes the video; false for a visitor. */
    3: bool is_favorite
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

struct MGetVideoStatsRequest {
    1: list<i64> video_ids
    /** Whose is_favorite to fill in, and whose accepted writes to count even before they are stored; 0 is a visitor. */
    2: i64 viewer_id
}
struct MGetVideoStatsResponse {
    /** Every video asked for is present, zero when nothing happened to it yet. */
    1: map<i64, VideoStats> stats
}

struct MGetUserStatsRequest {
    1: list<i64> user_ids
    /** Whose accepted likes to count in total_favorited even before they are stored; 0 is a visitor. */
    2: i64 viewer_id
}
struct MGetUserStatsResponse {
    /** Every user asked for is present, zero when nothing happened yet. */
    1: map<i64, UserStats> stats
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
    /** Reads the counters of up to MAX_BATCH videos. */
    MGetVideoStatsResponse MGetVideoStats(1: MGetVideoStatsRequest req)
    /** Reads the counters of up to MAX_BATCH users. */
    MGetUserStatsResponse MGetUserStats(1: MGetUserStatsRequest req)
}
