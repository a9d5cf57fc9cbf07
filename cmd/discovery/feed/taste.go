package feed

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/recommend"
	"tiktok/pkg/kv"
)

// taste is what is known of a viewer.
type taste struct {
	tags    []recommend.TagTaste
	authors []recommend.AuthorTaste
	follows []int64
	// signs is how many likes and finishes there are.
	signs int
	own   []recommend.Own
}

func tasteKey(userID int64) string {
	return "tt:discovery:taste:v1:{" + strconv.FormatInt(userID, 10) + "}"
}

func (t taste) size() int {
	return 40*len(t.tags) + 16*len(t.authors) + 8*len(t.follows) + 72*len(t.own)
}

// AppendBinary is for the cache.
func (t taste) AppendBinary(b []byte) ([]byte, error) {
	b = slices.Grow(b, t.size())
	b = kv.AppendIDs(binary.AppendUvarint(b, uint64(t.signs)), t.follows)
	b = binary.AppendUvarint(b, uint64(len(t.tags)))
	for _, one := range t.tags {
		b = append(binary.AppendUvarint(b, uint64(len(one.Tag))), one.Tag...)
		b = appendFloats(b, one.Weight)
	}
	b = binary.AppendUvarint(b, uint64(len(t.authors)))
	for _, one := range t.authors {
		b = appendFloats(append7(b, one.ID), one.Weight)
	}
	var because []int64
	b = binary.AppendUvarint(b, uint64(len(t.own)))
	for _, o := range t.own {
		b = append7(append7(append7(b, o.ID), o.AuthorID), o.PublishedMs)
		b = appendFloats(b, o.Fresh, o.Hot, o.CoLiked, o.Tagged)
		tag := slices.IndexFunc(t.tags, func(x recommend.TagTaste) bool { return x.Tag == o.Tag })
		b = append(b, byte(tag+1), 0)
		if o.Because != 0 {
			b[len(b)-1] = refer(&because, o.Because) + 1
		}
	}
	for _, id := range because {
		b = append7(b, id)
	}
	return b, nil
}

func appendFloats(b []byte, floats ...float32) []byte {
	for _, x := range floats {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

func readFloats(b []byte, to ...*float32) {
	for i, x := range to {
		*x = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
}

// ownBytes is the width of a candidate.
const ownBytes = 3*7 + 4*4 + 2

// UnmarshalBinary is for the cache. It fails with kv.ErrBadBytes.
func (t *taste) UnmarshalBinary(b []byte) error {
	signs, b, err := kv.ReadUvarint(b)
	if err != nil {
		return err
	}
	t.signs = int(signs)
	if t.follows, b, err = kv.ReadIDs(b); err != nil {
		return err
	}
	n, b, err := kv.ReadUvarint(b)
	if err != nil || n > 255 {
		return kv.ErrBadBytes
	}
	t.tags = make([]recommend.TagTaste, n)
	for i := range t.tags {
		var size uint64
		if size, b, err = kv.ReadUvarint(b); err != nil || len(b) < 4 || size > uint64(len(b)-4) {
			return kv.ErrBadBytes
		}
		t.tags[i].Tag, b = string(b[:size]), b[size:]
		readFloats(b, &t.tags[i].Weight)
		b = b[4:]
	}
	const authorBytes = 11
	if n, b, err = kv.ReadUvarint(b); err != nil || n > uint64(len(b)/authorBytes) {
		return kv.ErrBadBytes
	}
	t.authors = make([]recommend.AuthorTaste, n)
	for i := range t.authors {
		t.authors[i].ID = read7(b)
		readFloats(b[7:], &t.authors[i].Weight)
		b = b[authorBytes:]
	}
	if n, b, err = kv.ReadUvarint(b); err != nil || n > uint64(len(b)/ownBytes) {
		return kv.ErrBadBytes
	}
	t.own = make([]recommend.Own, n)
	because := b[int(n)*ownBytes:]
	for i := range t.own {
		o := &t.own[i]
		o.ID, o.AuthorID, o.PublishedMs = read7(b), read7(b[7:]), read7(b[14:])
		readFloats(b[21:], &o.Fresh, &o.Hot, &o.CoLiked, &o.Tagged)
		if tag := int(b[37]); tag > len(t.tags) || 7*int(b[38]) > len(because) {
			return kv.ErrBadBytes
		} else if tag > 0 {
			o.Tag = t.tags[tag-1].Tag
		}
		if at := int(b[38]); at > 0 {
			o.Because = read7(because[7*(at-1):])
		}
		b = b[ownBytes:]
	}
	return nil
}

// facts is what the store knows of viewers.
type facts struct {
	liked    map[int64][]int64
	watched  map[int64][]db.WatchedVideo
	follows  map[int64][]int64
	videos   map[int64]recommend.Video
	related  map[int64]similar
	tagged   map[string][]int64
	followed map[int64][]int64
}

// loadTastes reads what viewers did, and what it makes candidates of: as many statements for many viewers as for one, in parts of 500. What
// others have in common with them mostly is cached.
func (f *Feeds) loadTastes(ctx context.Context, userIDs []int64) (map[int64]taste, error) {
	facts, err := f.readFacts(ctx, userIDs)
	if err != nil {
		return nil, err
	}
	pool, err := f.pool(ctx)
	if err != nil {
		return nil, err
	}
	tastes := make(map[int64]taste, len(userIDs))
	co := make(map[int64][]recommend.CoLiked, len(userIDs))
	others := make(map[int64][]int64, len(userIDs))
	var tags []string
	for _, id := range userIDs {
		t := taste{follows: facts.follows[id]}
		t.learn(facts, id)
		tastes[id] = t
		co[id] = recommend.CoLikes(f.seeds(facts.liked[id]), similarOf(facts.related), recommend.MostCoLiked)
		tags = append(tags, recommend.LikedTags(t.tags)...)
	}
	if facts.tagged, err = f.tagged.GetMulti(ctx, tags); err != nil {
		return nil, err
	}
	var ids []int64
	for _, id := range userIDs {
		for _, tag := range recommend.LikedTags(tastes[id].tags) {
			others[id] = append(others[id], facts.tagged[tag]...)
		}
		others[id] = append(others[id], facts.followed[id]...)
		ids = append(ids, others[id]...)
		for _, c := range co[id] {
			ids = append(ids, c.ID)
		}
	}
	known, err := f.videos.GetMulti(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range userIDs {
		t := tastes[id]
		t.own = recommend.OwnOf(pool.Scale, t.tags, co[id], others[id], known)
		tastes[id] = t
	}
	return tastes, nil
}

// readFacts reads what does not depend on each other at the same time.
func (f *Feeds) readFacts(ctx context.Context, userIDs []int64) (facts, error) {
	var x facts
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		x.follows, err = f.Store.Followed(gctx, userIDs, recommend.MostFollows)
		if err != nil {
			return err
		}
		var authors []int64
		for _, followed := range x.follows {
			authors = append(authors, followed[:min(len(followed), recommend.FollowsRead)]...)
		}
		works, err := f.works.GetMulti(gctx, authors)
		x.followed = make(map[int64][]int64, len(x.follows))
		for id, followed := range x.follows {
			x.followed[id] = ofFollowed(works, followed[:min(len(followed), recommend.FollowsRead)], recommend.MostFollowed)
		}
		return err
	})
	g.Go(func() (err error) {
		x.watched, err = f.Store.WatchedVideos(gctx, userIDs, f.Settings.Signals)
		return err
	})
	var err error
	if x.liked, err = f.Store.LikedVideos(gctx, userIDs, f.Settings.Signals); err == nil {
		var seeds []int64
		for _, list := range x.liked {
			seeds = append(seeds, f.seeds(list)...)
		}
		x.related, err = f.related.GetMulti(gctx, seeds)
	}
	if werr := g.Wait(); werr != nil {
		return facts{}, werr
	}
	if err != nil {
		return facts{}, err
	}
	var ids []int64
	for _, list := range x.liked {
		ids = append(ids, list...)
	}
	for _, list := range x.watched {
		for _, w := range list {
			ids = append(ids, w.VideoID)
		}
	}
	x.videos, err = f.videos.GetMulti(ctx, ids)
	return x, err
}

// seeds are the videos whose friends are asked what else they like.
func (f *Feeds) seeds(liked []int64) []int64 { return liked[:min(len(liked), f.Settings.RelatedOf)] }

func similarOf(related map[int64]similar) map[int64][]recommend.Similar {
	all := make(map[int64][]recommend.Similar, len(related))
	for id, list := range related {
		all[id] = list
	}
	return all
}

// learn sets what a viewer's likes and watches say.
func (t *taste) learn(x facts, id int64) {
	watched := make([]recommend.Watch, len(x.watched[id]))
	for i, w := range x.watched[id] {
		watched[i] = recommend.Watch{VideoID: w.VideoID, Finished: w.Finished}
	}
	signals, signs := recommend.Signals(x.liked[id], watched, func(id int64) (recommend.Video, bool) {
		v, ok := x.videos[id]
		return v, ok
	})
	t.signs = signs
	t.tags, t.authors = recommend.Tastes(signals)
}
