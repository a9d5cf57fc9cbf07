/*
 * The API of the short-video mobile client. Every answer is HTTP 200 with a JSON object; status_code 0 is success, all else a failure
 * whose status_msg is for a person. Parameters come from the query, a urlencoded or a multipart body, for every method; where both have
 * one, the query counts. Numbers may be written as floats. Paths work with and without the slash at the end. Lists are never null and no
 * field is ever absent but those marked optional. What a client does not know (hls_url, preview_url, state and so on) it ignores.
 */

/*
 * The keys are the client's, hence msgType. Annotations: as in v1.thrift. api.errors are the codes beside the general ones; the first is
 * that of the example of a failure.
 */
namespace go api

/** User as the viewer, the owner of the token, sees it. All zero in an answer whose status_code is not 0. */
struct User {
    /** 0 only when status_code is not 0. */
    1: i64 id (api.example="1180591620717411")
    /** The username; there is no other name. */
    2: string name (api.example="alice")
    /** Users whom the user follows. */
    3: i64 follow_count (api.example="2")
    /** Users who follow the user. */
    4: i64 follower_count (api.example="3")
    /** Whether the viewer follows the user; false for visitors and for oneself. */
    5: bool is_follow
    /** Absolute URL of the picture. */
    6: string avatar (api.example="http://localhost:10001/static/avatars/3.png")
    /** Absolute URL of the profile's background. */
    7: string background_image (api.example="http://localhost:10001/static/backgrounds/5.jpg")
    /** What the user writes about themselves. */
    8: string signature (api.example="This user has not written anything yet.")
    /** Likes that the user's videos have got. */
    9: i64 total_favorited (api.example="7", api.range="0..")
    /** Videos that the user has published. */
    10: i64 work_count (api.example="2")
    /** Videos that the user likes. */
    11: i64 favorite_count (api.example="4")
}

/** Video is a published clip, as the viewer sees it. */
struct Video {
    1: i64 id (api.example="1180591620717568")
    2: User author
    /** Absolute URL of the mp4; answers Range requests. */
    3: string play_url (api.example="http://localhost:10001/media/videos/ab/1180591620717568.mp4")
    /** Absolute URL of the cover picture. */
    4: string cover_url (api.example="http://localhost:10001/media/covers/ab/1180591620717568.jpg")
    /** Likes. */
    5: i64 favorite_count (api.example="3")
    6: i64 comment_count (api.example="1")
    /** Whether the viewer likes it; false for visitors. */
    7: bool is_favorite (api.example="true")
    /** 1..100 characters. */
    8: string title (api.example="A walk by the sea")
    /** Absolute URL of an HLS master playlist with the same video in several sizes; empty until there is one. */
    9: string hls_url (api.example="http://localhost:10001/media/videos/ab/1180591620717568/hls/master.m3u8")
    /** Absolute URL of an animated WebP picture; empty until there is one. */
    10: string preview_url (api.example="http://localhost:10001/media/videos/ab/1180591620717568/preview.webp")
    /**
     * ready, processing (better versions are being made) or failed (there will be none); the video plays in every state. Only in the
     * author's own publish/list, as progress and reason.
     */
    11: optional string state (api.enum="processing,ready,failed")
    /** Percent of that work. */
    12: optional i32 progress (api.range="0..100")
    /** Why it failed, else empty. */
    13: optional string reason
}

/** ProcessingVideo is an upload of the viewer that is not listed yet, because a phone could not play it as it is. */
struct ProcessingVideo {
    1: i64 id (api.example="1180591620717569")
    /** 1..100 characters. */
    2: string title (api.example="From an old camera")
    /** processing, or failed: then it never will be listed, and publish/delete removes it. */
    3: string state (api.enum="processing,failed", api.example="processing")
    /** Percent of the work. */
    4: i32 progress (api.range="0..100", api.example="40")
    /** Why it failed, else empty. */
    5: string reason
    /** Milliseconds since 1970. */
    6: i64 uploaded_at (api.range="0..", api.example="1767225600123")
}

/** Comment is a text below a video. */
struct Comment {
    1: i64 id (api.example="1180591620717824")
    2: User user
    /** As stored; forbidden words may be masked. */
    3: string content (api.example="I could watch this all day")
    /** mm-dd in the configured time zone. */
    4: string create_date (api.pattern="^[0-9]{2}-[0-9]{2}$", api.example="05-01")
}

/** FriendUser is a User plus the latest message of the conversation with the viewer. */
struct FriendUser {
    /** 0 only when status_code is not 0. */
    1: i64 id (api.example="1180591620717412")
    /** The username; there is no other name. */
    2: string name (api.example="bob")
    /** Users whom the user follows. */
    3: i64 follow_count (api.example="2")
    /** Users who follow the user. */
    4: i64 follower_count (api.example="3")
    /** Whether the viewer follows the user; false for visitors and for oneself. */
    5: bool is_follow (api.example="true")
    /** Absolute URL of the picture. */
    6: string avatar (api.example="http://localhost:10001/static/avatars/4.png")
    /** Absolute URL of the profile's background. */
    7: string background_image (api.example="http://localhost:10001/static/backgrounds/2.jpg")
    /** What the user writes about themselves. */
    8: string signature (api.example="This user has not written anything yet.")
    /** Likes that the user's videos have got. */
    9: i64 total_favorited (api.example="7", api.range="0..")
    /** Videos that the user has published. */
    10: i64 work_count (api.example="2")
    /** Videos that the user likes. */
    11: i64 favorite_count (api.example="4")
    /** Latest message between the two, empty when there is none. */
    12: string message (api.example="hi Bob")
    /** 0: the viewer received the message; 1: the viewer sent it, or there is none. */
    13: i64 msgType (api.enum="0,1", api.example="1")
}

/** Message is one text from one user to another. */
struct Message {
    1: i64 id (api.example="1180591620718080")
    /** Receiver. */
    2: i64 to_user_id (api.example="1180591620717412")
    /** Sender. */
    3: i64 from_user_id (api.example="1180591620717411")
    4: string content (api.example="hi Bob")
    /** Milliseconds since 1970 as a string of digits, strictly increasing in a conversation: the cursor of the next poll. */
    5: string create_time (api.pattern="^[0-9]+$", api.example="1767225600123")
}

struct FeedRequest {
    /** Milliseconds, or seconds when below 1e11; absent, 0, negative, unreadable or in the future is now. */
    1: optional i64 latest_time (api.query="latest_time", api.example="1767225600000")
    2: optional string token (api.query="token")
}
struct FeedResponse {
    1: i32 status_code
    2: string status_msg
    /** Newest first, at most 30. */
    3: list<Video> video_list
    /** Milliseconds: latest_time of the next page. 0 when the page is empty, and 0 starts again at the newest. */
    4: i64 next_time (api.range="0..", api.example="1767225600123")
}

struct RegisterRequest {
    /** 1..32 characters; "Bob" and "bob" are two names. */
    1: string username (api.query="username", api.length="1..32", api.example="alice")
    /** 1..32 characters. */
    2: string password (api.query="password", api.length="1..32", api.example="tiktok-demo")
}
struct RegisterResponse {
    1: i32 status_code
    2: string status_msg
    /** 0 when it failed. */
    3: i64 user_id (api.example="1180591620717411")
    /** Opaque; goes into the parameter token of other calls. Empty when it failed. */
    4: string token (api.example="eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.signature")
}

struct LoginRequest {
    /** 1..32 characters; "Bob" and "bob" are two names. */
    1: string username (api.query="username", api.length="1..32", api.example="alice")
    /** 1..32 characters. */
    2: string password (api.query="password", api.length="1..32", api.example="tiktok-demo")
}
struct LoginResponse {
    1: i32 status_code
    2: string status_msg
    /** 0 when it failed. */
    3: i64 user_id (api.example="1180591620717411")
    /** Opaque; goes into the parameter token of other calls. Empty when it failed. */
    4: string token (api.example="eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.signature")
}

struct UserRequest {
    /** Whose; absent or 0: the owner of the token. */
    1: optional i64 user_id (api.query="user_id", api.example="1180591620717411")
    2: optional string token (api.query="token")
}
struct UserResponse {
    1: i32 status_code
    2: string status_msg
    3: User user
}

struct PublishActionRequest {
    1: string token (api.form="token")
    /** 1..100 characters, not blank. */
    2: string title (api.form="title", api.length="1..100", api.example="A walk by the sea")
    /** The file. What it is is found out by its content, not by its name or type. */
    3: binary data (api.form="data")
}
struct PublishActionResponse {
    1: i32 status_code
    2: string status_msg
}

struct PublishDeleteRequest {
    1: string token (api.query="token")
    /** One's own video. */
    2: i64 video_id (api.query="video_id", api.example="1180591620717568")
}
struct PublishDeleteResponse {
    1: i32 status_code
    2: string status_msg
}

struct PublishListRequest {
    /** Whose; absent or 0: the owner of the token. */
    1: optional i64 user_id (api.query="user_id", api.example="1180591620717411")
    2: optional string token (api.query="token")
}
struct PublishListResponse {
    1: i32 status_code
    2: string status_msg
    /** Newest first. */
    3: list<Video> video_list
    /** Newest first; empty but in the author's own list. */
    4: list<ProcessingVideo> processing_list
}

struct FavoriteActionRequest {
    1: string token (api.query="token")
    2: i64 video_id (api.query="video_id", api.example="1180591620717568")
    /** 1 like, 2 take it back. */
    3: i32 action_type (api.query="action_type", api.enum="1,2", api.example="1")
}
struct FavoriteActionResponse {
    1: i32 status_code
    2: string status_msg
}

struct FavoriteListRequest {
    /** Whose; absent or 0: the owner of the token. */
    1: optional i64 user_id (api.query="user_id", api.example="1180591620717411")
    2: optional string token (api.query="token")
}
struct FavoriteListResponse {
    1: i32 status_code
    2: string status_msg
    /** Last liked first. */
    3: list<Video> video_list
}

struct CommentActionRequest {
    1: string token (api.query="token")
    2: i64 video_id (api.query="video_id", api.example="1180591620717568")
    /** 1 post, 2 delete. */
    3: i32 action_type (api.query="action_type", api.enum="1,2", api.example="1")
    /** With action_type 1: 1..500 characters, not blank. */
    4: optional string comment_text (api.query="comment_text", api.length="..500", api.example="I could watch this all day")
    /** With action_type 2: the comment, which has to be below that video. */
    5: optional i64 comment_id (api.query="comment_id", api.example="1180591620717824")
}
struct CommentActionResponse {
    1: i32 status_code
    2: string status_msg
    /** The new comment; absent after a delete. */
    3: optional Comment comment
}

struct CommentListRequest {
    1: optional string token (api.query="token")
    2: i64 video_id (api.query="video_id", api.example="1180591620717568")
}
struct CommentListResponse {
    1: i32 status_code
    2: string status_msg
    /** Newest first. */
    3: list<Comment> comment_list
}

struct RelationActionRequest {
    1: string token (api.query="token")
    /** The other user. */
    2: i64 to_user_id (api.query="to_user_id", api.example="1180591620717412")
    /** 1 follow, 2 unfollow. */
    3: i32 action_type (api.query="action_type", api.enum="1,2", api.example="1")
}
struct RelationActionResponse {
    1: i32 status_code
    2: string status_msg
}

struct RelationListRequest {
    /** Whose; absent or 0: the owner of the token. */
    1: optional i64 user_id (api.query="user_id", api.example="1180591620717411")
    2: optional string token (api.query="token")
}
struct RelationListResponse {
    1: i32 status_code
    2: string status_msg
    /** Most recent first. */
    3: list<User> user_list
}

struct FriendListRequest {
    /** Whose; absent or 0: the owner of the token. */
    1: optional i64 user_id (api.query="user_id", api.example="1180591620717411")
    2: string token (api.query="token")
}
struct FriendListResponse {
    1: i32 status_code
    2: string status_msg
    3: list<FriendUser> user_list
}

struct MessageActionRequest {
    1: string token (api.query="token")
    /** The receiver. */
    2: i64 to_user_id (api.query="to_user_id", api.example="1180591620717412")
    /** 1 send. */
    3: i32 action_type (api.query="action_type", api.enum="1", api.example="1")
    /** 1..1000 characters, not blank. */
    4: string content (api.query="content", api.length="1..1000", api.example="hi Bob")
}
struct MessageActionResponse {
    1: i32 status_code
    2: string status_msg
}

struct MessageChatRequest {
    1: string token (api.query="token")
    /** The other one. */
    2: i64 to_user_id (api.query="to_user_id", api.example="1180591620717412")
    /** create_time of the last message on screen, milliseconds; absent or 0: the whole history. */
    3: optional i64 pre_msg_time (api.query="pre_msg_time", api.example="0")
}
struct MessageChatResponse {
    1: i32 status_code
    2: string status_msg
    /** Oldest first. */
    3: list<Message> message_list
}

service DouyinService {
    /** Videos, newest first. At most 30 that were published before latest_time. An empty page is a success. */
    FeedResponse Feed(1: FeedRequest req) (api.get="/douyin/feed/")
    /** Creates an account. Logs in at once. When the name is taken the answer still has the keys user_id and token. */
    RegisterResponse Register(1: RegisterRequest req) (api.post="/douyin/user/register/", api.key="optional", api.errors="10202")
    /** Logs in. A wrong name and a wrong password are answered alike. */
    LoginResponse Login(1: LoginRequest req) (api.post="/douyin/user/login/", api.errors="10203")
    /** A profile. is_follow is the viewer's. */
    UserResponse User(1: UserRequest req) (api.get="/douyin/user/", api.errors="10201")
    /**
     * Publishes a video. Visible in every list when it is answered, or, when phones do not play it as it is and the server has ffmpeg, as
     * soon as it is transcoded: until then it is in the processing_list of its author. Send token before data, or in the query or header:
     * an upload without a token is stored within a bound for all of them, and refused over it.
     */
    PublishActionResponse PublishAction(1: PublishActionRequest req)
        (api.post="/douyin/publish/action/", api.key="optional", api.errors="10302,10303,10304,10305,10306,10301")
    /**
     * Deletes one's own video. Also one that is not listed yet. It is gone from all lists at once; its likes, comments and files follow
     * within seconds. Doing it twice is 10301. An extension: the mobile client does not know it.
     */
    PublishDeleteResponse PublishDelete(1: PublishDeleteRequest req) (api.post="/douyin/publish/delete/", api.errors="10301")
    /** A user's videos. Newest first. The author also reads how the work on each is, and what is not listed yet. */
    PublishListResponse PublishList(1: PublishListRequest req) (api.get="/douyin/publish/list/", api.errors="10201")
    /** Likes a video, or takes the like back. Doing it twice is a success and changes nothing. */
    FavoriteActionResponse FavoriteAction(1: FavoriteActionRequest req) (api.post="/douyin/favorite/action/", api.errors="10301")
    /** Videos that a user likes. Most recent like first. is_favorite is the viewer's. */
    FavoriteListResponse FavoriteList(1: FavoriteListRequest req) (api.get="/douyin/favorite/list/", api.errors="10201")
    /** Comments on a video, or deletes one's own comment. */
    CommentActionResponse CommentAction(1: CommentActionRequest req)
        (api.post="/douyin/comment/action/", api.key="optional", api.errors="10401,10301,10402")
    /** A video's comments. Newest first. */
    CommentListResponse CommentList(1: CommentListRequest req) (api.get="/douyin/comment/list/", api.errors="10301")
    /** Follows a user, or stops it. Doing it twice is a success and changes nothing. */
    RelationActionResponse RelationAction(1: RelationActionRequest req) (api.post="/douyin/relation/action/", api.errors="10501,10201")
    /** Users whom a user follows. is_follow is the viewer's, not user_id's. */
    RelationListResponse FollowList(1: RelationListRequest req) (api.get="/douyin/relation/follow/list/", api.errors="10201")
    /** Users who follow a user. is_follow is the viewer's, not user_id's. */
    RelationListResponse FollowerList(1: RelationListRequest req) (api.get="/douyin/relation/follower/list/", api.errors="10201")
    /** Friends: users who follow each other. With the latest message between each and the viewer. */
    FriendListResponse FriendList(1: FriendListRequest req) (api.get="/douyin/relation/friend/list/", api.errors="10003,10201")
    /** Sends a message. The two need not be friends. */
    MessageActionResponse MessageAction(1: MessageActionRequest req)
        (api.post="/douyin/message/action/", api.key="optional", api.errors="10601,10201,10602")
    /**
     * Messages of a conversation. Without pre_msg_time the whole history; with it only newer messages that were sent to the caller, because
     * the app shows its own at once.
     */
    MessageChatResponse MessageChat(1: MessageChatRequest req) (api.get="/douyin/message/chat/", api.errors="10003")
}
