package db

import (
	"context"

	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

// sweepRows is how many answers one transaction of Sweep deletes at most.
const sweepRows = 1000

// AddSweeps notes deleted comments whose answers are to be deleted.
func (t *Tx) AddSweeps(rows []Sweep) error {
	return createAll(t.tx.Clauses(sqldb.Upsert(clause.AssignmentColumns([]string{"video_id"}), "root_id")), rows)
}

// Sweeps are the deleted comments whose answers are not all deleted yet: those of ids, or up to 1000 of all when ids is nil.
func (s *Store) Sweeps(ctx context.Context, ids []int64) ([]Sweep, error) {
	read := s.Read.WithContext(ctx)
	if ids == nil {
		return sqldb.Select[Sweep](read, "FROM comment_sweeps ORDER BY root_id LIMIT ?", maxRows).All()
	}
	return sqldb.Select[Sweep](read, "FROM comment_sweeps WHERE root_id IN ?", ids).All()
}

// Sweep deletes up to 1000 answers of a deleted comment, the oldest first, with their part in every counter, and tells of
// them in the same transaction. It reports whether all are deleted, which ends the note. Several may sweep one thread at once,
// and stop at any time: what is done is found done. No answer is added meanwhile: whoever adds one locks the deleted comment's
// row and looks at it.
func (s *Store) Sweep(ctx context.Context, w Sweep, tell Tell) (done bool, err error) {
	err = s.Update(ctx, func(tx *Tx) error {
		done, err = tx.sweep(w, tell)
		return err
	})
	return done && err == nil, err
}

func (t *Tx) sweep(w Sweep, tell Tell) (done bool, err error) {
	roots, err := t.Comments([]int64{w.RootID}) // locked before its answers, as everywhere
	if err != nil {
		return false, err
	}
	var ids []int64
	err = t.tx.Model(&Comment{}).Where("video_id = ? AND root_id = ? AND deleted = ?", w.VideoID, w.RootID, false).
		Order("id").Limit(sweepRows).Pluck("id", &ids).Error
	if err != nil {
		return false, err
	}
	rows, err := t.Comments(ids)
	if err != nil {
		return false, err
	}
	ids, deleted := standing(ids, rows)
	if len(ids) > 0 {
		if err := t.DeleteComments(ids, roots[w.RootID].DeletedEvent); err != nil {
			return false, err
		}
		n := int64(len(ids))
		if err := t.AddCommentCounts([]Comment{{ID: w.RootID, VideoID: w.VideoID, Deleted: true, ReplyCount: -n}}); err != nil {
			return false, err
		}
		if err := t.AddVideoStats([]VideoStats{{VideoID: w.VideoID, CommentCount: -n}}); err != nil {
			return false, err
		}
		if err := t.tell(tell.Comments(deleted)); err != nil {
			return false, err
		}
	}
	if len(ids) == sweepRows {
		return false, nil
	}
	// Others may have deleted some of them: with the video.
	err = t.tx.Model(&Comment{}).Where("id = ? AND deleted = ?", w.RootID, true).Updates(map[string]any{"reply_count": 0}).Error
	if err != nil {
		return false, err
	}
	return true, t.tx.Delete(&Sweep{RootID: w.RootID}).Error
}
