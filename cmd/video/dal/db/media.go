package db

import (
	"context"
	"errors"
	"fmt"
	"math"

	"tiktok/pkg/sqldb"
)

// States of an upload. The first four are what UploadState of video.thrift says, with the same numbers.
const (
	StateUploaded = 1 + iota
	StateProcessing
	StateReady
	StateFailed
	StateDeleting
)

// Steps of the work on an upload, bits of Media.Plan and Media.Todo. They are done from the lowest to the highest.
const (
	StepTranscode = 1 << iota
	StepCover
	StepPreview
	StepHLS
)

// Lanes: what has to be done next with an upload.
const (
	LaneNone = iota
	LaneDelete
	LaneTranscode // nobody sees the video before
	LaneImprove   // the steps of one that plays, but its cover
	LaneCover
	// LaneBackfill is for all steps that could not be planned when the video was uploaded.
	LaneBackfill
)

// Never is Media.DueMs of a row that waits for nothing.
const Never = math.MaxInt64

// ErrNotAuthor says that somebody else's video was to be deleted.
var ErrNotAuthor = errors.New("video of another author")

// ErrLeaseLost says that a row is no longer held by who wants to write it: it was deleted, or another worker has it.
var ErrLeaseLost = errors.New("lease lost")

// Media is the work on one upload, from its first byte to its deletion.
type Media struct {
	VideoID  int64  `gorm:"column:video_id;primaryKey;autoIncrement:false"`
	AuthorID int64  `gorm:"column:author_id"`
	Title    string `gorm:"column:title"`
	State    int    `gorm:"column:state"`
	// Listed is 1 when videos has a row of it.
	Listed int `gorm:"column:listed"`
	// Pending is 1 while the author is shown the row.
	Pending  int    `gorm:"column:pending"`
	Reason   string `gorm:"column:reason"`
	Progress int    `gorm:"column:progress"`
	// Plan holds all steps that were ever to do, Todo those left.
	Plan int `gorm:"column:plan"`
	Todo int `gorm:"column:todo"`
	Lane int `gorm:"column:lane"`
	// DueMs is when the row may be worked on: the end of the lease when Token is set, else of the wait.
	DueMs int64  `gorm:"column:due_ms"`
	Token string `gorm:"column:token"`
	// Hold is 0 while the row waits for its turn, 1 while a worker has it, or it waits for DueMs.
	Hold int `gorm:"column:hold"`
	// Turn orders the rows of a lane that wait, the least first.
	Turn int64 `gorm:"column:turn"`
	// Attempts counts claims since the last step that was finished.
	Attempts int `gorm:"column:attempts"`
	// SourceKey is the uploaded file, which the jobs read. Empty once it was transcoded and all work is done.
	SourceKey string `gorm:"column:source_key"`
	// CoverKey is the uploaded cover, also after a better one has replaced it.
	CoverKey string `gorm:"column:cover_key"`
	// CoverDrawn is 1 when the uploaded cover is no frame of the video, as far as is known.
	CoverDrawn  int    `gorm:"column:cover_drawn"`
	DurationMs  int64  `gorm:"column:duration_ms"`
	SizeBytes   int64  `gorm:"column:size_bytes"`
	WidthPx     int32  `gorm:"column:width_px"`
	HeightPx    int32  `gorm:"column:height_px"`
	Rotation    int32  `gorm:"column:rotation"`
	VideoCodec  string `gorm:"column:video_codec"`
	AudioCodec  string `gorm:"column:audio_codec"`
	CreatedAtMs int64  `gorm:"column:created_at_ms"`
	// QuotaBytes is how much of Storage.StoredBytes is of this upload.
	QuotaBytes int64 `gorm:"column:quota_bytes"`
	// Mentions are those of the Video.
	Mentions string `gorm:"column:mentions"`
	// Told is 1 when others were told that it is deleted.
	Told int `gorm:"column:told"`
}

// TableName is video_media.
func (Media) TableName() string { return "video_media" }

const uploadsSQL = "FROM video_media WHERE author_id = ? AND pending = 1 ORDER BY video_id DESC LIMIT ?"

// ListUploads reads up to limit uploads of one author that are not ready, newest first.
func (s *Store) ListUploads(ctx context.Context, authorID int64, limit int) ([]Media, error) {
	rows, err := sqldb.Select[Media](s.Read.WithContext(ctx), uploadsSQL, authorID, limit).All()
	if err != nil {
		return nil, fmt.Errorf("read uploads: %w", err)
	}
	return rows, nil
}
