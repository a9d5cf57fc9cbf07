package service

import (
	"testing"

	"tiktok/kitex_gen/interaction"
)

// What a repair sets right is what the next read shows, though the wrong counter was cached.
func TestRepairedCounters(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		v := videoOf(1, 1)
		f.like(t, 101, v)
		if err := f.raw.Write.Exec("UPDATE video_stats SET favorite_count = 7").Error; err != nil {
			t.Fatal(err)
		}
		if err := f.raw.Write.Exec("UPDATE user_stats SET total_favorited = 7 WHERE user_id = 1").Error; err != nil {
			t.Fatal(err)
		}
		f.stats.Repaired(t.Context(), v, 1)
		same(t, "wrong", seenVideo{FavoriteCount: 7}, f.videoStats(t, 0, v)) // now cached
		same(t, "wrong", interaction.UserStats{TotalFavorited: 7}, f.userStats(t, 1))
		if n, err := f.store.Repair(t.Context(), t.Logf, f.stats.Repaired); n != 2 || err != nil {
			t.Errorf("%d counters repaired, %v; want 2", n, err)
		}
		same(t, "video", seenVideo{FavoriteCount: 1}, f.videoStats(t, 0, v))
		same(t, "author", interaction.UserStats{TotalFavorited: 1}, f.userStats(t, 1))
	})
}
