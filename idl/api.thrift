/*
 * The HTTP contract of the short-video mobile client, base path /douyin. Every answer is HTTP 200; status_code 0 is
 * success, all else a code of pkg/errno. Parameters come from the query, a urlencoded or a multipart body, for every
 * method. Lists are never null and no field is ever absent but those marked optional. Keys are the client's, hence
 * msgType; what the client does not know (hls_url, preview_url, state and so on) it ignores.
 */

namespace go api

/** User as the viewer, the owner of the token, sees it. */
struct User {
    1: i64 id
    2: string name
    3: i64 follow_count
    4: i64 follower_count
    5: bool is_follow
    6: string avatar
    7: string background_image
    8: string signature
    9: i64 total_favorited
    10: i64 work_count
    11: i64 favorite_count
}

struct Video {
    1: i64 id
    2: User author
    3: string play_url
    4: string cover_url
    5: i64 favorite_count
    6: i64 comment_count
    7: bool is_favorite
    8: string title
    /** Master playlist of the same video in several sizes; empty until there is one. */
    9: string hls_url
    /** Animated picture (WebP); empty until there is one. */
    10: string preview_url
    /** ready, processing (better versions are being made) or failed (there will be none). Only in the author's own publish/list. */
    11: optional string state
    /** 0..100, beside state. */
    12: optional i32 progress
    /** Why it failed, else empty; beside state. */
    13: optional string reason
}

/** ProcessingVideo is an upload of the viewer that is not listed yet, because a phone could not play it as it is. */
struct ProcessingVideo {
    1: i64 id
    2: string title
    /** processing, or failed: then it never will be listed. */
    3: string state
    /** 0..100. */
    4: i32 progress
    /** Why it failed, else empty. */
    5: string reason
    /** Milliseconds since 1970. */
    6: i64 uploaded_at
}

struct Comment {
    1: i64 id
    2: User user
    3: string content
    /** mm-dd in the configured time zone. */
    4: string create_date
}

/** FriendUser is a User plus the latest message of the conversation with the viewer. */
struct FriendUser {
    1: i64 id
    2: string name
    3: i64 follow_count
    4: i64 follower_count
    5: bool is_follow
    6: string avatar
    7: string background_image
    8: string signature
    9: i64 total_favorited
    10: i64 work_count
    11: i64 favorite_count
    /** Empty when there is none. */
    12: string message
    /** 0: the viewer received it; 1: the viewer sent it, or there is none. */
    13: i64 msgType
}

struct Message {
    1: i64 id
    2: i64 to_user_id
    3: i64 from_user_id
    4: string content
    /** Milliseconds since 1970, as a string of digits. */
    5: string create_time
}

struct FeedRequest {
    /** Milliseconds, or seconds when below 1e11; absent, 0, unreadable or in the future is now. */
    1: optional i64 latest_time (api.query="latest_time")
    2: optional string token (api.query="token")
}
struct FeedResponse {
    1: i32 status_code
    2: string status_msg
    3: list<Video> video_list
    /** Milliseconds; 0 when the page is empty, and 0 starts again at the newest. */
    4: i64 next_time
}

struct RegisterRequest {
    1: string username (api.query="username")
    2: string password (api.query="password")
}
struct RegisterResponse {
    1: i32 status_code
    2: string status_msg
    3: i64 user_id
    4: string token
}

struct LoginRequest {
    1: string username (api.query="username")
    2: string password (api.query="password")
}
struct LoginResponse {
    1: i32 status_code
    2: string status_msg
    3: i64 user_id
    4: string token
}

struct UserRequest {
    /** Absent: the owner of the token. */
    1: optional i64 user_id (api.query="user_id")
    2: optional string token (api.query="token")
}
struct UserResponse {
    1: i32 status_code
    2: string status_msg
    3: User user
}

struct PublishActionRequest {
    1: string token (api.form="token")
    2: string title (api.form="title")
    3: binary data (api.form="data")
}
struct PublishActionResponse {
    1: i32 status_code
    2: string status_msg
}

struct PublishDeleteRequest {
    1: string token (api.query="token")
    2: i64 video_id (api.query="video_id")
}
struct PublishDeleteResponse {
    1: i32 status_code
    2: string status_msg
}

struct PublishListRequest {
    1: optional i64 user_id (api.query="user_id")
    2: optional string token (api.query="token")
}
struct PublishListResponse {
    1: i32 status_code
    2: string status_msg
    3: list<Video> video_list
    /** Newest first; empty but in the author's own list. */
    4: list<ProcessingVideo> processing_list
}

struct FavoriteActionRequest {
    1: string token (api.query="token")
    2: i64 video_id (api.query="video_id")
    /** 1 like, 2 take it back. */
    3: i32 action_type (api.query="action_type")
}
struct FavoriteActionResponse {
    1: i32 status_code
    2: string status_msg
}

struct FavoriteListRequest {
    1: optional i64 user_id (api.query="user_id")
    2: optional string token (api.query="token")
}
struct FavoriteListResponse {
    1: i32 status_code
    2: string status_msg
    3: list<Video> video_list
}

struct CommentActionRequest {
    1: string token (api.query="token")
    2: i64 video_id (api.query="video_id")
    /** 1 post, 2 delete. */
    3: i32 action_type (api.query="action_type")
    4: optional string comment_text (api.query="comment_text")
    5: optional i64 comment_id (api.query="comment_id")
}
struct CommentActionResponse {
    1: i32 status_code
    2: string status_msg
    /** The new comment; absent after a delete. */
    3: optional Comment comment
}

struct CommentListRequest {
    1: optional string token (api.query="token")
    2: i64 video_id (api.query="video_id")
}
struct CommentListResponse {
    1: i32 status_code
    2: string status_msg
    3: list<Comment> comment_list
}

struct RelationActionRequest {
    1: string token (api.query="token")
    2: i64 to_user_id (api.query="to_user_id")
    /** 1 follow, 2 unfollow. */
    3: i32 action_type (api.query="action_type")
}
struct RelationActionResponse {
    1: i32 status_code
    2: string status_msg
}

struct RelationListRequest {
    1: optional i64 user_id (api.query="user_id")
    2: optional string token (api.query="token")
}
struct RelationListResponse {
    1: i32 status_code
    2: string status_msg
    3: list<User> user_list
}

struct FriendListResponse {
    1: i32 status_code
    2: string status_msg
    3: list<FriendUser> user_list
}

struct MessageActionRequest {
    1: string token (api.query="token")
    2: i64 to_user_id (api.query="to_user_id")
    /** 1 send. */
    3: i32 action_type (api.query="action_type")
    4: string content (api.query="content")
}
struct MessageActionResponse {
    1: i32 status_code
    2: string status_msg
}

struct MessageChatRequest {
    1: string token (api.query="token")
    2: i64 to_user_id (api.query="to_user_id")
    /** create_time of the last message on screen, milliseconds; absent or 0: the whole history. */
    3: optional i64 pre_msg_time (api.query="pre_msg_time")
}
struct MessageChatResponse {
    1: i32 status_code
    2: string status_msg
    3: list<Message> message_list
}

service DouyinService {
    FeedResponse Feed(1: FeedRequest req) (api.get="/douyin/feed/")
    RegisterResponse Register(1: RegisterRequest req) (api.post="/douyin/user/register/")
    LoginResponse Login(1: LoginRequest req) (api.post="/douyin/user/login/")
    UserResponse User(1: UserRequest req) (api.get="/douyin/user/")
    PublishActionResponse PublishAction(1: PublishActionRequest req) (api.post="/douyin/publish/action/")
    PublishDeleteResponse PublishDelete(1: PublishDeleteRequest req) (api.post="/douyin/publish/delete/")
    PublishListResponse PublishList(1: PublishListRequest req) (api.get="/douyin/publish/list/")
    FavoriteActionResponse FavoriteAction(1: FavoriteActionRequest req) (api.post="/douyin/favorite/action/")
    FavoriteListResponse FavoriteList(1: FavoriteListRequest req) (api.get="/douyin/favorite/list/")
    CommentActionResponse CommentAction(1: CommentActionRequest req) (api.post="/douyin/comment/action/")
    CommentListResponse CommentList(1: CommentListRequest req) (api.get="/douyin/comment/list/")
    RelationActionResponse RelationAction(1: RelationActionRequest req) (api.post="/douyin/relation/action/")
    RelationListResponse FollowList(1: RelationListRequest req) (api.get="/douyin/relation/follow/list/")
    RelationListResponse FollowerList(1: RelationListRequest req) (api.get="/douyin/relation/follower/list/")
    FriendListResponse FriendList(1: RelationListRequest req) (api.get="/douyin/relation/friend/list/")
    MessageActionResponse MessageAction(1: MessageActionRequest req) (api.post="/douyin/message/action/")
    MessageChatResponse MessageChat(1: MessageChatRequest req) (api.get="/douyin/message/chat/")
}
