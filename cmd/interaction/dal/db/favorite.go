package db

import (
	"cmp"
	"context"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

// ListFavorites reads up to limit likes of a user, most recent first: those whose LikedEvent is below before.
func (s *Store) ListFavorites(ctx context.Context, userID, before int64, limit int) ([]Favorite, error) {
	const query = `SELECT video_id, liked_event FROM favorites
		WHERE user_id = ? AND liked = ? AND liked_event < ? ORDER BY liked_event DESC LIMIT ?`
	return sqldb.Rows[Favorite]{Query: s.Read.WithContext(ctx).Raw(query, userID, true, before, limit)}.All()
}

// maxUsers bounds the users of one statement of FavoritesOfUsers: SQLite takes 500 SELECTs in one.
const maxUsers = 100

// FavoritesOfUsers reads the rows of each user, in the order of their videos: those that were taken back, too. Of a user
// with more than limit it reads any limit of them; one without rows is absent. All but AuthorID is read.
func (s *Store) FavoritesOfUsers(ctx context.Context, userIDs []int64, limit int) (map[int64][]Favorite, error) {
	const one = "SELECT * FROM (SELECT user_id, video_id, liked, last_event, liked_event FROM favorites WHERE user_id = ? LIMIT ?) AS f"
	found := make(map[int64][]Favorite, len(userIDs))
	for part := range slices.Chunk(userIDs, maxUsers) {
		args := make([]any, 0, 2*len(part))
		for _, id := range part {
			args = append(args, id, limit)
		}
		query := sqldb.UnionAll(one, len(part))
		err := sqldb.Rows[Favorite]{Query: s.Read.WithContext(ctx).Raw(query, args...)}.Each(func(f Favorite) {
			found[f.UserID] = append(found[f.UserID], f)
		})
		if err != nil {
			return nil, err
		}
	}
	for _, rows := range found {
		slices.SortFunc(rows, func(a, b Favorite) int { return cmp.Compare(a.VideoID, b.VideoID) }) // no database promises it
	}
	return found, nil
}

// FavoriteRows reads the rows of keys.
func (s *Store) FavoriteRows(ctx context.Context, keys []FavoriteKey) (map[FavoriteKey]Favorite, error) {
	return favoriteRows(s.DB, s.Read.WithContext(ctx), keys)
}

// Favorites reads and locks the rows of keys. Sorted keys keep two writers from waiting for each other.
func (t *Tx) Favorites(keys []FavoriteKey) (map[FavoriteKey]Favorite, error) {
	return favoriteRows(t.db, t.db.ForUpdate(t.tx), keys)
}

func favoriteRows(db *sqldb.DB, q *gorm.DB, keys []FavoriteKey) (map[FavoriteKey]Favorite, error) {
	q = q.Session(&gorm.Session{}) // each chunk starts from here
	table, columns := sqldb.Keyed{Table: "favorites", Columns: []string{"user_id", "video_id"}}, sqldb.Columns[Favorite](q, "t")
	found := make(map[FavoriteKey]Favorite, len(keys))
	for part := range slices.Chunk(keys, maxRows) {
		pairs := make([][]int64, len(part))
		for i, k := range part {
			pairs[i] = []int64{k.UserID, k.VideoID}
		}
		some := table.Query(db, q, pairs).Select(columns)
		err := sqldb.Rows[Favorite]{Query: some}.Each(func(r Favorite) { found[FavoriteKey{r.UserID, r.VideoID}] = r })
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// InsertFavorites adds rows that Favorites did not find.
func (t *Tx) InsertFavorites(rows []Favorite) error { return createAll(t.tx, rows) }

// UpdateFavorites stores Liked, LastEvent and LikedEvent of rows that Favorites found.
func (t *Tx) UpdateFavorites(rows []Favorite) error {
	// The rows exist and are locked, so the insert part never happens: it is how many rows change in one statement.
	set := clause.AssignmentColumns([]string{"liked", "last_event", "liked_event"})
	return createAll(t.tx.Clauses(sqldb.Upsert(set, "user_id", "video_id")), rows)
}
