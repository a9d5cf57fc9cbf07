package service

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/pkg/id"
)

// threads is what a batch makes of comments, answers and likes of comments. Events may come in any order, so an answer or a
// like may be stored before its comment: then a placeholder counts it (db.Placeholder), and the comment takes its place.
//
// The end is the same in every order:
//
//   - A deletion is final.
//   - The deletion of a comment that began a thread takes every answer: those that are stored by a sweep after the commit
//     (Service.sweep), those that come later are stored as deleted ones. Both hold the row of that comment, so none gets between.
//   - The deletion of an answer takes nothing else: what answers it stays, whether it was stored before or comes later.
//   - A like of a deleted comment is dropped; one that is stored stays until the comment is purged, and shows nowhere.
type threads struct {
	// commentIDs are the comments that the events are about, but those whose request was carried out before.
	commentIDs []int64
	// rows are all comments that matter, locked, as they are after what was decided so far.
	rows           map[int64]db.Comment
	inserts, fills []db.Comment
	deletes        []int64
	deletedBy      int64 // the newest event that deletes
	// counts are what to add to comments.
	counts map[int64]*db.Comment
	sweeps []db.Sweep
}

// otherRoots is the error of a change that deletes answers whose threads it did not know, so that it could not lock them first:
// they began with these comments.
type otherRoots []int64

// Error implements error.
func (o otherRoots) Error() string { return fmt.Sprintf("%d more threads change", len(o)) }

// learn makes the next write lock the comments that began these threads.
func (c *change) learn(o otherRoots) {
	for _, root := range o {
		c.roots[root] = true
	}
}

func (c *change) writeThreads(tx *db.Tx, t *tally, n *news) error {
	if len(c.commentIDs)+len(c.commentLikeKeys) == 0 {
		return nil
	}
	commentIDs, err := c.writeKeys(tx)
	if err != nil {
		return err
	}
	likes, err := tx.CommentLikes(c.commentLikeKeys)
	if err != nil {
		return err
	}
	w := &threads{commentIDs: commentIDs, counts: map[int64]*db.Comment{}}
	if err := c.lockComments(tx, w, t); err != nil {
		return err
	}
	if err := c.decideComments(w, t, n); err != nil {
		return err
	}
	inserts, updates := c.decideCommentLikes(w, likes, n)
	if err := w.write(tx); err != nil {
		return err
	}
	if err := tx.InsertCommentLikes(inserts); err != nil {
		return err
	}
	return tx.UpdateCommentLikes(updates)
}

// lockComments reads and locks the comments that the change is about, with those that began their threads, in the order of
// their ids. Those that something will be counted for, and that are not there, get a placeholder.
func (c *change) lockComments(tx *db.Tx, w *threads, t *tally) (err error) {
	ids, parents := maps.Clone(c.roots), map[int64]int64{}
	for _, commentID := range w.commentIDs {
		ids[commentID] = true
		for _, e := range c.comments[commentID] {
			if root := e.Comment.RootID; root != 0 && !e.Comment.Deleted {
				parents[root] = e.VideoID
			}
		}
	}
	for _, key := range c.commentLikeKeys {
		ids[key.CommentID] = true
		parents[key.CommentID] = c.commentLikes[key][0].VideoID
	}
	if w.rows, err = tx.Comments(slices.Sorted(maps.Keys(ids))); err != nil {
		return err
	}
	for _, key := range c.commentLikeKeys {
		// If there is no comment, perhaps because its video is deleted: only the video's counters tell.
		e := c.commentLikes[key][0]
		if _, there := w.rows[key.CommentID]; !there && e.AuthorID > 0 {
			t.video(e.VideoID, e.AuthorID)
		}
	}
	var missing []db.Comment
	for _, parent := range slices.Sorted(maps.Keys(parents)) {
		_, there := w.rows[parent]
		if _, comes := c.comments[parent]; !there && !comes {
			missing = append(missing, db.Placeholder(parent, parents[parent]))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if err := tx.AddCommentCounts(missing); err != nil {
		return err
	}
	again := make([]int64, len(missing))
	for i, row := range missing {
		again[i] = row.ID
	}
	rows, err := tx.Comments(again) // somebody may have stored one meanwhile
	maps.Copy(w.rows, rows)
	return err
}

// decideComments goes through comments by id: what began a thread comes before its answers.
func (c *change) decideComments(w *threads, t *tally, n *news) error {
	var unknown otherRoots
	for _, commentID := range w.commentIDs {
		events := c.comments[commentID]
		row := decideComment(events)
		old, exists := w.rows[commentID]
		switch {
		case !old.Stored():
			if root := w.rows[row.RootID]; !row.Deleted && root.Gone() {
				c.refused += len(events)
				row = deleted(row) // so that its likes, which come in any order too, find it
				row.DeletedEvent = max(root.DeletedEvent, events[len(events)-1].ID)
			}
			w.store(row, old, exists)
			if !row.Deleted {
				t.comment(row, +1)
				n.comment(row, false)
			}
		case row.Deleted && !old.Deleted:
			if old.RootID != 0 && !c.roots[old.RootID] {
				unknown = append(unknown, old.RootID)
				continue
			}
			w.delete(old, row.DeletedEvent)
			t.comment(old, -1)
			n.comment(old, true)
		}
	}
	if len(unknown) > 0 {
		return unknown
	}
	return nil
}

// store adds a comment, or the mark of a deleted one, in the place of old if there is a row.
func (w *threads) store(row, old db.Comment, exists bool) {
	if exists {
		w.fills = append(w.fills, row)
		row.LikeCount, row.ReplyCount = old.LikeCount, old.ReplyCount
	} else {
		w.inserts = append(w.inserts, row)
	}
	w.rows[row.ID] = row
	switch {
	case !row.Deleted && row.RootID != 0:
		w.count(row.RootID).ReplyCount++
	case row.Deleted && row.ReplyCount > 0: // its answers came before its deletion
		w.sweeps = append(w.sweeps, db.Sweep{RootID: row.ID, VideoID: row.VideoID})
	}
}

// delete deletes a stored comment.
func (w *threads) delete(old db.Comment, event int64) {
	w.deletes, w.deletedBy = append(w.deletes, old.ID), max(w.deletedBy, event)
	w.rows[old.ID] = deleted(old)
	if old.RootID != 0 {
		w.count(old.RootID).ReplyCount--
	} else if old.ReplyCount > 0 {
		w.sweeps = append(w.sweeps, db.Sweep{RootID: old.ID, VideoID: old.VideoID})
	}
}

// deleted is the comment when it is deleted.
func deleted(row db.Comment) db.Comment {
	row.Deleted, row.Content = true, ""
	return row
}

// count is what to add to a comment.
func (w *threads) count(commentID int64) *db.Comment {
	row := w.counts[commentID]
	if row == nil {
		row = &db.Comment{}
		w.counts[commentID] = row
	}
	return row
}

func (c *change) decideCommentLikes(
	w *threads, rows map[db.CommentLikeKey]db.CommentLike, n *news,
) (inserts, updates []db.CommentLike) {
	for _, key := range c.commentLikeKeys {
		events := c.commentLikes[key]
		if comment := w.rows[key.CommentID]; comment.Gone() {
			c.refused += len(events)
			continue
		}
		old, exists := rows[key]
		if !exists {
			old = db.CommentLike{UserID: key.UserID, CommentID: key.CommentID, VideoID: events[0].VideoID}
		}
		row := decideCommentLike(old, events)
		switch {
		case row == old:
			continue
		case exists:
			updates = append(updates, row)
		default:
			inserts = append(inserts, row)
		}
		if row.Liked != old.Liked {
			by := int64(-1)
			if row.Liked {
				by = +1
			}
			w.count(key.CommentID).LikeCount += by
		}
		if isNews(old.Liked, row.Liked, old.LikedEvent, row.LikedEvent) {
			n.commentLike(row, events[0].CommentLike.ToUserID)
		}
	}
	return inserts, updates
}

// write stores what was decided.
func (w *threads) write(tx *db.Tx) error {
	for i := range w.inserts {
		row := &w.inserts[i]
		if by, counted := w.counts[row.ID]; counted {
			row.LikeCount, row.ReplyCount = by.LikeCount, by.ReplyCount
			delete(w.counts, row.ID)
		}
	}
	if err := tx.InsertComments(w.inserts); err != nil {
		return err
	}
	if err := tx.FillComments(w.fills); err != nil {
		return err
	}
	if err := tx.DeleteComments(w.deletes, w.deletedBy); err != nil {
		return err
	}
	var counts []db.Comment
	for _, commentID := range slices.Sorted(maps.Keys(w.counts)) {
		row, by := w.rows[commentID], w.counts[commentID]
		row.LikeCount, row.ReplyCount = by.LikeCount, by.ReplyCount
		if by.LikeCount != 0 || by.ReplyCount != 0 {
			counts = append(counts, row)
		}
	}
	if err := tx.AddCommentCounts(counts); err != nil {
		return err
	}
	return tx.AddSweeps(w.sweeps)
}

// decideComment is the row that a comment's events make where there is none. A deletion is final: it wins over every
// creation, also one that comes later.
func decideComment(events []mq.Event) db.Comment {
	for _, e := range events {
		if e.Comment.Deleted {
			return commentRow(e)
		}
	}
	return commentRow(events[0])
}

// commentRow is the row that one event makes.
func commentRow(e mq.Event) db.Comment {
	row := db.Comment{
		ID:            e.Comment.CommentID,
		VideoID:       e.VideoID,
		UserID:        e.UserID,
		Content:       e.Comment.Content,
		CreatedAtMs:   id.Time(e.Comment.CommentID).UnixMilli(),
		Deleted:       e.Comment.Deleted,
		RootID:        e.Comment.RootID,
		ReplyToID:     e.Comment.ReplyToID,
		ReplyToUserID: e.Comment.ReplyToUserID,
		AuthorID:      e.AuthorID,
		Mentions:      mentionsColumn(e.Comment.Mentions),
	}
	if row.Deleted {
		row.DeletedEvent = e.ID
	}
	return row
}

// deletedRoots are the comments that the change deletes and that may have begun a thread.
func (c *change) deletedRoots() []int64 {
	var roots []int64
	for _, commentID := range c.commentIDs {
		if row := decideComment(c.comments[commentID]); row.Deleted && row.RootID == 0 {
			roots = append(roots, commentID)
		}
	}
	return roots
}

// mentionsColumn writes ids of users with commas between.
func mentionsColumn(ids []int64) string {
	texts := make([]string, len(ids))
	for i, user := range ids {
		texts[i] = strconv.FormatInt(user, 10)
	}
	return strings.Join(texts, ",")
}
