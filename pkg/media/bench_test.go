package media

import (
	"path/filepath"
	"testing"
)

// demoClips are the videos that an empty all-in-one starts with: 360 x 640, four to six seconds.
func demoClips(b *testing.B) []string {
	b.Helper()
	clips, err := filepath.Glob("../../cmd/tiktok/app/demo/clips/*.mp4")
	if err != nil || len(clips) == 0 {
		b.Fatalf("no clips: %v", err)
	}
	return clips
}

func BenchmarkCover(b *testing.B) {
	tools := needFFmpeg(b)
	clips := demoClips(b)
	for i := 0; b.Loop(); i++ {
		path := clips[i%len(clips)]
		info, err := tools.Probe(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := tools.Cover(b.Context(), path, info); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJobs makes a cover, a preview and a ladder of one clip after the other.
func BenchmarkJobs(b *testing.B) {
	tools := needFFmpeg(b)
	clips := demoClips(b)
	for i := 0; b.Loop(); i++ {
		path := clips[i%len(clips)]
		info, err := tools.Probe(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := tools.Cover(b.Context(), path, info); err != nil {
			b.Fatal(err)
		}
		dir := b.TempDir()
		if err := tools.Preview(b.Context(), path, filepath.Join(dir, "preview.webp"), info); err != nil {
			b.Fatal(err)
		}
		if _, err := tools.HLS(b.Context(), path, b.TempDir(), info, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Minutes(), "jobs/min")
}
