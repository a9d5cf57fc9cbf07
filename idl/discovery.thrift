namespace go discovery

include "common.thrift"

/** SearchKind is what is searched. */
enum SearchKind {
    VIDEOS = 1
    USERS = 2
    TAGS = 3
}

/** Span is a part of a text, in characters (code points). */
struct Span {
    1: i32 start
    2: i32 length
}

/** Hit is something that fits a search. */
struct Hit {
    /** Of the video or user; 0 for a tag. */
    1: i64 id
    /** Without #; empty for others. */
    2: string tag
    /** TAGS: how many videos have it. */
    3: i64 video_count
    /** What fits: in the title, or in the unique name. */
    4: list<Span> spans
    /** USERS: what fits in the name that is shown. */
    5: list<Span> shown_name_spans
}

struct SearchRequest {
    1: SearchKind kind
    /** 1..100 characters, not blank. */
    2: string text
    /** 0 is a visitor. */
    3: i64 viewer_id
    /** Limit 1..100; 0 means 30. */
    4: common.Page page
}
struct SearchResponse {
    /** What fits best first. */
    1: list<Hit> hits
    /** Empty at the end. */
    2: string next_cursor
}

/** Suggestion completes what somebody types. */
struct Suggestion {
    1: SearchKind kind
    /** The text to search for: a title's beginning, a name, or a tag without #. */
    2: string text
    /** USERS: the account. */
    3: i64 user_id
}

struct SuggestRequest {
    /** 1..100 characters, not blank. */
    1: string text
    2: i64 viewer_id
    /** 1..20; 0 means 10. */
    3: i32 limit
}
struct SuggestResponse { 1: list<Suggestion> suggestions }

/** Tag is a word that titles have after a #, in the form of tags.Key: folded in width and case. */
struct Tag {
    1: string tag
    2: i64 video_count
}

struct GetTagRequest { 1: string tag }
struct GetTagResponse {
    /** video_count 0: nobody uses it. */
    1: Tag tag
}

struct ListTagVideosRequest {
    1: string tag
    2: i64 viewer_id
    /** Limit 1..100; 0 means 30. */
    3: common.Page page
}
struct ListTagVideosResponse {
    /** Newest first. */
    1: list<i64> video_ids
    /** Empty at the end. */
    2: string next_cursor
}

struct ListTrendingTagsRequest {
    /** 1..50; 0 means 20. */
    1: i32 limit
}
struct ListTrendingTagsResponse {
    /** The most used and watched of late first. */
    1: list<Tag> tags
}

/** Watch is what a client saw of a video in one session, which may be told several times: the longest counts. */
struct Watch {
    1: i64 video_id
    /** Made by the client for each time that it opens a video: 1..36 characters. */
    2: string session
    /** 0..86,400,000. */
    3: i64 watched_ms
    /** It was seen to its end. */
    4: bool finished
}

/** Most watches of one call. */
const i32 MAX_WATCHES = 50
/** A session counts as a view from so many milliseconds on, or when it is finished. */
const i64 VIEW_MS = 3000

struct AddWatchesRequest {
    1: i64 user_id
    /** 1..MAX_WATCHES. Those of videos that do not exist, and of the user's own, are ignored. */
    2: list<Watch> watches
}
struct AddWatchesResponse {}

/** Watched is one video in a user's history. */
struct Watched {
    1: i64 video_id
    /** The last time. */
    2: i64 at_ms
    /** The longest that one session had. */
    3: i64 watched_ms
    4: bool finished
}

struct ListHistoryRequest {
    1: i64 user_id
    /** Limit 1..100; 0 means 30. */
    2: common.Page page
}
struct ListHistoryResponse {
    /** Last watched first. */
    1: list<Watched> watched
    /** Empty at the end. */
    2: string next_cursor
}

struct DeleteHistoryRequest {
    1: i64 user_id
    /** 0: all of it. */
    2: i64 video_id
}
struct DeleteHistoryResponse {}

struct MGetViewsRequest { 1: list<i64> video_ids }
struct MGetViewsResponse {
    /** Every video asked for is present, 0 for one without views. */
    1: map<i64, i64> views
}

/** DayStats is what an author got in one day. Likes and followers that were taken back meanwhile do not count. */
struct DayStats {
    /** Days since 1970-01-01, UTC. */
    1: i32 day
    2: i64 views
    3: i64 finishes
    4: i64 likes
    5: i64 followers
}

struct GetAuthorStatsRequest {
    1: i64 author_id
    /** 1..366, up to today. */
    2: i32 days
}
struct GetAuthorStatsResponse {
    /** Each day, oldest first. */
    1: list<DayStats> days
}

/** VideoStats is how a video was watched. */
struct VideoStats {
    1: i64 video_id
    2: i64 views
    3: i64 finishes
    /** By all sessions that count, together. */
    4: i64 watched_ms
}

struct ListVideoStatsRequest {
    1: i64 author_id
    /** Limit 1..100; 0 means 30. */
    2: common.Page page
}
struct ListVideoStatsResponse {
    /** Newest video first. */
    1: list<VideoStats> videos
    /** Empty at the end. */
    2: string next_cursor
}

/** Feed is a way to choose videos. */
enum Feed {
    /** What the viewer may like: fresh, hot, from those whom they follow, liked by those who like the same, with the same tags. */
    FOR_YOU = 1
    /** Of those whom the viewer follows, newest first. */
    FOLLOWING = 2
    /** What everybody likes and finishes of late. */
    HOT = 3
}

/** Reason is why a video is shown. */
enum Reason {
    /** It is new. */
    FRESH = 1
    /** Many like it or watch it to its end. */
    HOT = 2
    /** The viewer follows its author. */
    FOLLOWED = 3
    /** Those who like the video video_id like it, too; the viewer does. */
    CO_LIKED = 4
    /** It has the tag, as videos that the viewer liked or finished do. */
    TAG = 5
    /** It was shown to few yet. */
    EXPLORE = 6
}

struct Recommended {
    1: i64 video_id
    2: Reason reason
    /** CO_LIKED: the video that the viewer likes. */
    3: i64 because_of_video_id
    /** TAG: which. */
    4: string tag
}

/** FeedQuery asks for one page of one feed for one viewer. */
struct FeedQuery {
    1: Feed feed
    /** 0 is a visitor, who has no FOLLOWING. */
    2: i64 viewer_id
    /** Empty: anew. Otherwise the next_cursor of a page of the same feed and viewer. */
    3: string cursor
    /** 1..100; 0 means 30. */
    4: i32 limit
}

struct FeedAnswer {
    1: list<Recommended> videos
    /** Empty at the end. */
    2: string next_cursor
    /** The cursor is none of this feed; then there are no videos. */
    3: bool bad_cursor
}

/** Most queries of one call. */
const i32 MAX_FEED_QUERIES = 100

struct MRecommendRequest {
    /** 1..MAX_FEED_QUERIES. */
    1: list<FeedQuery> queries
}
struct MRecommendResponse {
    /** By the index of the query. */
    1: list<FeedAnswer> answers
}

service DiscoveryService {
    /** Finds videos, users or tags. Fails with SearchUnavailable while there is no index. */
    SearchResponse Search(1: SearchRequest req)
    /** Completes a text. Fails with SearchUnavailable while there is no index. */
    SuggestResponse Suggest(1: SuggestRequest req)
    /** Reads how many videos have a tag. */
    GetTagResponse GetTag(1: GetTagRequest req)
    /** Reads one page of the videos with a tag. */
    ListTagVideosResponse ListTagVideos(1: ListTagVideosRequest req)
    /** Reads the tags of the hour. */
    ListTrendingTagsResponse ListTrendingTags(1: ListTrendingTagsRequest req)
    /** Stores what a user has watched: durable, and visible to their next call, when it returns. Telling it twice is telling it once. */
    AddWatchesResponse AddWatches(1: AddWatchesRequest req)
    /** Reads one page of what a user has watched. */
    ListHistoryResponse ListHistory(1: ListHistoryRequest req)
    /** Forgets what a user has watched, also for recommendations. Views stay counted. Doing so twice is success. */
    DeleteHistoryResponse DeleteHistory(1: DeleteHistoryRequest req)
    /** Reads how often each of up to MAX_BATCH videos was watched. */
    MGetViewsResponse MGetViews(1: MGetViewsRequest req)
    /** Reads what an author got, by day. */
    GetAuthorStatsResponse GetAuthorStats(1: GetAuthorStatsRequest req)
    /** Reads one page of how an author's videos were watched. */
    ListVideoStatsResponse ListVideoStats(1: ListVideoStatsRequest req)
    /** Chooses videos: pages of feeds. What a page has is not on a later page of the viewer. */
    MRecommendResponse MRecommend(1: MRecommendRequest req)
}
