package db

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

// SetPopularity copies how many like videos, and how many follow users, at most maxRows each. What has hardly moved, by less than a
// twentieth, stays as it is: it would be indexed again for nothing. It returns how many have moved.
func (s *Store) SetPopularity(ctx context.Context, likes, followers map[int64]int64) (moved int, err error) {
	videos, users, err := s.moved(s.Read.WithContext(ctx), likes, followers)
	if err != nil || len(videos)+len(users) == 0 {
		return 0, err
	}
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		clock, err := s.LockClock(tx)
		if err != nil {
			return err
		}
		videos, users, err := s.moved(tx, likes, followers)
		if err != nil {
			return err
		}
		moved = len(videos) + len(users)
		for i := range videos {
			videos[i].Likes, videos[i].ChangedSeq = likes[videos[i].ID], clock.Next()
		}
		for i := range users {
			users[i].Followers, users[i].ChangedSeq = followers[users[i].ID], clock.Next()
		}
		if len(videos) > 0 {
			set := clause.AssignmentColumns([]string{"likes", "changed_seq"})
			if err := tx.Clauses(sqldb.Upsert(set, "id")).Create(&videos).Error; err != nil {
				return err
			}
		}
		if len(users) > 0 {
			set := clause.AssignmentColumns([]string{"followers", "changed_seq"})
			if err := tx.Clauses(sqldb.Upsert(set, "id")).Create(&users).Error; err != nil {
				return err
			}
		}
		return clock.Save(tx)
	})
	if err != nil {
		return 0, fmt.Errorf("copy popularity: %w", err)
	}
	return moved, nil
}

// moved are the rows of those whose popularity is another.
func (s *Store) moved(from *gorm.DB, likes, followers map[int64]int64) (videos []Video, users []User, err error) {
	if len(likes) > 0 {
		ids := slices.Sorted(maps.Keys(likes))
		err = sqldb.Select[Video](from, "FROM videos WHERE id IN ?", ids).Each(func(v Video) {
			if v.GoneMs == 0 && differs(v.Likes, likes[v.ID]) {
				videos = append(videos, v)
			}
		})
	}
	if len(followers) > 0 && err == nil {
		ids := slices.Sorted(maps.Keys(followers))
		err = sqldb.Select[User](from, "FROM users WHERE id IN ?", ids).Each(func(u User) {
			if u.GoneMs == 0 && differs(u.Followers, followers[u.ID]) {
				users = append(users, u)
			}
		})
	}
	return videos, users, err
}

// differs reports whether a count has moved by a twentieth or more.
func differs(old, count int64) bool {
	by := max(old, count) - min(old, count)
	return by > 0 && by*20 >= max(old, count)
}
