package db

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

// WatchesApplied is what became of watches.
type WatchesApplied struct {
	// Views are the videos of watches that count, each once, also where they counted before.
	Views []int64
	// Counted is how many sessions began to count, Repeated how many watches told again of one that did, Skimmed how many were too short
	// to count, and Capped how many did not count because the user has watched the video too often that day.
	Counted, Repeated, Skimmed, Capped int
}

// ApplyWatches stores watches, the oldest first, in one transaction, with a number of statements that grows by one round for each 1000
// of them. It may get one twice, late and in any order: a session counts once, with the longest that was told of it. heat adds a finish
// at a time to a video's heat.
//
// It holds the rows of the users in history_marks, taken in the order of their ids, then those of videos, then of authors: two who apply
// at the same time wait for each other and do not meet in a circle.
func (s *Store) ApplyWatches(ctx context.Context, watches []Watch, heat func(heat float64, atMs int64) float64) (WatchesApplied, error) {
	if len(watches) == 0 {
		return WatchesApplied{}, nil
	}
	var a *watchApply
	err := s.Tx(ctx, func(tx *gorm.DB) error {
		a = &watchApply{db: s.DB, tx: tx.Session(&gorm.Session{}), watches: watches, heat: heat}
		return a.run()
	})
	if err != nil {
		return WatchesApplied{}, fmt.Errorf("apply %d watches: %w", len(watches), err)
	}
	return a.done, nil
}

// watchApply is one transaction.
type watchApply struct {
	db      *sqldb.DB
	tx      *gorm.DB
	watches []Watch
	heat    func(heat float64, atMs int64) float64
	// cleared is up to when users have forgotten their history.
	cleared map[int64]int64
	// videos and days are what to add, finished when the finishes of a video were.
	videos   map[int64]*VideoWatches
	days     map[authorDay]*AuthorDay
	finished map[int64][]int64
	done     WatchesApplied
}

type authorDay struct{ author, day int64 }

func (a *watchApply) run() (err error) {
	a.videos, a.days, a.finished = map[int64]*VideoWatches{}, map[authorDay]*AuthorDay{}, map[int64][]int64{}
	users := map[int64]bool{}
	for _, w := range a.watches {
		users[w.UserID] = true
	}
	if a.cleared, err = lockUsers(a.db, a.tx, slices.Sorted(maps.Keys(users))); err != nil {
		return err
	}
	for _, step := range []func() error{a.history, a.sessions, a.addVideos, a.addHeat, a.addDays} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// lockUsers locks the rows of users, which are sorted, until the transaction ends, and returns up to when each has forgotten their
// history.
func lockUsers(db *sqldb.DB, tx *gorm.DB, userIDs []int64) (cleared map[int64]int64, err error) {
	cleared = make(map[int64]int64, len(userIDs))
	same := map[string]any{"cleared_ms": gorm.Expr(db.Greater("cleared_ms", db.NewValue("cleared_ms")))}
	lock := sqldb.Upsert(clause.Assignments(same), "user_id")
	if db.IsSQLite() { // whose transactions are alone
		lock = clause.OnConflict{DoNothing: true}
	}
	for part := range slices.Chunk(userIDs, maxRows) {
		rows := make([]HistoryMark, len(part))
		for i, id := range part {
			rows[i].UserID = id
		}
		if err := tx.Clauses(lock).Create(&rows).Error; err != nil {
			return nil, err
		}
		err := sqldb.Select[HistoryMark](tx, "FROM history_marks WHERE user_id IN ?", part).Each(func(m HistoryMark) {
			cleared[m.UserID] = m.ClearedMs
		})
		if err != nil {
			return nil, err
		}
	}
	return cleared, nil
}

// history stores what the watches change in histories.
func (a *watchApply) history() error {
	wanted := map[HistoryKey]bool{}
	for _, w := range a.watches {
		wanted[HistoryKey{w.UserID, w.VideoID}] = true
	}
	keys := slices.SortedFunc(maps.Keys(wanted), compareHistoryKeys)
	rows, err := historyRows(a.db, a.tx, keys)
	if err != nil {
		return err
	}
	changed := map[HistoryKey]bool{}
	for _, w := range a.watches {
		key := HistoryKey{w.UserID, w.VideoID}
		row := rows[key]
		row.UserID, row.VideoID = w.UserID, w.VideoID
		if row.Add(w, a.cleared[w.UserID]) {
			rows[key], changed[key] = row, true
		}
	}
	var puts []History
	for _, k := range keys {
		if changed[k] {
			puts = append(puts, rows[k])
		}
	}
	set := clause.AssignmentColumns([]string{"at_ms", "watched_ms", "finished"})
	return createAll(a.tx.Clauses(sqldb.Upsert(set, "user_id", "video_id")), puts)
}

func compareHistoryKeys(a, b HistoryKey) int {
	return cmp.Or(cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.VideoID, b.VideoID))
}

// historyRows reads the rows of keys.
func historyRows(db *sqldb.DB, q *gorm.DB, keys []HistoryKey) (map[HistoryKey]History, error) {
	table := sqldb.Keyed{Table: "history", Columns: []string{"user_id", "video_id"}}
	return rowsOf(db, q, table, keys, func(k HistoryKey) []int64 { return []int64{k.UserID, k.VideoID} },
		func(h History) HistoryKey { return HistoryKey{h.UserID, h.VideoID} })
}

// rowsOf reads the rows with keys, maxRows keys in a statement. Where several rows have a key, any of them is the key's.
func rowsOf[K comparable, T any](
	db *sqldb.DB, q *gorm.DB, table sqldb.Keyed, keys []K, numbers func(K) []int64, key func(T) K,
) (map[K]T, error) {
	found := make(map[K]T, len(keys))
	err := eachOf(db, q, table, keys, numbers, func(row T) { found[key(row)] = row })
	return found, err
}

// eachOf calls fn with each row that has one of the keys, maxRows keys in a statement.
func eachOf[K, T any](db *sqldb.DB, q *gorm.DB, table sqldb.Keyed, keys []K, numbers func(K) []int64, fn func(T)) error {
	columns := sqldb.Columns[T](q, "t")
	for part := range slices.Chunk(keys, maxRows) {
		wanted := make([][]int64, len(part))
		for i, k := range part {
			wanted[i] = numbers(k)
		}
		if err := (sqldb.Rows[T]{Query: table.Query(db, q, wanted).Select(columns)}).Each(fn); err != nil {
			return err
		}
	}
	return nil
}

// createAll stores rows, maxRows in a statement.
func createAll[T any](tx *gorm.DB, rows []T) error {
	tx = tx.Session(&gorm.Session{}) // each statement starts from here
	for part := range slices.Chunk(rows, maxRows) {
		if err := tx.Create(&part).Error; err != nil {
			return err
		}
	}
	return nil
}

// sessions stores the sessions that count, and tallies what that changes.
func (a *watchApply) sessions() error {
	pairs, views := map[HistoryKey]map[string]WatchSession{}, map[int64]bool{}
	for _, w := range a.watches {
		if w.counts() {
			pairs[HistoryKey{w.UserID, w.VideoID}] = map[string]WatchSession{}
			views[w.VideoID] = true
		}
	}
	a.done.Views = slices.Sorted(maps.Keys(views))
	keys := slices.SortedFunc(maps.Keys(pairs), func(a, b HistoryKey) int {
		return cmp.Or(cmp.Compare(a.VideoID, b.VideoID), cmp.Compare(a.UserID, b.UserID))
	})
	table := sqldb.Keyed{Table: "watch_sessions", Columns: []string{"video_id", "user_id"}}
	err := eachOf(a.db, a.tx, table, keys, func(k HistoryKey) []int64 { return []int64{k.VideoID, k.UserID} }, func(r WatchSession) {
		pairs[HistoryKey{r.UserID, r.VideoID}][r.Session] = r
	})
	if err != nil {
		return err
	}
	changed := map[HistoryKey]map[string]bool{}
	for _, w := range a.watches {
		key := HistoryKey{w.UserID, w.VideoID}
		switch sessions := pairs[key]; {
		case !w.counts():
			a.done.Skimmed++
		case a.session(sessions, w):
			if changed[key] == nil {
				changed[key] = map[string]bool{}
			}
			changed[key][w.Session] = true
		}
	}
	var puts []WatchSession
	for _, k := range keys {
		for _, session := range slices.Sorted(maps.Keys(changed[k])) {
			puts = append(puts, pairs[k][session])
		}
	}
	set := clause.AssignmentColumns([]string{"watched_ms", "finished", "at_ms"})
	return createAll(a.tx.Clauses(sqldb.Upsert(set, "video_id", "user_id", "session")), puts)
}

// session adds a watch that counts to the sessions of its user and video, and reports whether that changed one.
func (a *watchApply) session(sessions map[string]WatchSession, w Watch) (changed bool) {
	old, known := sessions[w.Session]
	row := WatchSession{
		VideoID: w.VideoID, UserID: w.UserID, Session: w.Session,
		WatchedMs: max(old.WatchedMs, w.WatchedMs), Finished: old.Finished || w.Finished, AtMs: max(old.AtMs, w.AtMs),
	}
	switch {
	case known:
		a.done.Repeated++
	case ofDay(sessions, Day(w.AtMs)) >= MaxDaily:
		a.done.Capped++
		return false
	default:
		a.done.Counted++
	}
	if known && row == old {
		return false
	}
	sessions[w.Session] = row
	add := VideoWatches{WatchedMs: row.WatchedMs - old.WatchedMs}
	if !known {
		add.Views = 1
	}
	if row.Finished && !old.Finished {
		add.Finishes = 1
	}
	a.tally(w, add)
	return true
}

// ofDay is how many of the sessions were told of last in a day.
func ofDay(sessions map[string]WatchSession, day int64) (n int) {
	for _, s := range sessions {
		if Day(s.AtMs) == day {
			n++
		}
	}
	return n
}

// tally notes what a watch adds.
func (a *watchApply) tally(w Watch, add VideoWatches) {
	if add == (VideoWatches{}) {
		return
	}
	v := a.videos[w.VideoID]
	if v == nil {
		v = &VideoWatches{VideoID: w.VideoID, AuthorID: w.AuthorID}
		a.videos[w.VideoID] = v
	}
	v.Views, v.Finishes, v.WatchedMs = v.Views+add.Views, v.Finishes+add.Finishes, v.WatchedMs+add.WatchedMs
	if add.Views+add.Finishes == 0 {
		return
	}
	key := authorDay{w.AuthorID, Day(w.AtMs)}
	d := a.days[key]
	if d == nil {
		d = &AuthorDay{AuthorID: key.author, Day: key.day}
		a.days[key] = d
	}
	d.Views, d.Finishes = d.Views+add.Views, d.Finishes+add.Finishes
	if add.Finishes > 0 {
		a.finished[w.VideoID] = append(a.finished[w.VideoID], w.AtMs)
	}
}

// addVideos adds to the counters of videos, and locks their rows.
func (a *watchApply) addVideos() error {
	var rows []VideoWatches
	for _, id := range slices.Sorted(maps.Keys(a.videos)) {
		rows = append(rows, *a.videos[id])
	}
	return createAll(a.tx.Clauses(sqldb.Upsert(a.db.Adding("views", "finishes", "watched_ms"), "video_id")), rows)
}

// addHeat adds finishes to the heat of videos, whose rows are locked.
func (a *watchApply) addHeat() error {
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(a.finished)), maxRows) {
		rows, err := sqldb.Select[VideoWatches](a.tx, "FROM video_watches WHERE video_id IN ? ORDER BY video_id", ids).All()
		if err != nil {
			return err
		}
		for i, r := range rows {
			for _, at := range a.finished[r.VideoID] {
				rows[i].Heat = a.heat(rows[i].Heat, at)
			}
		}
		set := clause.AssignmentColumns([]string{"heat"})
		if err := createAll(a.tx.Clauses(sqldb.Upsert(set, "video_id")), rows); err != nil {
			return err
		}
	}
	return nil
}

// addDays adds to what authors got.
func (a *watchApply) addDays() error {
	var rows []AuthorDay
	for _, k := range slices.SortedFunc(maps.Keys(a.days), func(a, b authorDay) int {
		return cmp.Or(cmp.Compare(a.author, b.author), cmp.Compare(a.day, b.day))
	}) {
		rows = append(rows, *a.days[k])
	}
	return createAll(a.tx.Clauses(sqldb.Upsert(a.db.Adding("views", "finishes"), "author_id", "day")), rows)
}
