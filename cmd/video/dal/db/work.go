package db

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

// claimTries is how many due rows are read at once: more than one, because other workers read the same.
const claimTries = 8

const (
	dueSQL = "FROM video_media WHERE lane = ? AND due_ms <= ? ORDER BY due_ms LIMIT ?"

	// What waits for its turn. due_ms is looked at because a process of a former version knows no hold; + 0 keeps the index of due_ms
	// out of it.
	turnSQL = "FROM video_media WHERE lane = ? AND hold = 0 AND due_ms + 0 <= ? AND author_id <> ? ORDER BY turn LIMIT ?"
	// What has waited long enough for another attempt, or was left by a worker that is no more.
	heldSQL = "FROM video_media WHERE lane = ? AND hold = 1 AND due_ms <= ? AND author_id <> ? ORDER BY due_ms LIMIT ?"

	// todo is compared because a step may have been recorded between reading the row and this, at the very end of a lease.
	claimSQL = `UPDATE video_media SET token = ?, due_ms = ?, hold = 1, attempts = attempts + 1, state = ?
		WHERE video_id = ? AND token = ? AND due_ms = ? AND lane = ? AND todo = ? AND state = ?`

	waitingSQL = "SELECT lane, COUNT(*) AS n, MIN(due_ms) AS due FROM video_media WHERE lane IN ? GROUP BY lane"

	expiredSQL = "lane = ? AND due_ms <= ? AND listed = 0"
	expireSQL  = "UPDATE video_media SET state = ?, lane = ?, pending = 0, told = ? WHERE video_id IN ?"
)

// expireRows is how many uploads one transaction of Expire marks.
const expireRows = 500

// Wanted is work that a worker would take up.
type Wanted struct {
	Lane int
	// Except is an author whose work is not wanted now, 0 for none.
	Except int64
	// UntilMs is when the worker lets go unless it renews, Token is the worker's own.
	UntilMs int64
	Token   string
}

// Claim takes the row whose turn it is in a lane, of those that are due; ok is false when there is none. former is the token of
// who held it and never let go, "" when there is nobody like that. The row comes back as it is stored now.
func (s *Store) Claim(ctx context.Context, w Wanted, nowMs int64) (m Media, former string, ok bool, err error) {
	due, err := s.due(ctx, w, nowMs)
	if err != nil {
		return Media{}, "", false, fmt.Errorf("find work: %w", err)
	}
	for _, m := range due { // ends with the first that nobody else took meanwhile
		former = m.Token
		ok, err := s.take(ctx, &m, w)
		if err != nil {
			return Media{}, "", false, fmt.Errorf("claim video %d: %w", m.VideoID, err)
		}
		if ok {
			return m, former, true, nil
		}
	}
	return Media{}, "", false, nil
}

// due reads the rows that are next.
func (s *Store) due(ctx context.Context, w Wanted, nowMs int64) (due []Media, err error) {
	read := s.Read.WithContext(ctx)
	if w.Lane == LaneDelete {
		return sqldb.Select[Media](read, dueSQL, w.Lane, nowMs, claimTries).All()
	}
	due, err = sqldb.Select[Media](read, turnSQL, w.Lane, nowMs, w.Except, claimTries).All()
	if err != nil {
		return nil, err
	}
	held, err := sqldb.Select[Media](read, heldSQL, w.Lane, nowMs, w.Except, claimTries).All()
	if err != nil {
		return nil, err
	}
	due = append(due, held...)
	slices.SortStableFunc(due, func(a, b Media) int { return cmp.Compare(a.Turn, b.Turn) })
	return due, nil
}

// take makes m, as it was read, the worker's, unless somebody else has changed it meanwhile, and turns the lane's clock on. Others
// are told when the work begins, not when it goes on.
func (s *Store) take(ctx context.Context, m *Media, w Wanted) (ok bool, err error) {
	next := *m
	next.Token, next.DueMs, next.Hold, next.Attempts = w.Token, w.UntilMs, 1, m.Attempts+1
	if w.Lane != LaneDelete {
		next.State = StateProcessing
	}
	err = s.change(ctx, func(tx *gorm.DB) ([]Change, error) {
		r := tx.Exec(claimSQL, next.Token, next.DueMs, next.State, m.VideoID, m.Token, m.DueMs, w.Lane, m.Todo, m.State)
		if ok = r.Error == nil && r.RowsAffected == 1; !ok || w.Lane == LaneDelete {
			return nil, r.Error
		}
		return []Change{uploadChange(*m, next)}, tx.Exec(advanceSQL, m.Turn, w.Lane, m.Turn).Error
	})
	if err != nil || !ok {
		return false, err
	}
	*m = next
	return true, nil
}

// Renew keeps the row of m for its holder until untilMs, which must differ from the former end, and shows how far the
// work is. ErrLeaseLost means: stop.
func (s *Store) Renew(ctx context.Context, m Media, untilMs int64, progress int) error {
	next := m
	next.DueMs, next.Progress = untilMs, progress
	return leased(held(s.Write.WithContext(ctx), m).Select("due_ms", "progress").Updates(next), "renew")
}

// Done is what a step has made.
type Done struct {
	Step int
	// Video is to be listed: what StepTranscode has made.
	Video Video
	// Key is that of the cover, the preview or the HLS master playlist.
	Key string
	// Progress of the whole, at NowMs.
	Progress int
	NowMs    int64
}

// Finish records a step of the row that m holds: the step is done and everybody is shown what it has made. It returns
// the row as stored, held no more (without a Token) in two cases: when no step is left, as ready, or failed when Skip has left out
// another; and when what is left has its turn in LaneImprove. ErrLeaseLost means that nothing was recorded.
func (s *Store) Finish(ctx context.Context, m Media, d Done) (Media, error) {
	next := m
	next.Todo &^= d.Step
	next.Progress, next.Attempts, next.Listed = d.Progress, 1, 1
	if m.Lane != LaneBackfill {
		next.Lane = LaneOf(next.Todo) // the cover of what was just transcoded is made at once: it is short
	}
	wait := next.Lane == LaneImprove && m.Lane != LaneImprove
	if next.Todo == 0 {
		next.State, next.Lane, next.DueMs, next.Token, next.Hold = StateReady, LaneNone, Never, "", 0
		next.Pending, next.Progress, next.Attempts = 0, 100, 0
		if m.Reason != "" { // something was left out, and the author is told
			next.State, next.Pending = StateFailed, 1
		}
		if m.Plan&StepTranscode != 0 {
			next.SourceKey = "" // it was only needed to make others from it
		}
	}
	err := s.change(ctx, func(tx *gorm.DB) ([]Change, error) {
		var listed *Video
		if d.Step == StepTranscode { // first, because everybody who lists locks the clock first
			v, err := s.list(tx, d.Video)
			if err != nil {
				return nil, err
			}
			listed = &v
		}
		if wait {
			next.Token, next.DueMs, next.Attempts = "", d.NowMs, 0
			if err := s.enqueue(tx, &next, next.Lane); err != nil {
				return nil, err
			}
		}
		r := held(tx, m).Select(
			"todo", "progress", "attempts", "lane", "listed", "state", "due_ms", "token", "hold", "turn", "pending", "source_key",
		).Updates(next)
		if err := leased(r, "finish"); err != nil {
			return nil, err
		}
		told := uploadChange(m, next)
		told.Listed = listed
		if column := keyColumn(d.Step); column != "" {
			told.Files = true
			if err := tx.Exec("UPDATE videos SET "+column+" = ? WHERE id = ?", d.Key, m.VideoID).Error; err != nil {
				return nil, err
			}
		}
		return []Change{told}, nil
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
	return s.letGo(ctx, m, nowMs, nowMs, 0, 1)
}

// Retry lets go of a row whose work has failed: it is due at dueMs. One that is to be deleted is due at once.
func (s *Store) Retry(ctx context.Context, m Media, nowMs, dueMs int64) error {
	return s.letGo(ctx, m, nowMs, dueMs, 1, 0)
}

// letGo asks for the token only: the lane may have become that of deletion, which waits for this.
func (s *Store) letGo(ctx context.Context, m Media, nowMs, dueMs int64, hold, back int) error {
	r := s.Write.WithContext(ctx).Exec(
		`UPDATE video_media SET due_ms = CASE WHEN lane = ? THEN ? ELSE ? END,
			attempts = CASE WHEN lane = ? THEN attempts - ? ELSE attempts END, hold = ?, token = ''
			WHERE video_id = ? AND token = ?`,
		m.Lane, dueMs, nowMs, m.Lane, back, hold, m.VideoID, m.Token)
	return leased(r, "let go")
}

// Skip leaves out a step of a listed video for a reason that its author is shown in the end, and lets go of the row: the
// other steps are due at once.
func (s *Store) Skip(ctx context.Context, m Media, step int, reason string, nowMs int64) error {
	if m.Reason != "" { // of a step that was left out before
		reason = m.Reason
	}
	return s.Tx(ctx, func(tx *gorm.DB) error {
		next := m
		next.Todo, next.Hold, next.Reason, next.Attempts, next.DueMs, next.Token = m.Todo&^step, 0, reason, 0, nowMs, ""
		if lane := LaneOf(next.Todo); m.Lane != LaneBackfill && m.Lane != lane {
			if err := s.enqueue(tx, &next, lane); err != nil {
				return err
			}
		}
		r := held(tx, m).Select("todo", "reason", "lane", "hold", "turn", "attempts", "due_ms", "token").Updates(next)
		return leased(r, "skip")
	})
}

// GiveUp ends the work on a row for a reason that its author is shown. What was never listed is deleted at forgetMs.
func (s *Store) GiveUp(ctx context.Context, m Media, reason string, forgetMs int64) error {
	next := m
	next.State, next.Lane, next.Token, next.DueMs = StateFailed, LaneNone, "", Never
	if m.Listed == 0 {
		next.DueMs = forgetMs
	}
	if m.Reason == "" { // else that of a step that was left out before
		next.Reason = reason
	}
	return s.change(ctx, func(tx *gorm.DB) ([]Change, error) {
		r := held(tx, m).Select("state", "reason", "lane", "due_ms", "token").Updates(next)
		return []Change{uploadChange(m, next)}, leased(r, "give up")
	})
}

// Expire marks for deletion what has failed, was never listed, and is past the time that GiveUp has set.
func (s *Store) Expire(ctx context.Context, nowMs int64) (rows int64, err error) {
	for {
		n := 0
		err := s.change(ctx, func(tx *gorm.DB) ([]Change, error) {
			var gone []Media
			expired := s.ForUpdate(tx).Where(expiredSQL, LaneNone, nowMs).Order("due_ms")
			if err := expired.Limit(expireRows).Find(&gone).Error; err != nil {
				return nil, err
			}
			if n = len(gone); n == 0 {
				return nil, nil
			}
			ids, told := make([]int64, n), make([]Change, n)
			for i, m := range gone {
				ids[i], told[i] = m.VideoID, Change{Media: m, Deleted: true}
			}
			return told, tx.Exec(expireSQL, StateDeleting, LaneDelete, s.tells(), ids).Error
		})
		if err != nil {
			return rows, fmt.Errorf("expire: %w", err)
		}
		if rows += int64(n); n < expireRows {
			return rows, nil
		}
	}
}

// Work is what there is to do in a lane.
type Work struct {
	Lane int `gorm:"column:lane"`
	// Rows counts also what is being worked on.
	Rows int64 `gorm:"column:n"`
	// SinceMs is since when a row is due that nobody has taken up; in the future, or Never, when there is none.
	SinceMs int64 `gorm:"column:due"`
}

// CountWork counts the rows of each lane with work to do.
func (s *Store) CountWork(ctx context.Context) (map[int]Work, error) {
	var rows []Work
	lanes := []int{LaneDelete, LaneTranscode, LaneImprove, LaneCover, LaneBackfill}
	if err := s.Read.WithContext(ctx).Raw(waitingSQL, lanes).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("count work: %w", sqldb.Translate(err))
	}
	out := make(map[int]Work, len(lanes))
	for _, lane := range lanes {
		out[lane] = Work{Lane: lane, SinceMs: Never}
	}
	for _, r := range rows {
		out[r.Lane] = r
	}
	return out, nil
}

// held is the row of m as long as m's holder has it, and it is in the same lane.
func held(tx *gorm.DB, m Media) *gorm.DB {
	return tx.Model(&Media{}).Where("video_id = ? AND token = ? AND lane = ?", m.VideoID, m.Token, m.Lane)
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
