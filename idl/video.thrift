namespace go video

include "common.thrift"

/** Video is a published clip. */
struct Video {
    1: i64 id
    2: i64 author_id
    3: string title
    /** Blob key of the playable file. */
    4: string play_key
    /** Blob key of the cover picture. */
    5: string cover_key
    /** Publish time; no two videos share one, so it is a cursor on its own. */
    6: i64 published_at_ms
    7: i64 duration_ms
    8: i64 size_bytes
    9: i32 width_px
    10: i32 height_px
}

struct PublishRequest {
    1: i64 author_id
    /** 1..100 characters, not blank. */
    2: string title
    3: string play_key
    4: string cover_key
    5: i64 duration_ms
    6: i64 size_bytes
    7: i32 width_px
    8: i32 height_px
}
struct PublishResponse { 1: Video video }

struct FeedRequest {
    /** Only videos published strictly before it; 0 means from the newest. */
    1: i64 before_ms
    /** 1..MAX_BATCH; 0 means 30. */
    2: i32 limit
}
struct FeedResponse {
    /** Newest first. */
    1: list<Video> videos
    /** before_ms of the following page: the publish time of the oldest video of this page; 0 when the page is empty. */
    2: i64 next_before_ms
}

struct ListByAuthorRequest {
    1: i64 author_id
    2: common.Page page
}
struct ListByAuthorResponse {
    /** Newest first. */
    1: list<Video> videos
    /** Empty at the end. */
    2: string next_cursor
}

struct MGetVideosRequest { 1: list<i64> video_ids }
struct MGetVideosResponse {
    /** A video that does not exist is absent. */
    1: map<i64, Video> videos
}

struct MCountByAuthorRequest { 1: list<i64> author_ids }
struct MCountByAuthorResponse {
    /** Every author asked for is present, 0 for one without videos. */
    1: map<i64, i64> work_counts
}

service VideoService {
    /** Makes a stored file public. Visible in every list when it returns. */
    PublishResponse Publish(1: PublishRequest req)
    /** Reads one page of all videos, newest first. */
    FeedResponse Feed(1: FeedRequest req)
    /** Reads one page of an author's videos, newest first. */
    ListByAuthorResponse ListByAuthor(1: ListByAuthorRequest req)
    /** Reads up to MAX_BATCH videos. */
    MGetVideosResponse MGetVideos(1: MGetVideosRequest req)
    /** Reads how many videos each of up to MAX_BATCH authors has published. */
    MCountByAuthorResponse MCountByAuthor(1: MCountByAuthorRequest req)
}
