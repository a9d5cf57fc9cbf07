// Package pack turns rows into messages.
package pack

import (
	"tiktok/cmd/internal/mentions"
	"tiktok/cmd/video/dal/db"
	"tiktok/kitex_gen/video"
)

// Video makes one message.
func Video(v db.Video) *video.Video {
	return &video.Video{
		Id: v.ID, AuthorId: v.AuthorID, Title: v.Title, PlayKey: v.PlayKey, CoverKey: v.CoverKey,
		PublishedAtMs: v.PublishedAtMs, DurationMs: v.DurationMs, SizeBytes: v.SizeBytes, WidthPx: v.WidthPx, HeightPx: v.HeightPx,
		HlsKey: v.HLSKey, PreviewKey: v.PreviewKey,
		MentionedUserIds: append([]int64{}, mentions.Split(v.Mentions)...),
	}
}

// Videos keeps the order; never nil.
func Videos(rows []db.Video) []*video.Video {
	out := make([]*video.Video, len(rows))
	for i, v := range rows {
		out[i] = Video(v)
	}
	return out
}

// ByID makes one message for each video.
func ByID(rows map[int64]db.Video) map[int64]*video.Video {
	out := make(map[int64]*video.Video, len(rows))
	for id, v := range rows {
		out[id] = Video(v)
	}
	return out
}

// Uploads keeps the order; never nil. The reason is shown only when nothing will be tried any more.
func Uploads(rows []db.Media) []*video.Upload {
	out := make([]*video.Upload, len(rows))
	for i, m := range rows {
		u := &video.Upload{
			VideoId: m.VideoID, Title: m.Title, State: video.UploadState(m.State), Progress: int32(m.Progress),
			Listed: m.Listed != 0, UploadedAtMs: m.CreatedAtMs, SourceKey: m.SourceKey,
		}
		if m.State == db.StateFailed {
			u.Reason = m.Reason
		}
		out[i] = u
	}
	return out
}
