package service

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/cmd/interaction/dal/pending"
	"tiktok/cmd/interaction/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
)

// view is what one viewer sees of a video's comments: as they are when all that the viewer has pending is stored.
type view struct {
	viewer, videoID int64
	// at reads what is stored, at one moment if something is pending.
	at *db.Store
	o  *overlay
	// own are the comments that are not stored yet.
	own []db.Comment
	// deletions is how many comments the viewer has deleted that may still be stored.
	deletions int
}

// view calls fn with what the viewer sees on a page; 0 is a visitor, whose pages behind the first are read from a replica.
func (s *Service) view(ctx context.Context, viewer, videoID int64, page *common.Page, fn func(v *view) error) error {
	var events []mq.Event
	if viewer > 0 {
		found := s.readPending(ctx, pending.Comments(viewer), pending.Reactions(viewer))
		events = slices.Concat(found[pending.Comments(viewer)], found[pending.Reactions(viewer)])
		events = slices.DeleteFunc(events, func(e mq.Event) bool { return e.VideoID != videoID })
		slices.SortFunc(events, func(a, b mq.Event) int { return cmp.Compare(a.ID, b.ID) })
	}
	v := &view{viewer: viewer, videoID: videoID, at: s.store, o: newOverlay(nil, nil, nil, nil)}
	if viewer == 0 && page != nil && page.GetCursor() != "" {
		v.at = db.New(s.store.Behind())
	}
	if len(events) == 0 {
		return fn(v)
	}
	_, err := s.overlay(ctx, events, func(at *db.Store, o *overlay) error {
		v.at, v.o = at, o
		for _, e := range events {
			if e.Comment != nil && e.Comment.Deleted {
				v.deletions++
			}
		}
		for _, e := range o.notStored {
			if e.Comment == nil || e.Comment.Deleted {
				continue
			}
			row := commentRow(e)
			row.LikeCount, row.ReplyCount = o.comments[row.ID].LikeCount, o.comments[row.ID].ReplyCount
			if !v.hides(row) {
				v.own = append(v.own, row)
			}
		}
		return fn(v)
	})
	return err
}

// hides reports whether the viewer has deleted the comment, or the thread that it is in.
func (v *view) hides(row db.Comment) bool {
	return v.o.comments[row.ID].Gone() || row.RootID != 0 && v.o.swept[userComment{v.viewer, row.RootID}]
}

// list reads up to limit comments in the order of less: stored ones that the viewer has not deleted, and the viewer's own.
// read reads up to n stored ones, from the beginning of the page if last is nil, else behind last. keep chooses the comments
// of the page.
func (v *view) list(
	limit int, read func(last *db.Comment, n int) ([]db.Comment, error), keep func(db.Comment) bool, compare func(a, b db.Comment) int,
) ([]db.Comment, error) {
	var rows []db.Comment
	for last := (*db.Comment)(nil); len(rows) < limit; {
		n := limit - len(rows) + v.deletions
		page, err := read(last, n)
		if err != nil {
			return nil, err
		}
		for _, row := range page {
			if !v.hides(row) && keep(row) {
				rows = append(rows, row)
			}
		}
		if len(page) < n {
			break
		}
		last = &page[n-1]
	}
	for _, row := range v.own {
		if keep(row) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, compare)
	return rows[:min(len(rows), limit)], nil
}

// newestFirst is the order of the list of all comments and of threads.
func newestFirst(a, b db.Comment) int { return cmp.Compare(b.ID, a.ID) }

// topFirst is the order of threads by likes.
func topFirst(a, b db.Comment) int {
	return cmp.Or(cmp.Compare(b.LikeCount, a.LikeCount), newestFirst(a, b))
}

// oldestFirst is the order of answers.
func oldestFirst(a, b db.Comment) int { return cmp.Compare(a.ID, b.ID) }

// root is a comment that began a thread of the video, as the viewer sees it, without its content; ok is false when there is
// none or it is deleted.
func (v *view) root(ctx context.Context, commentID int64) (row db.Comment, ok bool, err error) {
	row, known := v.o.comments[commentID]
	if !known {
		rows, err := v.at.CommentRows(ctx, []int64{commentID})
		if err != nil {
			return row, false, err
		}
		row = rows[commentID]
	}
	return row, row.Stored() && !row.Deleted && row.RootID == 0 && row.VideoID == v.videoID, nil
}

// pin is what is pinned, as the viewer sees it: perhaps a comment that is deleted, or not stored. 0 is none.
func (v *view) pin(ctx context.Context, s *Service) (commentID int64, err error) {
	pin, known := v.o.pins[v.videoID]
	if !known {
		rows, err := v.at.PinRows(ctx, []int64{v.videoID})
		if err != nil {
			return 0, err
		}
		pin = rows[v.videoID]
	}
	s.ids.Observe(pin.LastEvent)
	return pin.CommentID, nil
}

// full is a comment that began a thread of the video, with its content; ok is false when the viewer does not see it.
func (v *view) full(ctx context.Context, commentID int64) (row db.Comment, ok bool, err error) {
	for _, row := range v.own {
		if row.ID == commentID {
			return row, row.RootID == 0, nil
		}
	}
	rows, err := v.at.FullComments(ctx, []int64{commentID})
	if err != nil {
		return row, false, err
	}
	row, ok = rows[commentID]
	return row, ok && !v.hides(row) && row.RootID == 0 && row.VideoID == v.videoID, nil
}

// pack makes the answer of rows: with the counts that the viewer sees, and what the viewer likes.
func (v *view) pack(ctx context.Context, s *Service, rows []db.Comment) ([]*interaction.Comment, error) {
	ids := make([]int64, len(rows))
	for i, row := range rows {
		rows[i].LikeCount += v.o.commentLikesBy[userComment{v.viewer, row.ID}]
		rows[i].ReplyCount += v.o.replies[userComment{v.viewer, row.ID}]
		ids[i] = row.ID
	}
	out := pack.Comments(rows)
	if v.viewer <= 0 {
		return out, nil
	}
	likes, err := v.at.CommentLikesOf(ctx, v.viewer, ids)
	if err != nil {
		return nil, err
	}
	for key, row := range v.o.commentLikes {
		likes[key.CommentID] = row
	}
	newest := int64(0)
	for like := range maps.Values(likes) {
		newest = max(newest, like.LastEvent)
	}
	s.ids.Observe(newest)
	for i, row := range rows {
		out[i].Liked = likes[row.ID].Liked
	}
	return out, nil
}

// comment is a comment as a user sees it, with the answers that it has for them, without its content; ok is false when there is
// none or it is deleted. Only the user's own are seen before they are stored.
func (s *Service) comment(ctx context.Context, userID, commentID int64) (row db.Comment, ok bool, err error) {
	list := pending.Comments(userID)
	events := s.readPending(ctx, list)[list]
	rows, err := s.store.CommentRows(ctx, []int64{commentID})
	if err != nil {
		return row, false, err
	}
	root := rows[commentID].RootID
	for _, e := range events {
		if e.Comment.CommentID == commentID {
			root = cmp.Or(root, e.Comment.RootID)
		}
	}
	if root != 0 {
		roots, err := s.store.CommentRows(ctx, []int64{root})
		if err != nil {
			return row, false, err
		}
		maps.Copy(rows, roots)
	}
	o := newOverlay(nil, rows, nil, nil)
	for _, e := range events {
		if c := e.Comment; c.CommentID == commentID || c.CommentID == root || c.RootID == commentID {
			o.add(e)
		}
	}
	row = o.comments[commentID]
	row.ReplyCount += o.replies[userComment{userID, commentID}]
	return row, row.Stored() && !row.Deleted && !o.goneFor(userID, root), nil
}
