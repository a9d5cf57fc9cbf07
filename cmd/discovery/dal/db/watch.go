package db

import (
	"context"
	"math"
)

const (
	// ViewMs is from how many milliseconds on a session counts as a view, when it is not finished.
	ViewMs = 3000
	// MaxDaily is how many sessions of one user with one video may begin to count in a day. Further ones are in the history only.
	MaxDaily = 20
	// dayMs is a day.
	dayMs = 86_400_000
)

// Watch is what a user saw of another's video in one session, up to a time.
type Watch struct {
	UserID, VideoID, AuthorID int64
	// Session has at most 36 visible characters of ASCII.
	Session   string
	WatchedMs int64
	Finished  bool
	AtMs      int64
}

// counts reports whether its session is a view, by this watch alone: so a session is the same in the end in whatever order watches come.
func (w Watch) counts() bool { return w.Finished || w.WatchedMs >= ViewMs }

// Day is the day of a time: since 1970-01-01, UTC.
func Day(atMs int64) int64 { return atMs / dayMs }

// WatchSession is a session that counts as a view.
type WatchSession struct {
	VideoID int64  `gorm:"column:video_id;primaryKey;autoIncrement:false"`
	UserID  int64  `gorm:"column:user_id;primaryKey;autoIncrement:false"`
	Session string `gorm:"column:session;primaryKey"`
	// WatchedMs is the longest that was told.
	WatchedMs int64 `gorm:"column:watched_ms"`
	Finished  bool  `gorm:"column:finished"`
	// AtMs is when it was told of last.
	AtMs int64 `gorm:"column:at_ms"`
}

// TableName is watch_sessions.
func (WatchSession) TableName() string { return "watch_sessions" }

// HistoryKey names the row of a user and a video.
type HistoryKey struct{ UserID, VideoID int64 }

// History is what a user has watched of a video.
type History struct {
	UserID  int64 `gorm:"column:user_id;primaryKey;autoIncrement:false"`
	VideoID int64 `gorm:"column:video_id;primaryKey;autoIncrement:false"`
	// AtMs is the last time.
	AtMs int64 `gorm:"column:at_ms"`
	// WatchedMs is the longest that one session had, since it was forgotten.
	WatchedMs int64 `gorm:"column:watched_ms"`
	Finished  bool  `gorm:"column:finished"`
	// HiddenMs is up to when it is forgotten.
	HiddenMs int64 `gorm:"column:hidden_ms"`
}

// TableName is history.
func (History) TableName() string { return "history" }

// Shown reports whether the row is in the history of a user who has forgotten all up to clearedMs.
func (h History) Shown(clearedMs int64) bool { return h.AtMs > max(h.HiddenMs, clearedMs) }

// Add adds a watch to the row, and reports whether it changed. What is forgotten changes nothing, also when it comes late.
func (h *History) Add(w Watch, clearedMs int64) bool {
	if w.AtMs <= max(h.HiddenMs, clearedMs) {
		return false
	}
	old := *h
	if !h.Shown(clearedMs) {
		h.WatchedMs, h.Finished = 0, false
	}
	h.AtMs, h.WatchedMs, h.Finished = max(h.AtMs, w.AtMs), max(h.WatchedMs, w.WatchedMs), h.Finished || w.Finished
	return *h != old
}

// HistoryMark is up to when a user has forgotten their whole history. Whoever changes what a user has watched holds this row, so two who
// do so at the same time wait for each other.
type HistoryMark struct {
	UserID    int64 `gorm:"column:user_id;primaryKey;autoIncrement:false"`
	ClearedMs int64 `gorm:"column:cleared_ms"`
}

// TableName is history_marks.
func (HistoryMark) TableName() string { return "history_marks" }

// AuthorDay is what an author got in a day.
type AuthorDay struct {
	AuthorID int64 `gorm:"column:author_id;primaryKey;autoIncrement:false"`
	// Day is as Day says.
	Day       int64 `gorm:"column:day;primaryKey;autoIncrement:false"`
	Views     int64 `gorm:"column:views"`
	Finishes  int64 `gorm:"column:finishes"`
	Likes     int64 `gorm:"column:likes"`
	Followers int64 `gorm:"column:followers"`
}

// TableName is author_days.
func (AuthorDay) TableName() string { return "author_days" }

// HistoryPlace is a place in a history: what is below it was watched before.
type HistoryPlace struct{ AtMs, VideoID int64 }

// FirstPlace is above all.
func FirstPlace() HistoryPlace { return HistoryPlace{math.MaxInt64, math.MaxInt64} }

// above reports whether the row is below the place.
func (p HistoryPlace) above(h History) bool {
	return h.AtMs < p.AtMs || h.AtMs == p.AtMs && h.VideoID < p.VideoID
}

// NewestWatchMs is when a view was told of last, 0 when there is none.
func (s *Store) NewestWatchMs(ctx context.Context) (int64, error) {
	return s.Greatest(ctx, "watch_sessions.at_ms")
}
