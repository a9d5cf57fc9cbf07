package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"tiktok/config"
	"tiktok/pkg/auth"
	"tiktok/pkg/sqldb"
)

const (
	// maxUsers bounds the users who send requests, maxVideos the videos that are asked for.
	maxUsers, maxVideos = 100_000, 1_000_000
	// listMin and listMax are the lengths of the lists that are asked for, as a phone shows them on a page or two.
	listMin, listMax = 20, 30
	// friendsMin is that of friends, of whom people have fewer.
	friendsMin = 10
	// pageComments is the comments below the videos whose comments are asked for.
	pageComments = 20
	// maxLists bounds how many lists of a kind are asked for in turn.
	maxLists = 2000
	// accesses is the number of draws by popularity that requests take in turn, a power of two.
	accesses = 1 << 16
)

// dataset is what requests are made of: what is in the stores, as it is in them.
type dataset struct {
	// users are those who send requests, people all whom they look at.
	users  []caller
	people []int64
	videos []work
	// byFame and byViews are indexes into people and videos as often as somebody would come to them.
	byFame, byViews []int32
	lists
}

type caller struct {
	id    int64
	name  string
	token string
}

type work struct{ id, author int64 }

// lists are who and what has lists of a page or two.
type lists struct {
	works, favorites, following, followers, friends, comments []list
	chats                                                     []conversation
}

// list is whose it is and how many entries it has.
type list struct {
	ID int64
	N  int
}

// conversation is a user by index, another by id, and when the last message came.
type conversation struct {
	user   int
	peer   int64
	lastMs int64
}

// readDataset reads the data set that load has made and signs a token for each of active users, 0 is all, but maxUsers at
// most.
func readDataset(ctx context.Context, cfg config.Config, secret []byte, active int) (d *dataset, err error) {
	db := stores{}
	defer func() { err = errors.Join(err, db.close()) }()
	if err := db.open(ctx, cfg.DB); err != nil {
		return nil, err
	}
	d = &dataset{}
	if err := d.readUsers(ctx, db["user"], auth.NewTokens(secret, cfg.Auth.TokenTTL), active); err != nil {
		return nil, err
	}
	var videos []struct{ ID, AuthorID int64 }
	err = db["video"].Read.WithContext(ctx).
		Raw("SELECT id, author_id FROM videos WHERE play_key = ? ORDER BY id LIMIT ?", playKey, maxVideos).Scan(&videos).Error
	if err != nil {
		return nil, err
	}
	for _, v := range videos {
		d.videos = append(d.videos, work{v.ID, v.AuthorID})
	}
	if len(d.users) == 0 || len(d.videos) == 0 {
		return nil, errors.New("no data set is loaded")
	}
	d.byFame, d.byViews = popular(len(d.people), useFame, famePower), popular(len(d.videos), useVideos, videoPower)
	d.lists, err = readLists(ctx, db, d.users)
	return d, err
}

// readUsers takes all users, and as many all over the list as are active.
func (d *dataset) readUsers(ctx context.Context, db *sqldb.DB, tokens *auth.Tokens, active int) error {
	var rows []struct {
		ID       int64
		Username string
	}
	err := db.Read.WithContext(ctx).
		Raw("SELECT id, username FROM users WHERE username >= ? AND username < ? ORDER BY id", marked, marked+"~").Scan(&rows).Error
	if err != nil {
		return err
	}
	d.people = make([]int64, len(rows))
	for i, r := range rows {
		d.people[i] = r.ID
	}
	if active = min(cmp.Or(active, maxUsers), maxUsers, len(rows)); active == 0 {
		return nil
	}
	for n := range active {
		i := n * len(rows) / active
		token, err := tokens.Issue(rows[i].ID)
		if err != nil {
			return err
		}
		d.users = append(d.users, caller{id: rows[i].ID, name: rows[i].Username, token: token})
	}
	return nil
}

// popular is the draws of indexes below n by a power law. Neighbours of the list are not neighbours in popularity: the
// order is that of the likes and follows of the data set, as far as all of it is taken.
func popular(n int, use uint64, power float64) []int32 {
	rank, r, sample := source(use).Perm(n), source(useAccess), newSampler(n, power)
	draws := make([]int32, accesses)
	for i := range draws {
		draws[i] = int32(rank[sample.draw(r)])
	}
	return draws
}

// refresh reads the lists again, as they are after a scenario that writes.
func (d *dataset) refresh(ctx context.Context, cfg sqldb.Config) (err error) {
	db := stores{}
	defer func() { err = errors.Join(err, db.close()) }()
	if err := db.open(ctx, cfg); err != nil {
		return err
	}
	d.lists, err = readLists(ctx, db, d.users)
	return err
}

func readLists(ctx context.Context, db stores, users []caller) (l lists, err error) {
	read := func(service string, into *[]list, query string, args ...any) {
		if err != nil {
			return
		}
		if err = db[service].Read.WithContext(ctx).Raw(query+" LIMIT ?", append(args, maxLists)...).Scan(into).Error; err != nil {
			err = fmt.Errorf("read lists of %s: %w", service, err)
		}
	}
	const between = " BETWEEN ? AND ?"
	read("video", &l.works, "SELECT author_id AS id, work_count AS n FROM author_stats WHERE work_count"+between, listMin, listMax)
	read("interaction", &l.favorites, "SELECT user_id AS id, favorite_count AS n FROM user_stats WHERE favorite_count"+between, listMin, listMax)
	read("interaction", &l.comments, "SELECT video_id AS id, comment_count AS n FROM video_stats WHERE deleted = ? AND comment_count"+between,
		false, pageComments, pageComments)
	read("social", &l.following, "SELECT user_id AS id, follow_count AS n FROM social_stats WHERE follow_count"+between, listMin, listMax)
	read("social", &l.followers, "SELECT user_id AS id, follower_count AS n FROM social_stats WHERE follower_count"+between, listMin, listMax)
	if err != nil {
		return l, err
	}
	// About every third follows back, so the search need not go through all.
	const some = "SELECT user_id FROM social_stats WHERE follow_count >= ? AND follower_count >= ? ORDER BY follow_count + follower_count LIMIT ?"
	var candidates []int64
	err = db["social"].Read.WithContext(ctx).Raw(some, 3*friendsMin, friendsMin, maxLists).Scan(&candidates).Error
	if err != nil {
		return l, err
	}
	read("social", &l.friends, `SELECT f.user_id AS id, COUNT(*) AS n FROM follows f JOIN follows b ON b.user_id = f.to_user_id AND b.to_user_id = f.user_id
		WHERE f.user_id IN ? GROUP BY f.user_id HAVING COUNT(*) BETWEEN ? AND ?`, candidates, friendsMin, listMax)
	if err != nil {
		return l, err
	}
	l.chats, err = readChats(ctx, db["chat"], users)
	return l, err
}

func readChats(ctx context.Context, db *sqldb.DB, users []caller) ([]conversation, error) {
	index := make(map[int64]int, len(users))
	for i, u := range users {
		index[u.id] = i
	}
	var rows []struct{ LowID, HighID, LastAtMs int64 }
	err := db.Read.WithContext(ctx).Raw("SELECT low_id, high_id, last_at_ms FROM conversations ORDER BY low_id, high_id").Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	var chats []conversation
	for _, r := range rows {
		if i, ok := index[r.LowID]; ok && len(chats) < maxUsers {
			chats = append(chats, conversation{i, r.HighID, r.LastAtMs})
		}
	}
	return chats, nil
}
