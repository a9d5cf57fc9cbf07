package db

import (
	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

// Authors share the workers by start-time fair queueing. Each author has a virtual clock in each lane, advanced by the cost of what
// they upload; each lane has one too, the start tag (turn) of the row that was claimed last. The turn of a row is the later of both
// when it is queued. So an author with few uploads comes next whatever others have queued, and those who wait get equal shares. All
// workers of all processes share this order, and it costs no more when more waits.

const (
	// jobCost is that of a video of no length.
	jobCost = 1000
	// costPixels is a picture of 720p: a cost is then about the time that the video lasts, in milliseconds, in that size.
	costPixels = 1280 * 720
	// maxCost bounds what a description can claim.
	maxCost = 1 << 40

	laneTurnSQL = "SELECT turn FROM media_turns WHERE lane = ? AND author_id = ?"
	advanceSQL  = "UPDATE media_turns SET turn = ? WHERE lane = ? AND author_id = 0 AND turn < ?"
)

// authorTurn is the clock of an author in a lane; that of author 0 is the lane's.
type authorTurn struct {
	Lane     int   `gorm:"column:lane;primaryKey;autoIncrement:false"`
	AuthorID int64 `gorm:"column:author_id;primaryKey;autoIncrement:false"`
	Turn     int64 `gorm:"column:turn"`
}

// TableName is media_turns.
func (authorTurn) TableName() string { return "media_turns" }

// LaneOf is the lane of a row with these steps left.
func LaneOf(todo int) int {
	switch {
	case todo&StepTranscode != 0:
		return LaneTranscode
	case todo&StepCover != 0:
		return LaneCover
	case todo != 0:
		return LaneImprove
	}
	return LaneNone
}

// cost is how much work the row is in a lane.
func (m Media) cost(lane int) int64 {
	if lane == LaneCover {
		return jobCost
	}
	pixels := max(int64(m.WidthPx), 0) * max(int64(m.HeightPx), 0)
	return jobCost + int64(min(float64(pixels)*float64(max(m.DurationMs, 0))/costPixels, maxCost))
}

// enqueue makes m wait in the lane, behind what its author has given already.
func (s *Store) enqueue(tx *gorm.DB, m *Media, lane int) error {
	var now int64
	if err := tx.Raw(laneTurnSQL, lane, 0).Scan(&now).Error; err != nil {
		return err
	}
	cost := m.cost(lane)
	upsert := sqldb.Upsert(s.Advancing("turn", cost), "lane", "author_id")
	if err := tx.Clauses(upsert).Create(&authorTurn{lane, m.AuthorID, now + cost}).Error; err != nil {
		return err
	}
	var next int64
	if err := tx.Raw(laneTurnSQL, lane, m.AuthorID).Scan(&next).Error; err != nil {
		return err
	}
	m.Lane, m.Hold, m.Turn = lane, 0, next-cost
	return nil
}
