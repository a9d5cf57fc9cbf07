package visible

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// change stores a video (or, without author, a user), gone or not, as a change of the catalogue.
func change(t *testing.T, s *db.Store, v db.Video) {
	t.Helper()
	err := s.Tx(t.Context(), func(tx *gorm.DB) error {
		seq, err := s.NextSeq(tx, 1)
		if err != nil {
			return err
		}
		if v.AuthorID == 0 {
			return tx.Save(&db.User{ID: v.ID, Name: "n", GoneMs: v.GoneMs, ChangedSeq: seq}).Error
		}
		v.ChangedSeq = seq
		return tx.Save(&v).Error
	})
	if err != nil {
		t.Fatal(err)
	}
}

// away is a source that can be made to fail, and counts.
type away struct {
	*db.Store
	err   error
	asked int
}

func (a *away) GoneSince(ctx context.Context, seq int64) (db.Gone, error) {
	a.asked++
	if a.err != nil {
		return db.Gone{}, a.err
	}
	return a.Store.GoneSince(ctx, seq)
}

func TestCatalogue(t *testing.T) {
	sqldbtest.Each(t, "discovery", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		s := db.New(sql)
		from, at := &away{Store: s, err: errors.New("away")}, time.Unix(1e9, 0)
		c := New(s, slog.New(slog.DiscardHandler), func() time.Time { return at })
		c.from = from
		refs := []Ref{{1, 10}, {2, 10}, {3, 11}, {4, 0}, {99, 99}}
		videos := func(want ...Ref) {
			t.Helper()
			got, err := c.Videos(t.Context(), 7, refs)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		}
		if _, err := c.Videos(t.Context(), 7, refs); err == nil {
			t.Error("nothing is known, and it answers")
		}
		from.err = nil
		for id := int64(1); id <= 4; id++ {
			change(t, s, db.Video{ID: id, AuthorID: 10})
		}
		change(t, s, db.Video{ID: 2, AuthorID: 10, GoneMs: 5})
		videos(Ref{1, 10}, Ref{3, 11}, Ref{4, 0}, Ref{99, 99})
		change(t, s, db.Video{ID: 4, AuthorID: 10, GoneMs: 5})
		change(t, s, db.Video{ID: 11, GoneMs: 5})
		asked := from.asked
		videos(Ref{1, 10}, Ref{3, 11}, Ref{4, 0}, Ref{99, 99}) // it has looked just now
		at = at.Add(lag)
		videos(Ref{1, 10}, Ref{99, 99})
		if from.asked != asked+1 {
			t.Errorf("%d looks", from.asked-asked)
		}
		if got, err := c.Users(t.Context(), 0, []int64{11, 12}); err != nil || !cmp.Equal(got, []int64{12}) {
			t.Errorf("%v, %v", got, err)
		}
		from.err, at = errors.New("away"), at.Add(time.Minute)
		videos(Ref{1, 10}, Ref{99, 99})
		from.err = nil
		if err := sql.Write.Exec("DELETE FROM videos WHERE gone_ms > 0").Error; err != nil {
			t.Fatal(err)
		}
		at = at.Add(reloadEvery)
		videos(Ref{1, 10}, Ref{2, 10}, Ref{4, 0}, Ref{99, 99}) // the catalogue has forgotten
		if diff := cmp.Diff([]Ref{{1, 10}, {2, 10}, {3, 11}, {4, 0}, {99, 99}}, refs); diff != "" {
			t.Error(diff)
		}
	})
}
