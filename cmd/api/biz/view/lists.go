package view

import (
	"context"

	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/coalesce"
)

// Videos are videos with their authors, in the given order: 4 calls in 1 step, 5 with views.
func (v *View) Videos(ctx context.Context, viewer int64, videos []*video.Video) ([]Video, error) {
	return v.videosOf(ctx, viewer, videos, v.startViews(ctx, idsOf(videos)))
}

// videosOf is Videos for a caller that has started to read the views.
func (v *View) videosOf(ctx context.Context, viewer int64, videos []*video.Video, views pendingViews) ([]Video, error) {
	out, states, err := v.composeVideos(ctx, only(viewer), videos, views)
	for _, s := range states {
		s.apply(out)
	}
	return out, err
}

// VideosByID are the videos of ids that still exist, in that order: 5 calls in 2 steps, 6 with views.
func (v *View) VideosByID(ctx context.Context, viewer int64, ids []int64) ([]Video, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := v.videos.Start(ctx, ids).Wait(ctx)
	if err != nil {
		return nil, err
	}
	videos := make([]*video.Video, 0, len(ids))
	for _, id := range ids {
		if x := found[id]; x != nil {
			videos = append(videos, x)
		}
	}
	return v.Videos(ctx, viewer, videos)
}

// Published are an author's videos.
type Published struct {
	// Videos are the listed ones, newest first.
	Videos []Video
	// ShowsUploads says that the viewer is the author and the work on media is known: then Videos have their Upload, and
	// Processing are the uploads that are not listed yet.
	ShowsUploads bool
	Processing   []*video.Upload
}

// Published are an author's videos, for the author also the work on their media: 5 calls in 2 steps, and 1 before them for the
// author.
func (v *View) Published(ctx context.Context, viewer, author int64) (p Published, err error) {
	var uploads []*video.Upload
	if author == viewer { // before the list: an upload that is listed meanwhile is in both, not in none
		uploads, p.ShowsUploads = v.Uploads(ctx, author)
	}
	r, err := v.clients.Video.ListByAuthor(ctx, &video.ListByAuthorRequest{
		AuthorId: author, Page: &common.Page{Limit: common.MAX_BATCH}, Fresh: p.ShowsUploads, // a cached list may be older than uploads
	})
	if err != nil {
		return Published{}, err
	}
	if p.Videos, err = v.Videos(ctx, viewer, r.Videos); err != nil || !p.ShowsUploads {
		return p, err
	}
	work := make(map[int64]*video.Upload, len(uploads))
	for _, u := range uploads {
		work[u.VideoId] = u
	}
	for i := range p.Videos {
		x := &p.Videos[i]
		x.Upload = work[x.Id]
		delete(work, x.Id)
	}
	for _, u := range uploads {
		if work[u.VideoId] != nil && !u.Listed { // a listed one was deleted a moment ago
			p.Processing = append(p.Processing, u)
		}
	}
	return p, nil
}

// Uploads are those of an author on which work is under way or has failed. known is false if they cannot be read.
func (v *View) Uploads(ctx context.Context, author int64) (uploads []*video.Upload, known bool) {
	optionalCtx, cancel := context.WithTimeout(ctx, optionalTimeout)
	defer cancel()
	r, err := v.clients.Video.ListUploads(optionalCtx, &video.ListUploadsRequest{AuthorId: author})
	if err != nil {
		if ctx.Err() == nil {
			v.reportMissing(ctx, "uploads", err)
		}
		return nil, false
	}
	return r.Uploads, true
}

// Friends are users with the latest message between each of them and the viewer, in the order of ids: 5 calls in 1 step.
func (v *View) Friends(ctx context.Context, viewer int64, ids []int64) ([]Friend, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	all := coalesce.Distinct(ids)
	pending := v.startParts(ctx, only(viewer), all, nil, nil)
	r, lastErr := v.clients.Chat.MGetLastMessages(pending.optionalCtx, &chat.MGetLastMessagesRequest{UserId: viewer, PeerIds: all})
	profiles, err := pending.profiles(v, ids)
	if err != nil {
		return nil, err
	}
	var last map[int64]*chat.Message
	if lastErr == nil {
		last = r.Messages
	} else if ctx.Err() == nil {
		v.reportMissing(ctx, "last messages", lastErr)
	}
	out := make([]Friend, len(ids))
	for i, p := range profiles {
		out[i] = Friend{Profile: p, LastMessage: last[p.ID]}
	}
	return out, nil
}

// Conversations are the viewer's conversations with their other users, in the given order: 4 calls in 1 step.
func (v *View) Conversations(ctx context.Context, viewer int64, conversations []*chat.Conversation) ([]Conversation, error) {
	peers := make([]int64, len(conversations))
	for i, c := range conversations {
		peers[i] = c.PeerId
	}
	profiles, err := v.Profiles(ctx, viewer, peers)
	if err != nil {
		return nil, err
	}
	out := make([]Conversation, len(conversations))
	for i, c := range conversations {
		out[i] = Conversation{Conversation: c, Profile: profiles[i]}
	}
	return out, nil
}
