package service

import (
	"context"
	"errors"
	"os"

	"tiktok/cmd/video/dal/db"
	"tiktok/config"
	"tiktok/pkg/media"
	"tiktok/pkg/telemetry"
)

// ffmpeg is Tools on pkg/media.
type ffmpeg struct{ *media.Tools }

// newTools looks for the programs.
func newTools(cfg config.Media, tel *telemetry.Telemetry) ffmpeg {
	return ffmpeg{media.New(cfg.Config).WithLog(tel.Log)}
}

// Steps implements Tools.
func (f ffmpeg) Steps() int {
	steps := 0
	if f.HasFFmpeg() {
		steps |= db.StepCover
	}
	if f.CanPreview() {
		steps |= db.StepPreview
	}
	if f.CanEncode() {
		steps |= db.StepTranscode | db.StepHLS
	}
	return steps
}

// Transcode implements Tools.
func (f ffmpeg) Transcode(ctx context.Context, src, dst string, progress func(float64)) (media.Info, error) {
	info, err := f.Probe(ctx, src)
	if err != nil {
		return media.Info{}, err
	}
	return f.MakePlayable(ctx, src, dst, info, progress)
}

// Cover implements Tools.
func (f ffmpeg) Cover(ctx context.Context, src, dst string) error {
	info, err := f.Probe(ctx, src)
	if err != nil {
		return err
	}
	picture, err := f.Tools.Cover(ctx, src, info)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil { // its own, which is the same at the next attempt
		return errors.Join(&media.Refusal{Reason: media.TooCostly, Text: reasonOf(db.StepCover)}, err)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(dst, picture, 0o600)
}

// Preview implements Tools.
func (f ffmpeg) Preview(ctx context.Context, src, dst string) error {
	info, err := f.Probe(ctx, src)
	if err != nil {
		return err
	}
	return f.Tools.Preview(ctx, src, dst, info)
}

// HLS implements Tools.
func (f ffmpeg) HLS(ctx context.Context, src, dir string, progress func(float64)) error {
	info, err := f.Probe(ctx, src)
	if err != nil {
		return err
	}
	_, err = f.Tools.HLS(ctx, src, dir, info, progress)
	return err
}
