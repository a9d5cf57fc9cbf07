package service

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"tiktok/cmd/notice/dal/db"
	"tiktok/kitex_gen/event"
)

// Source is what another service holds of what notices are made of: its own tables, told as the events that would have made them so.
type Source struct {
	// Name is of what, for reports.
	Name string
	// Kinds are those of the entries that Find knows.
	Kinds []int
	// Knows narrows Kinds down: nil means all of their entries.
	Knows func(k db.EntryKey) bool
	// Walk calls fn with all that stands, at most 1000 events at a time, in the order of a key.
	Walk func(ctx context.Context, fn func(standing []*event.Event) error) error
	// Find returns what stands of what these entries, at most 1000, are made of. An event that makes no entry says that nothing is known
	// of the entries that it is about.
	Find func(ctx context.Context, keys []db.EntryKey) ([]*event.Event, error)
	// Untimed says that the source does not know when it happened.
	Untimed bool
}

func (s Source) knows(k db.EntryKey) bool {
	return slices.Contains(s.Kinds, k.Kind) && (s.Knows == nil || s.Knows(k))
}

// Auditor compares notices with what they are made of, in both directions: what is missing, and what is there without a reason. Then it
// compares the counts of notices with their entries. It goes in steps of 1000, so its memory is bounded. Beside writers it may report
// what is under way: an event that waits in an outbox or a queue.
type Auditor struct {
	*db.Store
	sources []Source
}

// NewAuditor returns one.
func NewAuditor(store *db.Store, sources ...Source) *Auditor { return &Auditor{store, sources} }

// auditStep is how many entries one step compares.
const auditStep = 1000

// made are the entries that events make.
func made(standing []*event.Event) map[db.EntryKey]db.Change {
	b := batch{changes: map[db.EntryKey]db.Change{}, hints: map[hintKey]int{}}
	for _, e := range standing {
		b.event(e)
	}
	maps.DeleteFunc(b.changes, func(_ db.EntryKey, c db.Change) bool { return !c.Present })
	return b.changes
}

// difference is an entry that is not as it shall be.
type difference struct {
	key  db.EntryKey
	text string
}

// Audit implements what `tiktok audit` wants.
func (a *Auditor) Audit(ctx context.Context, report func(format string, args ...any)) (mismatches int, err error) {
	err = a.differences(ctx, func(_ Source, all []difference) error {
		for _, d := range all {
			mismatches++
			report("%s", d.text)
		}
		return nil
	})
	if err != nil {
		return mismatches, err
	}
	err = a.wrongNotices(ctx, func(wrong []db.Recounted) error {
		for _, r := range wrong {
			mismatches++
			report("%s has the count %d and the time %d, its entries say %d and %d",
				described(r.Key), r.Entries, r.NewestMs, r.WantEntries, r.WantNewestMs)
		}
		return nil
	})
	return mismatches, err
}

// Repair makes what is missing, removes what is there without a reason, and sets counts right. It may run beside writers: each step looks
// again while it holds the notices. Caches follow within a minute.
func (a *Auditor) Repair(ctx context.Context, report func(format string, args ...any)) (repaired int, err error) {
	err = a.differences(ctx, func(s Source, all []difference) error {
		keys := make([]db.EntryKey, len(all))
		for i, d := range all {
			keys[i] = d.key
			report("repairs: %s", d.text)
		}
		truth := func(ctx context.Context) (db.Truth, error) { return s.truth(ctx, keys) }
		n, err := a.Store.Repair(ctx, nil, keys, truth, time.Now().UnixMilli())
		repaired += n
		return err
	})
	if err != nil {
		return repaired, err
	}
	err = a.wrongNotices(ctx, func(wrong []db.Recounted) error {
		keys := make([]db.Key, len(wrong))
		for i, r := range wrong {
			keys[i] = r.Key
		}
		none := func(context.Context) (db.Truth, error) { return db.Truth{}, nil }
		n, err := a.Store.Repair(ctx, keys, nil, none, time.Now().UnixMilli())
		repaired += n
		return err
	})
	return repaired, err
}

// described is a notice for a report.
func described(k db.Key) string {
	return fmt.Sprintf("notice of user %d, kind %d, subject %d", k.UserID, k.Kind, k.SubjectID)
}

// differences calls fn for each step of each direction in which something differs.
func (a *Auditor) differences(ctx context.Context, fn func(s Source, all []difference) error) error {
	sinceMs, err := a.Since(ctx)
	if err != nil {
		return err
	}
	for _, s := range a.sources {
		err := s.Walk(ctx, func(standing []*event.Event) error {
			missing, err := a.missing(ctx, s, made(standing), sinceMs)
			if err != nil || len(missing) == 0 {
				return err
			}
			return fn(s, missing)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	for after, more := (db.EntryKey{}), true; more; {
		entries, err := a.EntriesAfter(ctx, after, auditStep)
		if err != nil {
			return fmt.Errorf("read entries: %w", err)
		}
		if more = len(entries) == auditStep; len(entries) > 0 {
			after = entries[len(entries)-1].EntryKey()
		}
		for _, s := range a.sources {
			extra, err := a.extra(ctx, s, entries)
			if err == nil && len(extra) > 0 {
				err = fn(s, extra)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", s.Name, err)
			}
		}
	}
	return nil
}

// missing are the entries among wanted that do not stand, or stand otherwise.
func (a *Auditor) missing(ctx context.Context, s Source, wanted map[db.EntryKey]db.Change, sinceMs int64) (all []difference, err error) {
	keys := slices.Collect(maps.Keys(wanted))
	for part := range slices.Chunk(keys, auditStep) {
		standing, err := a.Standing(ctx, part)
		if err != nil {
			return nil, err
		}
		for _, k := range part {
			want := wanted[k].Entry
			got, stands := standing[k]
			got.Seq = 0
			if s.Untimed {
				got.AtMs = want.AtMs
			}
			switch {
			case stands && got != want:
				all = append(all, difference{k, fmt.Sprintf("%s: entry %d is by %d at %d, want %d at %d",
					described(k.Key), k.EntryID, got.ActorID, got.AtMs, want.ActorID, want.AtMs)})
			case !stands && want.AtMs >= sinceMs:
				all = append(all, difference{k, fmt.Sprintf("%s: entry %d by %d is missing", described(k.Key), k.EntryID, want.ActorID)})
			}
		}
	}
	return all, nil
}

// extra are the entries that stand without a reason, of those that the source knows.
func (a *Auditor) extra(ctx context.Context, s Source, entries []db.Entry) (all []difference, err error) {
	var keys []db.EntryKey
	for _, e := range entries {
		if e.Present && s.knows(e.EntryKey()) {
			keys = append(keys, e.EntryKey())
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	truth, err := s.truth(ctx, keys)
	if err != nil {
		return nil, err
	}
	keys = slices.DeleteFunc(keys, func(k db.EntryKey) bool {
		_, wanted := truth.Wanted[k]
		return wanted || truth.Unknown[k]
	})
	standing, err := a.Standing(ctx, keys) // after the source was asked: what was taken back meanwhile is no trouble
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if _, stands := standing[k]; stands {
			all = append(all, difference{k, fmt.Sprintf("%s: entry %d is extra", described(k.Key), k.EntryID)})
		}
	}
	return all, nil
}

// truth is what the source says of entries.
func (s Source) truth(ctx context.Context, keys []db.EntryKey) (db.Truth, error) {
	standing, err := s.Find(ctx, keys)
	if err != nil {
		return db.Truth{}, err
	}
	t := db.Truth{Wanted: made(standing), Unknown: map[db.EntryKey]bool{}}
	for _, e := range standing {
		if u := e.UploadStateChanged; u != nil {
			k := uploadEntry(u.AuthorId, u.VideoId, true, 0).EntryKey()
			if _, wanted := t.Wanted[k]; !wanted {
				t.Unknown[k] = true
			}
		}
	}
	return t, nil
}

// wrongNotices calls fn for each step in which the counts of notices are wrong.
func (a *Auditor) wrongNotices(ctx context.Context, fn func(wrong []db.Recounted) error) error {
	for after, done := (db.Key{}), false; !done; {
		wrong, next, last, err := a.WrongNotices(ctx, after)
		if err == nil && len(wrong) > 0 {
			err = fn(wrong)
		}
		if err != nil {
			return err
		}
		after, done = next, last
	}
	return nil
}
