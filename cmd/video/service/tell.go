package service

import (
	"tiktok/cmd/internal/events"
	"tiktok/cmd/internal/mentions"
	"tiktok/cmd/video/dal/db"
	"tiktok/kitex_gen/event"
	"tiktok/pkg/outbox"
)

// messages are what other services are told of changes.
func messages(changes []db.Change) ([]outbox.Message, error) {
	var videos, uploads []*event.Event
	for _, c := range changes {
		m := c.Media
		if v := c.Listed; v != nil {
			videos = append(videos, &event.Event{VideoListed: &event.VideoListed{
				VideoId: v.ID, AuthorId: v.AuthorID, Title: v.Title, MentionedUserIds: mentions.Split(v.Mentions), PublishedAtMs: v.PublishedAtMs,
			}})
		}
		if c.Files {
			videos = append(videos, &event.Event{VideoChanged: &event.VideoChanged{VideoId: m.VideoID, AuthorId: m.AuthorID}})
		}
		if c.Deleted {
			videos = append(videos, &event.Event{VideoDeleted: &event.VideoDeleted{
				VideoId: m.VideoID, AuthorId: m.AuthorID, MentionedUserIds: mentions.Split(m.Mentions),
			}})
		}
		if c.Upload {
			u := &event.UploadStateChanged{
				VideoId: m.VideoID, AuthorId: m.AuthorID, State: int32(m.State), Title: m.Title,
				Listed: m.Listed != 0, Transcoded: m.Plan&db.StepTranscode != 0,
			}
			if m.State == db.StateFailed { // as ListUploads: until then it may be tried again
				u.Reason = m.Reason
			}
			uploads = append(uploads, &event.Event{UploadStateChanged: u})
		}
	}
	all, err := events.Messages(event.TOPIC_VIDEO, videos...)
	if err != nil {
		return nil, err
	}
	more, err := events.Messages(event.TOPIC_UPLOAD, uploads...)
	return append(all, more...), err
}
