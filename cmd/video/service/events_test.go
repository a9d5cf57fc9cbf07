package service_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/internal/events"
	"tiktok/cmd/internal/events/eventstest"
	"tiktok/cmd/video/dal/cache"
	"tiktok/cmd/video/dal/db"
	"tiktok/cmd/video/service"
	"tiktok/kitex_gen/event"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
	"tiktok/pkg/kv"
	"tiktok/pkg/telemetry"
)

func listedEvent(v *video.Video, mentioned ...int64) eventstest.Message {
	return ofVideo(&event.Event{VideoListed: &event.VideoListed{
		VideoId: v.Id, AuthorId: v.AuthorId, Title: v.Title, MentionedUserIds: mentioned, PublishedAtMs: v.PublishedAtMs,
	}})
}

func filesEvent(v *video.Video) eventstest.Message {
	return ofVideo(&event.Event{VideoChanged: &event.VideoChanged{VideoId: v.Id, AuthorId: v.AuthorId}})
}

func deletedEvent(v *video.Video, mentioned ...int64) eventstest.Message {
	return ofVideo(&event.Event{VideoDeleted: &event.VideoDeleted{VideoId: v.Id, AuthorId: v.AuthorId, MentionedUserIds: mentioned}})
}

func ofVideo(e *event.Event) eventstest.Message {
	return eventstest.Message{Topic: event.TOPIC_VIDEO, Events: []*event.Event{e}}
}

// stateEvent is of an upload that was made playable, or not; set says more of it.
func stateEvent(v *video.Video, state video.UploadState, set ...func(*event.UploadStateChanged)) eventstest.Message {
	u := &event.UploadStateChanged{VideoId: v.Id, AuthorId: v.AuthorId, Title: v.Title, State: int32(state), Listed: true}
	for _, s := range set {
		s(u)
	}
	return eventstest.Message{Topic: event.TOPIC_UPLOAD, Events: []*event.Event{{UploadStateChanged: u}}}
}

func unlisted(u *event.UploadStateChanged)   { u.Listed = false }
func transcoded(u *event.UploadStateChanged) { u.Transcoded = true }

const (
	uploaded   = video.UploadState_UPLOADED
	processing = video.UploadState_PROCESSING
	ready      = video.UploadState_READY
	failed     = video.UploadState_FAILED
)

// Others are told of each step of a video's life once, in its order.
func TestOthersAreTold(t *testing.T) {
	eachLab(t, func(t *testing.T, l *lab) {
		r, run := l.replica()
		v := r.upload(1, "clip", drawn, func(r *video.PublishRequest) { r.MentionedUserIds = []int64{7, 1, 5, 7} }).Video
		eventstest.Want(t, l.db, listedEvent(v, 7, 5), stateEvent(v, uploaded))
		run()
		r.done(1)
		eventstest.Want(t, l.db, stateEvent(v, processing), filesEvent(v), filesEvent(v), filesEvent(v), stateEvent(v, ready))
		for _, author := range []int64{2, 1, 1, 1} {
			_, _ = r.DeleteVideo(t.Context(), &video.DeleteVideoRequest{AuthorId: author, VideoId: v.Id}) // one of them succeeds
		}
		eventually(t, "the row to go", func() bool { return l.row(v.Id) == nil })
		eventstest.Want(t, l.db, deletedEvent(v, 7, 5))
		r.stop()

		// What must be transcoded is listed when it plays.
		r, run = l.replica()
		v = r.upload(2, "unseen", unplayable, func(r *video.PublishRequest) { r.MentionedUserIds = []int64{9} }).Video
		eventstest.Want(t, l.db, stateEvent(v, uploaded, unlisted, transcoded))
		run()
		r.done(2)
		v = r.listed(2, v.Id)
		eventstest.Want(t, l.db,
			stateEvent(v, processing, unlisted, transcoded), listedEvent(v, 9), stateEvent(v, processing, transcoded),
			filesEvent(v), filesEvent(v), filesEvent(v), stateEvent(v, ready, transcoded))
		r.stop()

		// No work: nobody waits for anything.
		off, _ := l.replica(func(d *service.MediaDeps) { d.Background = false })
		v = off.upload(3, "plain").Video
		eventstest.Want(t, l.db, listedEvent(v))
		if _, err := off.Publish(t.Context(), &video.PublishRequest{AuthorId: 3}); err == nil {
			t.Error("nothing was published")
		}
		eventstest.Want(t, l.db)
	})
}

// Attempts that fail and are made again are no news; giving up is, and so is what becomes of it.
func TestOthersAreToldOfFailures(t *testing.T) {
	eachLab(t, func(t *testing.T, l *lab) {
		l.tools.on(func(_ context.Context, step, _ string) error {
			if step == "transcode" || step == "preview" {
				return errors.New("exit status 1")
			}
			return nil
		})
		r := l.start(sweeping)
		never := r.upload(1, "never", unplayable).Video
		partly := r.upload(2, "partly").Video
		for author := int64(1); author <= 2; author++ {
			eventually(t, "the failure", func() bool {
				l.advance(time.Second)
				u := r.uploads(author)
				return len(u) == 1 && u[0].State == failed
			})
		}
		var ofNever, ofPartly []eventstest.Message
		split := func() {
			t.Helper()
			ofNever, ofPartly = nil, nil
			for _, topic := range []string{event.TOPIC_VIDEO, event.TOPIC_UPLOAD} {
				for _, e := range eventstest.Of(t, l.db, topic) {
					e.AtMs = 0
					if m := (eventstest.Message{Topic: topic, Events: []*event.Event{e}}); subject(e) == never.Id {
						ofNever = append(ofNever, m)
					} else {
						ofPartly = append(ofPartly, m)
					}
				}
			}
			eventstest.Clear(t, l.db)
		}
		because := func(reason string) func(*event.UploadStateChanged) {
			return func(u *event.UploadStateChanged) { u.Reason = reason }
		}
		split()
		if diff := cmp.Diff([]eventstest.Message{
			stateEvent(never, uploaded, unlisted, transcoded), stateEvent(never, processing, unlisted, transcoded),
			stateEvent(never, failed, unlisted, transcoded, because("the video could not be converted")),
		}, ofNever); diff != "" {
			t.Errorf("of the one that never played (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]eventstest.Message{
			listedEvent(partly), filesEvent(partly), // the ladder
			stateEvent(partly, uploaded), stateEvent(partly, processing),
			stateEvent(partly, failed, because("no preview could be made of the video")),
		}, ofPartly); diff != "" {
			t.Errorf("of the one without a preview (-want +got):\n%s", diff)
		}
		l.advance(8 * 24 * time.Hour)
		eventually(t, "the upload to be forgotten", func() bool { return l.row(never.Id) == nil })
		eventstest.Want(t, l.db, deletedEvent(never))
	})
}

// subject is the video that an event is about.
func subject(e *event.Event) int64 {
	switch {
	case e.VideoListed != nil:
		return e.VideoListed.VideoId
	case e.VideoChanged != nil:
		return e.VideoChanged.VideoId
	case e.VideoDeleted != nil:
		return e.VideoDeleted.VideoId
	case e.UploadStateChanged != nil:
		return e.UploadStateChanged.VideoId
	}
	return 0
}

// What is planned afterwards is told as far as its author is shown it: of an upload that was ready only that it has other files.
func TestOthersAreToldOfBackfill(t *testing.T) {
	eachLab(t, func(t *testing.T, l *lab) {
		all := l.tools.steps
		l.tools.steps = 0
		without, _ := l.replica()
		v := without.upload(1, "clip").Video
		shown := without.upload(2, "shown").Video
		l.exec("UPDATE video_media SET state = ?, pending = 1, reason = 'r' WHERE video_id = ?", failed, shown.Id)
		eventstest.Clear(t, l.db)
		l.tools.steps = all
		r := l.start(func(d *service.MediaDeps) { d.Backfill, d.BackfillEvery = 100, 5*time.Millisecond })
		complete := func(author, id int64) func() bool {
			return func() bool { v := r.listed(author, id); return v.HlsKey != "" && v.PreviewKey != "" && r.fresh(author) }
		}
		eventually(t, "the first", complete(1, v.Id))
		eventually(t, "the second", complete(2, shown.Id))
		byVideo := map[int64][]*event.Event{}
		for _, topic := range []string{event.TOPIC_UPLOAD, event.TOPIC_VIDEO} {
			for _, e := range eventstest.Of(t, l.db, topic) {
				e.AtMs = 0
				byVideo[subject(e)] = append(byVideo[subject(e)], e)
			}
		}
		join := func(messages ...eventstest.Message) (all []*event.Event) {
			for _, m := range messages {
				all = append(all, m.Events...)
			}
			return all
		}
		want := map[int64][]*event.Event{
			v.Id: join(filesEvent(v), filesEvent(v)),
			shown.Id: join(stateEvent(shown, uploaded), stateEvent(shown, processing), stateEvent(shown, ready),
				filesEvent(shown), filesEvent(shown)),
		}
		if diff := cmp.Diff(want, byVideo); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// A process of before there was an outbox marks videos as deleted and tells nobody: who removes the row does. Nobody is told twice.
func TestOthersAreToldOfOldDeletions(t *testing.T) {
	eachLab(t, func(t *testing.T, l *lab) {
		r, run := l.replica(sweeping)
		byOld, byNew := r.upload(1, "old").Video, r.upload(1, "new").Video
		expired := r.upload(1, "expired", unplayable).Video
		eventstest.Clear(t, l.db)
		if err := l.store.Delete(t.Context(), 1, byOld.Id, time.Now().UnixMilli()); err != nil { // this store tells nobody
			t.Fatal(err)
		}
		eventstest.Want(t, l.db)
		if _, err := r.DeleteVideo(t.Context(), &video.DeleteVideoRequest{AuthorId: 1, VideoId: byNew.Id}); err != nil {
			t.Fatal(err)
		}
		eventstest.Want(t, l.db, deletedEvent(byNew))
		l.exec("UPDATE video_media SET state = 5, lane = 1, pending = 0, due_ms = 0 WHERE video_id = ?", expired.Id)
		run()
		for _, v := range []*video.Video{byOld, byNew, expired} {
			eventually(t, "the row to go", func() bool { return l.row(v.Id) == nil })
		}
		told := map[int64]int{}
		for _, m := range eventstest.Messages(t, l.db) {
			if m.Topic != event.TOPIC_VIDEO {
				t.Errorf("%s: %s", m.Topic, m.Body)
			}
		}
		for _, e := range eventstest.Of(t, l.db, event.TOPIC_VIDEO) {
			told[e.VideoDeleted.GetVideoId()]++
		}
		if diff := cmp.Diff(map[int64]int{byOld.Id: 1, expired.Id: 1}, told); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func (l *lab) exec(statement string, args ...any) {
	l.t.Helper()
	if err := l.db.Write.Exec(statement, args...).Error; err != nil {
		l.t.Fatal(err)
	}
}

// What cannot be told does not happen.
func TestNothingHappensUntold(t *testing.T) {
	eachLab(t, func(t *testing.T, l *lab) {
		r, _ := l.replica()
		v := r.upload(1, "clip").Video
		l.exec("DROP TABLE outbox")
		if _, err := r.Publish(t.Context(), request(1, "lost")); err == nil {
			t.Error("published, and nobody will hear of it")
		}
		if _, err := r.DeleteVideo(t.Context(), &video.DeleteVideoRequest{AuthorId: 1, VideoId: v.Id}); err == nil {
			t.Error("deleted, and nobody will hear of it")
		}
		if got := r.listed(1, v.Id); got == nil || len(r.uploads(1)) != 1 {
			t.Errorf("%v, %v", got, r.uploads(1))
		}
		l.checkAudit()
	})
}

// Authors publish and delete while two processes work and fail now and then, and a third is killed. The events in the order of their
// numbers make of nothing what is stored.
func TestEventsOfAStorm(t *testing.T) {
	eachLab(t, func(t *testing.T, l *lab) {
		l.tools.on(func(_ context.Context, step, _ string) error {
			if rand.IntN(4) == 0 {
				return errors.New("bad luck")
			}
			return nil
		})
		short := func(d *service.MediaDeps) { d.Lease = 500 * time.Millisecond }
		a, b, dies := l.start(short, sweeping), l.start(short), l.start(short)
		var wg sync.WaitGroup
		var mu sync.Mutex
		deleted := map[int64]bool{}
		const authors, uploads = 4, 12
		for author := int64(1); author <= authors; author++ {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(3, uint64(author)))
				for i := range uploads {
					if author == 1 && i == uploads/2 {
						dies.kill()
					}
					r := []*replica{a, b}[random.IntN(2)]
					req := request(author, fmt.Sprintf("storm%d-%d", author, i))
					req.PlayKey, req.CoverKey, req.CoverDrawn = "videos/ab/"+req.Title, "covers/ab/"+req.Title, true
					if req.Transcode = random.IntN(3) == 0; req.Transcode {
						req.PlayKey = "sources/ab/" + req.Title
					}
					l.put(req.PlayKey)
					l.put(req.CoverKey)
					resp, err := r.Publish(t.Context(), req)
					if err != nil {
						t.Error(err)
						return
					}
					if random.IntN(3) > 0 {
						continue
					}
					for range 2 { // the second time it is not found
						_, err = r.DeleteVideo(t.Context(), &video.DeleteVideoRequest{AuthorId: author, VideoId: resp.Video.Id})
						if err != nil && !errors.Is(errno.From(err), errno.VideoNotFound) {
							t.Error(err)
						}
					}
					mu.Lock()
					deleted[resp.Video.Id] = true
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		eventually(t, "the work to end", func() bool {
			l.advance(time.Second)
			work, err := l.store.CountWork(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return !slices.ContainsFunc(lanes(), func(lane int) bool { return work[lane].Rows > 0 })
		})
		a.stop()
		b.stop()

		listed, gone, states := map[int64]string{}, map[int64]bool{}, map[int64]event.UploadStateChanged{}
		for _, m := range eventstest.Messages(t, l.db) {
			decoded, err := events.Decode(m)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range decoded {
				id := subject(e)
				if gone[id] {
					t.Errorf("after the deletion of %d: %+v", id, e)
				}
				_, is := listed[id]
				switch {
				case e.VideoListed != nil:
					if is {
						t.Errorf("%d is listed twice", id)
					}
					listed[id] = e.VideoListed.Title
				case e.VideoChanged != nil && !is:
					t.Errorf("%d changed before it was listed", id)
				case e.VideoDeleted != nil:
					gone[id] = true
					delete(listed, id)
					delete(states, id)
				case e.UploadStateChanged != nil:
					if before := states[id]; before == *e.UploadStateChanged {
						t.Errorf("%+v came twice", before)
					}
					states[id] = *e.UploadStateChanged
				}
			}
		}
		stored, rows := map[int64]string{}, map[int64]event.UploadStateChanged{}
		var videos []db.Video
		var media []db.Media
		if err := errors.Join(l.db.Read.Find(&videos).Error, l.db.Read.Find(&media).Error); err != nil {
			t.Fatal(err)
		}
		for _, v := range videos {
			stored[v.ID] = v.Title
		}
		for _, m := range media {
			u := event.UploadStateChanged{
				VideoId: m.VideoID, AuthorId: m.AuthorID, State: int32(m.State), Title: m.Title, Listed: m.Listed != 0,
				Transcoded: m.Plan&db.StepTranscode != 0,
			}
			if m.State == db.StateFailed {
				u.Reason = m.Reason
			}
			rows[m.VideoID] = u
		}
		for what, diff := range map[string]string{
			"videos": cmp.Diff(stored, listed), "uploads": cmp.Diff(rows, states), "deletions": cmp.Diff(deleted, gone),
		} {
			if diff != "" {
				t.Errorf("%s (-stored +replayed):\n%s", what, diff)
			}
		}
		l.checkAudit()
	})
}

func lanes() []int {
	return []int{db.LaneDelete, db.LaneTranscode, db.LaneImprove, db.LaneCover, db.LaneBackfill}
}

// Whom a title mentions is read with the video wherever that is read, and a value that a process without mentions has cached is read too.
func TestMentions(t *testing.T) {
	eachLab(t, func(t *testing.T, l *lab) {
		r := l.start()
		with := func(ids ...int64) func(*video.PublishRequest) {
			return func(r *video.PublishRequest) { r.MentionedUserIds = ids }
		}
		p := r.upload(1, "clip", with(7, 1, 7, 5)).Video
		late := r.upload(1, "late", unplayable, with(9)).Video
		none := r.upload(2, "none").Video
		r.done(1)
		r.done(2)
		for _, c := range []struct {
			v    *video.Video
			want []int64
		}{{p, []int64{7, 5}}, {late, []int64{9}}, {none, []int64{}}} {
			feed, err1 := r.Feed(t.Context(), &video.FeedRequest{})
			list, err2 := r.ListByAuthor(t.Context(), &video.ListByAuthorRequest{AuthorId: c.v.AuthorId, Fresh: true})
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			seen := []*video.Video{c.v, r.listed(c.v.AuthorId, c.v.Id)}
			for _, v := range slices.Concat(feed.Videos, list.Videos) {
				if v.Id == c.v.Id {
					seen = append(seen, v)
				}
			}
			if len(seen) != 4 {
				t.Errorf("%s was seen %d times", c.v.Title, len(seen))
			}
			for i, v := range seen {
				if !slices.Equal(v.MentionedUserIds, c.want) {
					t.Errorf("%s, %d: %v, want %v", c.v.Title, i, v.MentionedUserIds, c.want)
				}
			}
		}
		for _, ids := range [][]int64{{0}, {-1}, make([]int64, 11)} {
			req := request(1, "bad")
			req.MentionedUserIds = ids
			if _, err := r.Publish(t.Context(), req); !errors.Is(errno.From(err), errno.InvalidArgument) {
				t.Errorf("%v: %v", ids, err)
			}
		}

		type former struct { // a row as it was
			ID, AuthorID                                 int64
			Title, PlayKey, CoverKey, HLSKey, PreviewKey string
			PublishedAtMs, DurationMs, SizeBytes         int64
			WidthPx, HeightPx                            int32
		}
		opts := kv.Options[int64, former]{Kind: "former", Key: cache.VideoKey, TTL: time.Minute, Metrics: telemetry.Discard().Registry}
		old := kv.NewLoadingCache(l.cache, opts,
			func(_ context.Context, ids []int64) (map[int64]former, error) {
				return map[int64]former{ids[0]: {ID: ids[0], AuthorID: 1, Title: "cached", PlayKey: "p", CoverKey: "c", PublishedAtMs: 5}}, nil
			})
		other, _ := l.replica()
		if _, err := old.GetMulti(t.Context(), []int64{4711}); err != nil {
			t.Fatal(err)
		}
		got, err := other.MGetVideos(t.Context(), &video.MGetVideosRequest{VideoIds: []int64{4711}})
		if v := got.GetVideos()[4711]; err != nil || v == nil || v.Title != "cached" || v.PlayKey != "p" || len(v.MentionedUserIds) != 0 {
			t.Errorf("cached before: %v, %v", v, err)
		}
	})
}
