namespace go social

include "common.thrift"

/** Relation is a user as seen by a viewer. */
struct Relation {
    /** Users that the user follows. */
    1: i64 follow_count
    /** Users that follow the user. */
    2: i64 follower_count
    /** Whether viewer_id follows the user; false for a visitor and for oneself. */
    3: bool is_follow
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

struct MGetRelationsRequest {
    1: list<i64> user_ids
    /** Whose is_follow to fill in; 0 is a visitor. */
    2: i64 viewer_id
}
struct MGetRelationsResponse {
    /** Every user asked for is present, zero when nothing happened yet. */
    1: map<i64, Relation> relations
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
    /** Reads counters and the viewer's flag for up to MAX_BATCH users. */
    MGetRelationsResponse MGetRelations(1: MGetRelationsRequest req)
}
