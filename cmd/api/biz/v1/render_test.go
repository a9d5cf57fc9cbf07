package v1

import (
	"testing"
	"time"
)

func TestTimestamp(t *testing.T) {
	for _, ms := range []int64{0, 1, 12, 123, 999, 1000, 1_764_400_530_123, 253_402_300_799_999, -1} {
		want := time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00")
		if got := timestamp(ms); got != want {
			t.Errorf("%d: %s, want %s", ms, got, want)
		}
	}
}
