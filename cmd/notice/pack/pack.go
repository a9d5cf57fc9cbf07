// Package pack turns rows of notices into those of notice.thrift.
package pack

import (
	"slices"

	"tiktok/cmd/notice/dal/db"
	"tiktok/kitex_gen/notice"
)

// Notices packs a page for its reader. entries are the newest of each notice, newest first.
func Notices(reader db.Reader, notices []db.Notice, entries map[db.Key][]db.Entry) []*notice.Notice {
	packed := make([]*notice.Notice, len(notices))
	for i, n := range notices {
		newest := entries[n.Key]
		packed[i] = &notice.Notice{
			Kind: notice.Kind(n.Kind), SubjectId: n.SubjectID, VideoId: n.VideoID, Count: n.Entries, ActorIds: actors(n.Kind, newest),
			CommentId: comment(n, newest), NewestAtMs_: n.NewestMs, Unread: n.NewestMs > reader.SeenMs,
			Failed: n.Failed, Reason: n.Reason, Title: n.Title,
		}
	}
	return packed
}

// actors are those who did the newest entries, each once.
func actors(kind int, newest []db.Entry) []int64 {
	ids := []int64{}
	if kind == db.KindUpload {
		return ids
	}
	for _, e := range newest {
		if len(ids) < int(notice.MAX_ACTORS) && !slices.Contains(ids, e.ActorID) {
			ids = append(ids, e.ActorID)
		}
	}
	return ids
}

// comment is the comment that a notice leads to.
func comment(n db.Notice, newest []db.Entry) int64 {
	switch n.Kind {
	case db.KindComment, db.KindReply, db.KindMention:
		if len(newest) > 0 {
			return newest[0].EntryID
		}
	case db.KindCommentLike:
		return n.SubjectID
	}
	return 0
}

// Muted are the kinds that a reader does not want, ascending.
func Muted(r db.Reader) []notice.Kind {
	kinds := []notice.Kind{}
	for kind := 1; kind <= db.Kinds; kind++ {
		if r.Mutes(kind) {
			kinds = append(kinds, notice.Kind(kind))
		}
	}
	return kinds
}
