package db

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

const (
	// allSteps is every bit of a plan.
	allSteps = StepTranscode | StepCover | StepPreview | StepHLS

	lackingSQL = `SELECT video_id, plan, cover_drawn FROM video_media WHERE plan IN ? AND listed = 1 AND lane = 0
		ORDER BY plan DESC, listed DESC, lane DESC, video_id DESC LIMIT ?`

	// plan and lane are compared because another process may have been here meanwhile. What a video plays from takes the place of an
	// upload that is no more.
	backfillSQL = `UPDATE video_media SET plan = ?, todo = ?, lane = ?, hold = 0, turn = 0, state = ?, reason = '', progress = 0, attempts = 0,
			due_ms = ?, source_key = CASE WHEN source_key <> '' THEN source_key
				ELSE COALESCE((SELECT v.play_key FROM videos v WHERE v.id = video_media.video_id), '') END
		WHERE video_id IN ? AND plan = ? AND listed = 1 AND lane = 0`
)

// Backfill plans what was never planned for videos that are listed, of the steps given: they were uploaded while those could not be
// done. It takes up to limit rows, the newest uploads of a kind first, and returns how many wait in LaneBackfill now because of it; 0
// means that no video is left. Steps that have failed once are not planned again.
func (s *Store) Backfill(ctx context.Context, steps int, nowMs int64, limit int) (queued int64, err error) {
	plans := plansWithout(steps)
	if len(plans) == 0 || limit <= 0 {
		return 0, nil
	}
	rows, err := sqldb.Rows[Media]{Query: s.Read.WithContext(ctx).Raw(lackingSQL, plans, limit)}.All()
	if err != nil {
		return 0, fmt.Errorf("find videos without all work: %w", err)
	}
	type kind struct{ plan, todo int }
	kinds := map[kind][]int64{} // as many as there are sets of steps, at most
	for _, r := range rows {
		todo := steps &^ r.Plan &^ StepTranscode
		if r.CoverDrawn == 0 {
			todo &^= StepCover
		}
		k := kind{r.Plan, todo}
		kinds[k] = append(kinds[k], r.VideoID)
	}
	for k, ids := range kinds {
		// The upload of a transcode is gone: StepTranscode says that there is one to delete.
		plan := k.plan&^StepTranscode | k.todo
		n := int64(0)
		err := s.change(ctx, func(tx *gorm.DB) ([]Change, error) {
			var before []Media
			q := s.ForUpdate(tx).Where("video_id IN ? AND plan = ? AND listed = 1 AND lane = ?", ids, k.plan, LaneNone)
			if err := q.Order("video_id").Find(&before).Error; err != nil {
				return nil, err
			}
			told := make([]Change, len(before))
			for i, m := range before {
				now := m
				now.Plan, now.Todo, now.Lane, now.State, now.Reason = plan, k.todo, LaneBackfill, StateUploaded, ""
				told[i] = uploadChange(m, now)
			}
			n = int64(len(before))
			return told, tx.Exec(backfillSQL, plan, k.todo, LaneBackfill, StateUploaded, nowMs, ids, k.plan).Error
		})
		if err != nil {
			return queued, fmt.Errorf("plan work: %w", err)
		}
		queued += n
	}
	return queued, nil
}

// plansWithout is every plan that lacks one of the steps that each listed video gets.
func plansWithout(steps int) (plans []int) {
	for plan := range allSteps + 1 {
		if steps&(StepPreview|StepHLS)&^plan != 0 {
			plans = append(plans, plan)
		}
	}
	return plans
}
