// Package picture makes JPEGs of a fixed size of pictures that users send: whatever their format, size and orientation, and
// whatever they are made to do to who decodes them.
package picture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // the formats that are read
	"image/jpeg"
	_ "image/png"
	"io"
	"runtime/debug"

	_ "golang.org/x/image/webp"

	"tiktok/pkg/errno"
)

const (
	// MaxBytes is how large a file may be.
	MaxBytes = 8 << 20
	// MaxPixels is how many pixels a picture may have.
	MaxPixels = 50_000_000
	// MaxMemory is about how many bytes Scale needs at most, beside the file. Few pictures of less than MaxPixels need more: some
	// progressive JPEGs and pictures with 16 bits a channel. They are refused.
	MaxMemory = 384 << 20
	// maxScans is how many scans a JPEG may have: cameras and programs make a dozen, and each can be a few bytes that take as long as
	// all pixels. Random bytes of metadata look like a hundred at most.
	maxScans = 500
	// largeMemory is from where on memory goes back to the system at once. It costs some milliseconds, and decoding hundreds.
	largeMemory = 96 << 20
	// quality is that of the JPEGs, 1..100.
	quality = 88
)

// Scale returns a JPEG of width by height pixels that shows the middle of the picture in data: a JPEG, PNG, GIF (its first
// picture) or WebP. It is upright if the file says how (EXIF), and shows white where it is transparent. Nothing else of the file is
// in the result: no place, no date, no device. It needs at most about MaxMemory, and one CPU for up to seconds: callers bound how
// many run at a time. It ends soon after ctx does.
//
// The error is errno.PictureTooLarge, before anything is decoded; errno.PictureUnreadable; or that of ctx.
func Scale(ctx context.Context, data []byte, width, height int) ([]byte, error) {
	if len(data) > MaxBytes {
		return nil, errno.PictureTooLarge.With("the picture has more than 8 MiB")
	}
	cfg, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, unreadable(err)
	}
	need, err := check(cfg, format, data)
	if err != nil {
		return nil, err
	}
	if need > largeMemory {
		defer debug.FreeOSMemory() // else the next one might come on top of it
	}
	img, _, err := image.Decode(untilDone{ctx, bytes.NewReader(data)})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, unreadable(err)
	case img.Bounds().Empty():
		return nil, unreadable(errors.New("no pixels"))
	}
	turn := orientationOf(data, format)
	if turn.onItsSide() {
		width, height = height, width
	}
	small, err := cover(ctx, img, width, height)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, turn.upright(small), &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("encode a picture: %w", err)
	}
	return out.Bytes(), nil
}

// unreadable is errno.PictureUnreadable, with the reason for logs.
func unreadable(reason error) error { return fmt.Errorf("%w: %w", errno.PictureUnreadable, reason) }

// check refuses what is too large to be decoded, by what the file says of itself, and returns what decoding it takes. The decoders
// hold the file to what it says.
func check(cfg image.Config, format string, data []byte) (need int64, err error) {
	if cfg.Width <= 0 || cfg.Height <= 0 {
		return 0, unreadable(fmt.Errorf("%d by %d pixels", cfg.Width, cfg.Height))
	}
	if cfg.Width > MaxPixels/cfg.Height {
		return 0, errno.PictureTooLarge.With("the picture has more than 50 million pixels")
	}
	if format == "jpeg" && bytes.Count(data, []byte{0xff, 0xda}) > maxScans {
		return 0, unreadable(errors.New("too many scans"))
	}
	if need, err = memory(cfg, format, data); err != nil {
		return 0, err
	}
	if need > MaxMemory {
		return 0, errno.PictureTooLarge.With("the picture has too many pixels for its format")
	}
	return need, nil
}

// untilDone is a reader that ends with its context: some kilobytes can be work for seconds. Decoders read some kilobytes at a time.
type untilDone struct {
	ctx context.Context //nolint:containedctx // a reader has no parameter for it
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
