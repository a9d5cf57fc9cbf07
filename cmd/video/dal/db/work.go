package db

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

// claimTries is how many due rows are read at once: more than one, because other workers read the same.
const claimTries = 8

const (
	dueSQL = "SELECT " + mediaColumns + " FROM video_media WHERE lane = ? AND due_ms <= ? ORDER BY due_ms LIMIT ?"

	// todo is compared because a step may have been recorded between reading the row and this, at the very end of a lease.
	claimSQL = "UPDATE video_media SET token = ?, due_ms = ?, attempts = attempts + 1, state = ? WHERE video_id = ? AND token = ? AND due_ms = ? AND lane = ? AND todo = ?"

	waitingSQL = "SELECT lane, COUNT(*) AS n FROM video_media WHERE lane IN ? GROUP BY lane"

	expireSQL = "UPDATE video_media SET state = ?, lane = ?, pending = 0 WHERE lane = ? AND due_ms <= ? AND listed = 0"
)

// Claim takes one row that is due in the lane for the holder of token until untilMs; ok is false when there is none.
// former is the token of who held it and never let go, "" when there is nobody like that. The row comes back as it is
// stored now.
func (s *Store) Claim(ctx context.Context, lane int, nowMs, untilMs int64, token string) (m Media, former string, ok bool, err error) {
	var due []Media
	if err := s.db.Read.WithContext(ctx).Raw(dueSQL, lane, nowMs, claimTries).Scan(&due).Error; err != nil {
		return Media{}, "", false, fmt.Errorf("find work: %w", sqldb.Translate(err))
	}
	for _, m := range due { // ends with the first that nobody else took meanwhile
		state := m.State
		if lane != LaneDelete {
			state = StateProcessing
		}
		r := s.db.Write.WithContext(ctx).Exec(claimSQL, token, untilMs, state, m.VideoID, m.Token, m.DueMs, lane, m.Todo)
		if r.Error != nil {
			return Media{}, "", false, fmt.Errorf("claim video %d: %w", m.VideoID, sqldb.Translate(r.Error))
		}
		if r.RowsAffected == 1 {
			former = m.Token
			m.Token, m.DueMs, m.State, m.Attempts = token, untilMs, state, m.Attempts+1
			return m, former, true, nil
		}
	}
	return Media{}, "", false, nil
}

// Renew keeps the row of m for its holder until untilMs, which must differ from the former end, and shows how far the
// work is. ErrLeaseLost means: stop.
func (s *Store) Renew(ctx context.Context, m Media, untilMs int64, progress int) error {
	r := s.db.Write.WithContext(ctx).Exec("UPDATE video_media SET due_ms = ?, progress = ? WHERE video_id = ? AND token = ? AND lane = ?",
		untilMs, progress, m.VideoID, m.Token, m.Lane)
	return leased(r, "renew")
}

// Done is what a step has made.
type Done struct {
	Step int
	// Video is to be listed: what StepTranscode has made.
	Video Video
	// Key is that of the cover, the preview or the HLS master playlist.
	Key string
	// Progress of the whole.
	Progress int
}

// Finish records a step of the row that m holds: the step is done and everybody is shown what it has made. It returns
// the row as stored; when no step is left that is ready, or failed when Skip left out another, and held no more. ErrLeaseLost means that nothing was recorded.
func (s *Store) Finish(ctx context.Context, m Media, d Done) (Media, error) {
	next := m
	next.Todo &^= d.Step
	next.Progress, next.Attempts, next.Lane, next.Listed = d.Progress, 1, LaneImprove, 1
	if next.Todo == 0 {
		next.State, next.Lane, next.DueMs, next.Token = StateReady, LaneNone, Never, ""
		next.Pending, next.Progress, next.Attempts = 0, 100, 0
		if m.Reason != "" { // something was left out, and the author is told
			next.State, next.Pending = StateFailed, 1
		}
		if m.Plan&StepTranscode != 0 {
			next.SourceKey = "" // it was only needed to make others from it
		}
	}
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		if d.Step == StepTranscode { // first, because everybody who lists locks the clock first
			if _, err := s.list(tx, d.Video); err != nil {
				return err
			}
		}
		r := tx.Exec(`UPDATE video_media SET todo = ?, progress = ?, attempts = ?, lane = ?, listed = ?, state = ?, due_ms = ?, token = ?, pending = ?, source_key = ?
			WHERE video_id = ? AND token = ? AND lane = ?`,
			next.Todo, next.Progress, next.Attempts, next.Lane, next.Listed, next.State, next.DueMs, next.Token, next.Pending, next.SourceKey,
			m.VideoID, m.Token, m.Lane)
		if err := leased(r, "finish"); err != nil {
			return err
		}
		if column := keyColumn(d.Step); column != "" {
			return tx.Exec("UPDATE videos SET "+column+" = ? WHERE id = ?", d.Key, m.VideoID).Error
		}
		return nil
	})
	if err != nil {
		return m, fmt.Errorf("finish a step of video %d: %w", m.VideoID, err)
	}
	return next, nil
}

func keyColumn(step int) string {
	switch step {
	case StepCover:
		return "cover_key"
	case StepPreview:
		return "preview_key"
	case StepHLS:
		return "hls_key"
	}
	return ""
}

// Release lets go of a row without a result: it is due at once. The claim does not count as an attempt.
func (s *Store) Release(ctx context.Context, m Media, nowMs int64) error {
	return s.letGo(ctx, m, nowMs, nowMs, 1)
}

// Retry lets go of a row whose work has failed: it is due at dueMs. One that is to be deleted is due at once.
func (s *Store) Retry(ctx context.Context, m Media, nowMs, dueMs int64) error {
	return s.letGo(ctx, m, nowMs, dueMs, 0)
}

// letGo asks for the token only: the lane may have become that of deletion, which waits for this.
func (s *Store) letGo(ctx context.Context, m Media, nowMs, dueMs int64, back int) error {
	r := s.db.Write.WithContext(ctx).Exec(
		"UPDATE video_media SET due_ms = CASE WHEN lane = ? THEN ? ELSE ? END, attempts = CASE WHEN lane = ? THEN attempts - ? ELSE attempts END, token = '' WHERE video_id = ? AND token = ?",
		m.Lane, dueMs, nowMs, m.Lane, back, m.VideoID, m.Token)
	return leased(r, "let go")
}

// Skip leaves out a step of a listed video for a reason that its author is shown in the end, and lets go of the row: the
// other steps are due at once.
func (s *Store) Skip(ctx context.Context, m Media, step int, reason string, nowMs int64) error {
	if m.Reason != "" { // of a step that was left out before
		reason = m.Reason
	}
	r := s.db.Write.WithContext(ctx).Exec(
		"UPDATE video_media SET todo = ?, reason = ?, attempts = 0, due_ms = ?, token = '' WHERE video_id = ? AND token = ? AND lane = ?",
		m.Todo&^step, reason, nowMs, m.VideoID, m.Token, m.Lane)
	return leased(r, "skip")
}

// GiveUp ends the work on a row for a reason that its author is shown. What was never listed is deleted at forgetMs.
func (s *Store) GiveUp(ctx context.Context, m Media, reason string, forgetMs int64) error {
	due := int64(Never)
	if m.Listed == 0 {
		due = forgetMs
	}
	if m.Reason != "" { // of a step that was left out before
		reason = m.Reason
	}
	r := s.db.Write.WithContext(ctx).Exec(
		"UPDATE video_media SET state = ?, reason = ?, lane = ?, due_ms = ?, token = '' WHERE video_id = ? AND token = ? AND lane = ?",
		StateFailed, reason, LaneNone, due, m.VideoID, m.Token, m.Lane)
	return leased(r, "give up")
}

// Expire marks for deletion what has failed, was never listed, and is past the time that GiveUp has set.
func (s *Store) Expire(ctx context.Context, nowMs int64) (rows int64, err error) {
	r := s.db.Write.WithContext(ctx).Exec(expireSQL, StateDeleting, LaneDelete, LaneNone, nowMs)
	if r.Error != nil {
		return 0, fmt.Errorf("expire: %w", sqldb.Translate(r.Error))
	}
	return r.RowsAffected, nil
}

// CountWork counts the rows of each lane with work to do, including what is being worked on.
func (s *Store) CountWork(ctx context.Context) (map[int]int64, error) {
	var rows []struct {
		Lane int   `gorm:"column:lane"`
		N    int64 `gorm:"column:n"`
	}
	lanes := []int{LaneDelete, LaneTranscode, LaneImprove}
	if err := s.db.Read.WithContext(ctx).Raw(waitingSQL, lanes).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("count work: %w", sqldb.Translate(err))
	}
	out := make(map[int]int64, len(lanes))
	for _, lane := range lanes {
		out[lane] = 0
	}
	for _, r := range rows {
		out[r.Lane] = r.N
	}
	return out, nil
}

// leased is ErrLeaseLost when the statement has changed nothing.
func leased(r *gorm.DB, what string) error {
	if r.Error != nil {
		return fmt.Errorf("%s: %w", what, sqldb.Translate(r.Error))
	}
	if r.RowsAffected == 0 {
		return fmt.Errorf("%s: %w", what, ErrLeaseLost)
	}
	return nil
}
