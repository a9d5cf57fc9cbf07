package v1

import (
	"context"
	"fmt"
	"slices"

	"tiktok/cmd/api/biz/call"
	model "tiktok/cmd/api/biz/model/v1"
	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/view"
	"tiktok/kitex_gen/notice"
)

// ListNotices is the viewer's notices, newest first. A page has fewer than limit when what some are about is gone.
func (a *API) ListNotices(ctx context.Context, in *call.Call) (any, error) {
	page, err := page(in)
	if err != nil {
		return nil, err
	}
	r, err := a.shared.Clients.Notice.ListNotices(ctx, &notice.ListNoticesRequest{UserId: in.Viewer, Page: page})
	if err != nil {
		return nil, err
	}
	notices, err := a.view.Notices(ctx, in.Viewer, r.Notices)
	if err != nil {
		return nil, err
	}
	notices = slices.DeleteFunc(notices, func(n view.Notice) bool { return kindName(n.Kind) == "" })
	items := pack.Each(notices, func(n *view.Notice) *model.Notice { return renderNotice(in.Base, n) })
	return &model.NoticePage{Items: items, NextCursor: r.NextCursor}, nil
}

// MarkNoticesRead marks the viewer's notices as read.
func (a *API) MarkNoticesRead(ctx context.Context, in *call.Call) (any, error) {
	var req model.MarkNoticesReadRequest
	if err := body(in, &req); err != nil {
		return nil, err
	}
	until, err := parseUntil(req.Until)
	if err != nil {
		return nil, err
	}
	_, err = a.shared.Clients.Notice.MarkRead(ctx, &notice.MarkReadRequest{UserId: in.Viewer, UntilMs: until})
	return nil, err
}

// GetNoticeSettings is what the viewer wants to hear of.
func (a *API) GetNoticeSettings(ctx context.Context, in *call.Call) (any, error) {
	r, err := a.shared.Clients.Notice.GetPreferences(ctx, &notice.GetPreferencesRequest{UserId: in.Viewer})
	if err != nil {
		return nil, err
	}
	return renderNoticeSettings(r.Muted), nil
}

// SetNoticeSettings replaces what the viewer wants to hear of.
func (a *API) SetNoticeSettings(ctx context.Context, in *call.Call) (any, error) {
	var req model.NoticeSettings
	if err := body(in, &req); err != nil {
		return nil, err
	}
	if req.MutedKinds == nil {
		return nil, missing("muted_kinds")
	}
	muted := make([]notice.Kind, 0, len(req.MutedKinds))
	for _, name := range req.MutedKinds {
		kind, ok := kindOf(name)
		if !ok {
			return nil, invalid("muted_kinds holds a kind that does not exist")
		}
		muted = append(muted, kind)
	}
	slices.Sort(muted)
	muted = slices.Compact(muted)
	if _, err := a.shared.Clients.Notice.SetPreferences(ctx, &notice.SetPreferencesRequest{UserId: in.Viewer, Muted: muted}); err != nil {
		return nil, err
	}
	return renderNoticeSettings(muted), nil
}

// kinds are the names of the kinds of notices, which begin with 1.
func kinds() []string {
	return []string{"like", "comment", "reply", "mention", "follow", "comment_like", "upload"}
}

// kindName is the name of a kind, "" for one that only later versions know.
func kindName(k notice.Kind) string {
	if names := kinds(); k >= 1 && int(k) <= len(names) {
		return names[k-1]
	}
	return ""
}

func kindOf(name string) (notice.Kind, bool) {
	i := slices.Index(kinds(), name)
	return notice.Kind(i + 1), i >= 0
}

// renderNotice renders a notice; base starts its URLs.
func renderNotice(base string, n *view.Notice) *model.Notice {
	kind := kindName(n.Kind)
	out := &model.Notice{
		ID: fmt.Sprintf("%s-%d", kind, n.SubjectId), Kind: kind, Actors: renderUsers(base, n.Actors), Count: n.Count,
		At: timestamp(n.NewestAtMs_), IsUnread: n.Unread, Reason: n.Reason, Title: n.Title,
	}
	if v := n.Video; v != nil {
		out.Video = renderRef(base, v)
	}
	if n.Comment != nil {
		out.Comment = renderComment(base, n.Comment)
	}
	if n.Kind == notice.Kind_UPLOAD {
		out.State = "ready"
		if n.Failed {
			out.State = "failed"
		}
	}
	return out
}

func renderNoticeSettings(muted []notice.Kind) *model.NoticeSettings {
	muted = slices.DeleteFunc(muted, func(k notice.Kind) bool { return kindName(k) == "" })
	return &model.NoticeSettings{MutedKinds: pack.Each(muted, func(k *notice.Kind) string { return kindName(*k) })}
}
