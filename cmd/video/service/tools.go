package service

import (
	"context"

	"tiktok/pkg/media"
)

// Tools makes what a worker stores: local files from a local file. A call ends soon after ctx, with its processes. An error
// that media.Refused knows means that no repetition can help. progress is called with 0 to 1, from any goroutine.
type Tools interface {
	// Steps is the set of db.Step… that can be done here.
	Steps() int
	// Describe says in a line what can be done here and what not.
	Describe() string
	// Transcode writes an mp4 file that every phone plays, and says what is in it.
	Transcode(ctx context.Context, src, dst string, progress func(float64)) (media.Info, error)
	// Cover writes a JPEG of one frame.
	Cover(ctx context.Context, src, dst string) error
	// Preview writes a short animation as WebP.
	Preview(ctx context.Context, src, dst string) error
	// HLS fills the empty folder dir with a ladder: master.m3u8 and everything that it names.
	HLS(ctx context.Context, src, dir string, progress func(float64)) error
}
