namespace go social

include "common.thrift"

/** Relation is a user's counters. */
struct Relation {
    /** Users that the user follows. */
    1: i64 follow_count
    /** Users that follow the user. */
    2: i64 follower_count
}

struct FollowRequest {
    1: i64 user_id
    2: i64 to_user_id
}
struct FollowResponse {}

struct UnfollowRequest {
    1: i64 user_id
    2: i64 to_user_id
}
struct UnfollowResponse {}

struct ListFollowingRequest {
    1: i64 user_id
    2: common.Page page
}
struct ListFollowingResponse {
    /** Most recently followed first. */
    1: list<i64> user_ids
    /** Empty at the end. */
    2: string next_cursor
}

struct ListFollowersRequest {
    1: i64 user_id
    2: common.Page page
}
struct ListFollowersResponse {
    /** Most recent follower first. */
    1: list<i64> user_ids
    /** Empty at the end. */
    2: string next_cursor
}

struct ListFriendsRequest {
    1: i64 user_id
    2: common.Page page
}
struct ListFriendsResponse {
    /** Users who follow each other, in the order in which user_id followed them, most recent first. */
    1: list<i64> user_ids
    /** Empty at the end. */
    2: string next_cursor
}

/** ViewerQuery asks for the state that one viewer sees of users. */
struct ViewerQuery {
    /** Never 0: a visitor follows nobody. */
    1: i64 viewer_id
    2: list<i64> user_ids
}

/** ViewerState is what one viewer sees differently from the shared answer. */
struct ViewerState {
    /** The users of the query whom the viewer follows. */
    1: list<i64> followed_ids
}

/** Maximum number of ids in all viewer queries of one call. */
const i32 MAX_VIEWER_IDS = 10000

struct MGetRelationsRequest {
    /** Up to MAX_BATCH. */
    1: list<i64> user_ids
    /** Up to MAX_BATCH, and MAX_VIEWER_IDS in them. */
    2: list<ViewerQuery> viewer_queries
}
struct MGetRelationsResponse {
    /** Every user asked for is present, zero when nothing happened yet. */
    1: map<i64, Relation> relations
    /** In the order of viewer_queries. */
    2: list<ViewerState> viewer_states
}

/** Following is that a user follows another. */
struct Following {
    1: i64 user_id
    2: i64 to_user_id
    /** When it began. */
    3: i64 at_ms
}

struct ScanFollowsRequest {
    /** The last one that was read; 0, 0: from the beginning. */
    1: i64 after_user_id
    2: i64 after_to_user_id
    /** 1..MAX_BATCH. */
    3: i32 limit
}
struct ScanFollowsResponse {
    /** By ascending user_id, to_user_id; fewer than limit: the end. */
    1: list<Following> follows
}

service SocialService {
    /** Follows a user. Doing so twice is success and changes nothing. Fails with SocialSelf, UserNotFound. */
    FollowResponse Follow(1: FollowRequest req)
    /** Stops following. Doing so twice is success and changes nothing. Fails with SocialSelf, UserNotFound. */
    UnfollowResponse Unfollow(1: UnfollowRequest req)
    /** Reads one page of the users whom a user follows. */
    ListFollowingResponse ListFollowing(1: ListFollowingRequest req)
    /** Reads one page of the users who follow a user. */
    ListFollowersResponse ListFollowers(1: ListFollowersRequest req)
    /** Reads one page of a user's friends: mutual follows. */
    ListFriendsResponse ListFriends(1: ListFriendsRequest req)
    /** Reads counters of users, and whom of them viewers follow, for many requests at a time. */
    MGetRelationsResponse MGetRelations(1: MGetRelationsRequest req)
    /** Reads all follows, page by page. */
    ScanFollowsResponse ScanFollows(1: ScanFollowsRequest req)
}
