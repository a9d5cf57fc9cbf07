package sqldb

import (
	"context"
	"time"
)

// clockTries is how often the server's clock is read: the fastest answer says it most exactly.
const clockTries = 3

// ClockOffset is how far the database server's clock is ahead of this machine's (negative: behind), to within half of
// the time that the server took to answer. All replicas of a service compare themselves with the same clock. SQLite has
// no clock of its own: 0.
func (d *DB) ClockOffset(ctx context.Context) (time.Duration, error) {
	if d.dialect == SQLite {
		return 0, nil
	}
	var best, offset time.Duration
	for try := range clockTries {
		var micros int64
		before := time.Now()
		err := d.Read.WithContext(ctx).Raw("SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)").Scan(&micros).Error
		if err != nil {
			return 0, Translate(err)
		}
		if took := time.Since(before); try == 0 || took < best {
			best, offset = took, time.UnixMicro(micros).Sub(before.Add(took/2))
		}
	}
	return offset, nil
}
