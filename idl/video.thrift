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
    /** Blob key of the HLS master playlist; empty until there is one. */
    11: string hls_key
    /** Blob key of the animated preview; empty until there is one. */
    12: string preview_key
    /** Whom the title mentions, without the author. */
    13: list<i64> mentioned_user_ids
}

/** UploadState is where the work on an upload is. */
enum UploadState {
    /** Stored; the work has not begun. */
    UPLOADED = 1
    PROCESSING = 2
    /** Nothing is left to do. */
    READY = 3
    /** Given up, for the reason given. A listed video plays all the same. */
    FAILED = 4
}

/** Upload is the work on one uploaded file, as its author may see it. */
struct Upload {
    1: i64 video_id
    2: string title
    3: UploadState state
    /** 0..100. */
    4: i32 progress
    /** Why the work failed; empty otherwise. May be shown to the author. */
    5: string reason
    /** Whether the video is listed already; what a phone cannot play is listed only after it was transcoded. */
    6: bool listed
    7: i64 uploaded_at_ms
    /** play_key of the PublishRequest; empty when the file is no longer needed. */
    8: string source_key
}

/** Name of the queue of VideoDeleted; the interaction service reads it. */
const string QUEUE_VIDEO_DELETED = "interaction.video_deleted"

/** VideoDeleted is the event that tells other services to forget a video. Exactly this is on the queue, as JSON. */
struct VideoDeleted {
    1: i64 video_id
    2: i64 author_id
}

struct PublishRequest {
    1: i64 author_id
    /** 1..100 characters, not blank. */
    2: string title
    /** Blob key of the stored file. */
    3: string play_key
    4: string cover_key
    5: i64 duration_ms
    6: i64 size_bytes
    /** As displayed, after rotation. */
    7: i32 width_px
    8: i32 height_px
    /**
     * The file must be transcoded before a phone can play it, and before it is listed. Fails with VideoUnplayable on a
     * server that cannot transcode.
     */
    9: bool transcode
    /** The cover is a placeholder that a frame of the video should replace. */
    10: bool cover_drawn
    /** Names of the codecs as ffprobe writes them, at most 32 characters; no audio is "". */
    11: string video_codec
    12: string audio_codec
    /** Degrees clockwise that the file asks its player to turn the picture by: 0, 90, 180, 270. */
    13: i32 rotation
    /** Whom the title mentions, at most 10; the caller has looked the names up. */
    14: list<i64> mentioned_user_ids
    /** Whoever publishes again with it within a day gets the same answer, and nothing more is stored. Absent: each call publishes. */
    15: optional string request_key
    /** Tells the title and file of that key from others, in whichever way the caller likes. */
    16: optional i64 request_digest
}
struct PublishResponse {
    /** The video, listed or (transcode) not yet; then it has no publish time. */
    1: Video video
    2: bool listed
}

struct CheckUploadRequest {
    1: i64 author_id
    /** Of all uploads of the author that are under way. */
    2: i64 size_bytes
    /** Of the upload. */
    3: optional string request_key
}
struct CheckUploadResponse {
    /** What was published with that request_key. Then sizes are not checked. */
    1: optional Published first
}

/** Published is the answer to a PublishRequest with a request_key. */
struct Published {
    1: Video video
    2: bool listed
    /** That of the request. */
    3: i64 request_digest
}

struct DeleteVideoRequest {
    1: i64 author_id
    2: i64 video_id
}
struct DeleteVideoResponse {}

struct ListUploadsRequest { 1: i64 author_id }
struct ListUploadsResponse {
    /** Newest first, at most MAX_BATCH. Uploads that are READY are left out. */
    1: list<Upload> uploads
}

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
    /**
     * As it is stored, past the cache: not older than what ListUploads has answered before. For the author himself, who sees
     * both side by side: work in the background ends in one commit, and the cache hears of it a moment later.
     */
    3: bool fresh
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

struct ScanVideosRequest {
    /** The id of the last one that was read; 0: from the beginning. */
    1: i64 after_id
    /** 1..MAX_BATCH. */
    2: i32 limit
}
struct ScanVideosResponse {
    /** Those that are listed, by ascending id; fewer than limit: the end. */
    1: list<Video> videos
}

service VideoService {
    /**
     * Makes a stored file public. Visible in every list when it returns, unless it must be transcoded first. Fails with
     * QuotaExceeded when the author would store, or would have uploaded in a day, more than the settings allow; IdempotencyKeyReused;
     * VideoNotFound when what was published with that request_key is deleted. The caller's files of a video with another play_key than
     * the request's are not used.
     */
    PublishResponse Publish(1: PublishRequest req)
    /**
     * Fails with QuotaExceeded when Publish of so many bytes would now: asked before they are received. Publish decides.
     */
    CheckUploadResponse CheckUpload(1: CheckUploadRequest req)
    /**
     * Deletes an author's own video, or an upload that is not listed yet. It is in no list any more when this returns; files,
     * likes and comments follow. Fails with VideoNotFound, also when it is done twice, or Forbidden when it is another's.
     */
    DeleteVideoResponse DeleteVideo(1: DeleteVideoRequest req)
    /** Reads the work on an author's uploads that are not ready. */
    ListUploadsResponse ListUploads(1: ListUploadsRequest req)
    /** Reads one page of all videos, newest first. */
    FeedResponse Feed(1: FeedRequest req)
    /** Reads one page of an author's videos, newest first. */
    ListByAuthorResponse ListByAuthor(1: ListByAuthorRequest req)
    /** Reads up to MAX_BATCH videos. */
    MGetVideosResponse MGetVideos(1: MGetVideosRequest req)
    /** Reads how many videos each of up to MAX_BATCH authors has published. */
    MCountByAuthorResponse MCountByAuthor(1: MCountByAuthorRequest req)
    /** Reads all listed videos, page by page. */
    ScanVideosResponse ScanVideos(1: ScanVideosRequest req)
}
