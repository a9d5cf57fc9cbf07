package db

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

// users applies names.
func (a *application) users(users []User) error {
	if len(users) == 0 {
		return nil
	}
	ids := make([]int64, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	stored, err := sqldb.Map(sqldb.Select[User](a.tx, "FROM users WHERE id IN ?", ids), func(u User) int64 { return u.ID })
	if err != nil {
		return err
	}
	var rows []User
	var renamed []int64
	for _, u := range users {
		old, known := stored[u.ID]
		same := known && old.Name == u.Name && old.ShownName == u.ShownName && old.GoneMs == 0
		if a.force {
			same = same && u.GoneMs == 0 || u.GoneMs != 0 && (!known || old.GoneMs != 0)
			u.Seq = old.Seq
		}
		if known && old.Seq >= u.Seq && !a.force || a.force && same {
			a.old++
			continue
		}
		if u.ChangedSeq = old.ChangedSeq; !same {
			u.ChangedSeq = a.clock.Next()
			renamed = append(renamed, u.ID)
		}
		rows = append(rows, u)
	}
	if len(rows) == 0 {
		return nil
	}
	set := clause.AssignmentColumns([]string{"name", "shown_name", "gone_ms", "seq", "changed_seq"})
	if err := a.tx.Clauses(sqldb.Upsert(set, "id")).Create(&rows).Error; err != nil {
		return err
	}
	return a.rename(renamed)
}

// newestOfSQL reads the newest videos of an author.
const newestOfSQL = `SELECT * FROM (SELECT id FROM videos WHERE author_id = ? AND gone_ms = 0 ORDER BY published_ms DESC LIMIT ?) AS t`

// rename gives the newest videos of users whose names are others, or that were not known, new numbers: so they are found by these names.
func (a *application) rename(userIDs []int64) error {
	var ids []int64
	for part := range slices.Chunk(userIDs, maxUnion) {
		args := make([]any, 0, 2*len(part))
		for _, id := range part {
			args = append(args, id, maxRenamed)
		}
		type row struct{ ID int64 }
		query := sqldb.Rows[row]{Query: a.tx.Raw(sqldb.UnionAll(newestOfSQL, len(part)), args...)}
		if err := query.Each(func(r row) { ids = append(ids, r.ID) }); err != nil {
			return err
		}
	}
	slices.Sort(ids)
	for part := range slices.Chunk(ids, maxRows) {
		if err := renumber(a.tx, a.clock, part, nil); err != nil {
			return err
		}
	}
	return nil
}

// renumber gives videos, at most maxRows, new numbers. change may change their likes.
func renumber(tx *gorm.DB, clock *Clock, ids []int64, change func(v *Video)) error {
	rows, err := sqldb.Select[Video](tx, "FROM videos WHERE id IN ?", ids).All()
	if err != nil || len(rows) == 0 {
		return err
	}
	for i := range rows {
		rows[i].ChangedSeq = clock.Next()
		if change != nil {
			change(&rows[i])
		}
	}
	return tx.Clauses(sqldb.Upsert(clause.AssignmentColumns([]string{"likes", "changed_seq"}), "id")).Create(&rows).Error
}

// videos applies videos and their tags.
func (a *application) videos(videos []Video) error {
	if len(videos) == 0 {
		return nil
	}
	ids := make([]int64, len(videos))
	for i, v := range videos {
		ids[i] = v.ID
	}
	stored, err := sqldb.Map(sqldb.Select[Video](a.tx, "FROM videos WHERE id IN ?", ids), func(v Video) int64 { return v.ID })
	if err != nil {
		return err
	}
	var rows []Video
	for _, v := range videos {
		old, known := stored[v.ID]
		stands := known && old.GoneMs == 0
		switch {
		case a.force && v.GoneMs == 0 && (!stands || !sameVideo(old, v)): // it is listed, or listed otherwise, whatever was told
			if stands {
				a.done.Gone = append(a.done.Gone, old)
			}
			v.ChangedSeq, v.Likes = a.clock.Next(), old.Likes
			a.done.Listed = append(a.done.Listed, v)
		case known && (v.GoneMs == 0 || old.GoneMs != 0), a.force && v.GoneMs != 0 && !known:
			a.old++
			continue
		case v.GoneMs == 0:
			v.ChangedSeq = a.clock.Next()
			a.done.Listed = append(a.done.Listed, v)
		case known:
			old.GoneMs = v.GoneMs
			a.done.Gone = append(a.done.Gone, old)
			fallthrough
		default: // nothing is left of it but that it is gone
			v = Video{ID: v.ID, AuthorID: cmp.Or(old.AuthorID, v.AuthorID), GoneMs: v.GoneMs, ChangedSeq: a.clock.Next()}
		}
		rows = append(rows, v)
	}
	if len(rows) == 0 {
		return nil
	}
	set := clause.AssignmentColumns([]string{"author_id", "title", "tags", "published_ms", "likes", "gone_ms", "changed_seq"})
	if err := a.tx.Clauses(sqldb.Upsert(set, "id")).Create(&rows).Error; err != nil {
		return err
	}
	return a.tags(a.done.Listed, a.done.Gone)
}

// sameVideo reports whether two rows show the same.
func sameVideo(a, b Video) bool {
	return a.AuthorID == b.AuthorID && a.Title == b.Title && a.Tags == b.Tags && a.PublishedMs == b.PublishedMs
}

// VideoTag is that a listed video has a tag.
type VideoTag struct {
	Tag         string `gorm:"column:tag;primaryKey"`
	PublishedMs int64  `gorm:"column:published_ms;primaryKey;autoIncrement:false"`
	VideoID     int64  `gorm:"column:video_id;primaryKey;autoIncrement:false"`
}

// TableName is video_tags.
func (VideoTag) TableName() string { return "video_tags" }

// TagsOf are the tags of videos.
func TagsOf(videos []Video) (all []VideoTag) {
	for _, v := range videos {
		for tag := range strings.FieldsSeq(v.Tags) {
			all = append(all, VideoTag{Tag: tag, PublishedMs: v.PublishedMs, VideoID: v.ID})
		}
	}
	return all
}

// tags counts the tags of videos that are listed now, and of those that are gone.
func (a *application) tags(listed, gone []Video) error {
	counts := map[string]int64{}
	added, removed := TagsOf(listed), TagsOf(gone)
	for _, t := range added {
		counts[t.Tag]++
	}
	for _, t := range removed {
		counts[t.Tag]--
	}
	if err := deleteTags(a.tx, removed); err != nil {
		return err
	}
	for part := range slices.Chunk(added, maxRows) {
		if err := a.tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&part).Error; err != nil {
			return err
		}
	}
	var rows []Tag
	for _, tag := range slices.Sorted(maps.Keys(counts)) {
		if counts[tag] != 0 {
			rows = append(rows, Tag{Tag: tag, Videos: counts[tag], ChangedSeq: a.clock.Next()})
		}
	}
	set := append(a.Adding("videos"), clause.AssignmentColumns([]string{"changed_seq"})...)
	for part := range slices.Chunk(rows, maxRows) {
		if err := a.tx.Clauses(sqldb.Upsert(set, "tag")).Create(&part).Error; err != nil {
			return err
		}
	}
	return nil
}

// deleteTags removes tags of videos: each is one look into the primary key.
func deleteTags(tx *gorm.DB, all []VideoTag) error {
	for part := range slices.Chunk(all, maxTagKeys) {
		where, args := tagKeys(part)
		if err := tx.Exec("DELETE FROM video_tags WHERE "+where, args...).Error; err != nil {
			return err
		}
	}
	return nil
}

// maxTagKeys bounds tagKeys: MariaDB plans a list of keys in a time that grows with its square.
const maxTagKeys = 100

// tagKeys is a condition for these rows, at most maxTagKeys.
func tagKeys(all []VideoTag) (where string, args []any) {
	const one = "(tag = ? AND published_ms = ? AND video_id = ?)"
	for _, t := range all {
		args = append(args, t.Tag, t.PublishedMs, t.VideoID)
	}
	return strings.TrimSuffix(strings.Repeat(one+" OR ", len(all)), " OR "), args
}
