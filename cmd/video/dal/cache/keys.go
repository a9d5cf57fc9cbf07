// Package cache says how the service's data is kept in the cache: keys and times to live.
package cache

import (
	"log/slog"
	"strconv"
	"time"
	"unsafe"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/video/dal/db"
	"tiktok/pkg/kv"
)

const (
	// videoTTL can be long: a published video changes only when work in the background has made something.
	videoTTL = 10 * time.Minute
	// worksTTL also bounds how long a count may be shown wrong when a process dies between a commit and the
	// invalidation after it. Users without videos are as common as others, so their absence is kept as long.
	worksTTL = time.Minute
	// localTTL is how long another replica may answer for a video's id with its old cover, or although it is deleted. The
	// lists do not: over Redis no process keeps them.
	localTTL = time.Second
)

// VideoKey is the key of a video's row. Raise its version when the cached row changes its shape.
func VideoKey(id int64) string { return "tt:video:video:v4:{" + strconv.FormatInt(id, 10) + "}" }

// WorksKey is the key of an author's count of videos.
func WorksKey(authorID int64) string {
	return "tt:video:works:v1:{" + strconv.FormatInt(authorID, 10) + "}"
}

// Newest is the id of the one list of newest videos, and NewestSize how many it holds: no page of the feed is longer.
const (
	Newest     = int64(1)
	NewestSize = 30
	// newestTTL bounds how long the list may be shown without a video when a process dies between a commit and the
	// invalidation after it.
	newestTTL = 2 * time.Second
)

func newestKey(int64) string { return "tt:video:newest:v3" }

// NewestOptions are the options of the cache of the newest videos.
func NewestOptions(log *slog.Logger, metrics prometheus.Registerer) kv.Options[int64, []db.Video] {
	return kv.Options[int64, []db.Video]{Kind: "newest_videos", Key: newestKey, TTL: newestTTL, Log: log, Metrics: metrics}
}

// MaxPublished is of how many videos an author's list is cached. Longer lists are read from the store.
const MaxPublished = 100

// Published is the list of an author's videos, newest first.
type Published struct {
	Videos []db.Video `json:"v,omitempty"`
	// More says that there are too many to hold; then Videos is empty.
	More bool `json:"m,omitempty"`
}

func (p Published) size() int {
	bytes := cap(p.Videos) * int(unsafe.Sizeof(db.Video{}))
	for _, v := range p.Videos {
		bytes += size(v)
	}
	return bytes
}

// PublishedKey is the key of an author's list.
func PublishedKey(authorID int64) string {
	return "tt:video:published:v2:{" + strconv.FormatInt(authorID, 10) + "}"
}

// PublishedOptions are the options of the cache of authors' lists.
func PublishedOptions(log *slog.Logger, metrics prometheus.Registerer) kv.Options[int64, Published] {
	return kv.Options[int64, Published]{Kind: "published", Key: PublishedKey, TTL: worksTTL, Size: Published.size, Log: log, Metrics: metrics}
}

// Videos are the options of the cache of rows.
func Videos(log *slog.Logger, metrics prometheus.Registerer) kv.Options[int64, db.Video] {
	return kv.Options[int64, db.Video]{Kind: "video", Key: VideoKey, TTL: videoTTL, Local: localTTL, Size: size, Log: log, Metrics: metrics}
}

func size(v db.Video) int {
	return len(v.Title) + len(v.PlayKey) + len(v.CoverKey) + len(v.HLSKey) + len(v.PreviewKey) + len(v.Mentions)
}

// Works are the options of the cache of counts.
func Works(log *slog.Logger, metrics prometheus.Registerer) kv.Options[int64, int64] {
	return kv.Options[int64, int64]{Kind: "video_works", Key: WorksKey, TTL: worksTTL, NegativeTTL: worksTTL, Log: log, Metrics: metrics}
}
