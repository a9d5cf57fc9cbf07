package view

import (
	"context"

	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/notice"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/coalesce"
)

// Notice is a notice with those who did it and what it is about.
type Notice struct {
	*notice.Notice
	// Actors did it, newest first.
	Actors []Profile
	// Video is the one that it leads to; nil when it leads to none, or when videos cannot be read now.
	Video *video.Video
	// Comment is the one that CommentId names; nil when it names none, or when comments cannot be read now.
	Comment *Comment
}

// Notices are the viewer's notices with all that they show, in the given order: 6 calls in 2 steps. Those whose video or comment is gone
// meanwhile are left out.
func (v *View) Notices(ctx context.Context, viewer int64, notices []*notice.Notice) ([]Notice, error) {
	if len(notices) == 0 {
		return nil, nil
	}
	about := v.subjects(ctx, notices)
	var who people
	shown := notices[:0:0]
	for _, n := range notices {
		if !about.exists(n) {
			continue
		}
		shown = append(shown, n)
		who.profiles = append(who.profiles, n.ActorIds...)
		if c := about.comments[n.CommentId]; c != nil {
			who.add(c)
		}
	}
	all, states, err := v.startPeople(ctx, viewer, &who).wait(v)
	if err != nil {
		return nil, err
	}
	out := make([]Notice, 0, len(shown))
	for _, n := range shown {
		if x := all.notice(states, &about, n); x.visible() {
			out = append(out, x)
		}
	}
	return out, nil
}

// visible reports whether the viewer sees a notice. It is the one place to leave out what certain users did.
func (n *Notice) visible() bool { return n.Kind == notice.Kind_UPLOAD || len(n.Actors) > 0 }

// notice is a notice with its users, as the one viewer sees them whose state it is.
func (all *parts) notice(states []viewerState, about *subjects, n *notice.Notice) Notice {
	out := Notice{Notice: n, Actors: make([]Profile, len(n.ActorIds)), Video: about.videos[n.VideoId]}
	for i, id := range n.ActorIds {
		out.Actors[i] = all.seenBy(states, id)
	}
	if c := about.comments[n.CommentId]; c != nil {
		x := all.comment(states, c)
		out.Comment = &x
	}
	return out
}

// subjects are what notices are about. A nil map says that it is not known.
type subjects struct {
	videos   map[int64]*video.Video
	comments map[int64]*interaction.Comment
}

// subjects reads what notices are about: 2 calls in 1 step. Both are optional.
func (v *View) subjects(ctx context.Context, notices []*notice.Notice) (s subjects) {
	var videos, comments []int64
	for _, n := range notices {
		if n.VideoId != 0 {
			videos = append(videos, n.VideoId)
		}
		if n.CommentId != 0 {
			comments = append(comments, n.CommentId)
		}
	}
	optionalCtx, cancel := context.WithTimeout(ctx, optionalTimeout)
	defer cancel()
	var pending coalesce.Pending[map[int64]*video.Video]
	if len(videos) > 0 { // without the deadline of an optional part: the call may be shared with requests that need theirs
		pending = v.videos.Start(ctx, coalesce.Distinct(videos))
	}
	if len(comments) > 0 {
		r, err := v.clients.Interaction.MGetComments(optionalCtx, &interaction.MGetCommentsRequest{CommentIds: coalesce.Distinct(comments)})
		if err == nil {
			s.comments = known(r.Comments)
		} else if ctx.Err() == nil {
			v.reportMissing(ctx, "comments", err)
		}
	}
	found, err := pending.Wait(optionalCtx)
	if err == nil {
		s.videos = known(found)
	} else if ctx.Err() == nil {
		v.reportMissing(ctx, "videos", err)
	}
	return s
}

// known is a map that is not nil.
func known[T any](m map[int64]T) map[int64]T {
	if m == nil {
		m = map[int64]T{}
	}
	return m
}

// exists reports whether what a notice is about is not gone. The video of an upload that failed may never have been listed.
func (s *subjects) exists(n *notice.Notice) bool {
	if n.VideoId != 0 && s.videos != nil && s.videos[n.VideoId] == nil && !n.Failed {
		return false
	}
	return n.CommentId == 0 || s.comments == nil || s.comments[n.CommentId] != nil
}
