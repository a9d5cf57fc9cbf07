package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/jpeg"
	"time"
)

const (
	coverSide    = 720              // pixels of the longer side of a cover
	coverTimeout = 10 * time.Second // for waiting and for running together
	coverBytes   = 2 << 20          // more than any JPEG of that size
	darkest      = 24               // of 255: what is darker on average is taken for black
)

// CoverOrDrawn is Cover, or when there is no ffmpeg, or it fails, or it takes longer than 10 seconds with the wait for its
// turn, a drawn picture of the same shape, which a frame may replace later. The only error is that of ctx. Without ffmpeg
// the file at path is not read: the path only chooses the colours.
func (t *Tools) CoverOrDrawn(ctx context.Context, path string, info Info) (picture []byte, drawn bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	if t.ffmpeg == "" {
		return placeholder(path, info), true, nil
	}
	if picture, err = t.Cover(ctx, path, info); err == nil {
		return picture, false, nil
	}
	if ctx.Err() != nil {
		return nil, false, ctx.Err()
	}
	t.log.WarnContext(ctx, "no frame for a cover, drawing one", "err", err)
	return placeholder(path, info), true, nil
}

// placeholder has the shape of the video.
func placeholder(path string, info Info) []byte {
	h := fnv.New64a()
	_, _ = h.Write([]byte(path)) // never fails
	w, ht := fit(info.WidthPx, info.HeightPx)
	return PlaceholderCover(int64(h.Sum64()), w, ht)
}

// fit scales a size down so that the longer side is at most coverSide. What is no size is a portrait one.
func fit(w, h int32) (int, int) {
	if w <= 0 || h <= 0 {
		return coverSide * 9 / 16, coverSide
	}
	long := int(max(w, h))
	if long <= coverSide {
		return int(w), int(h)
	}
	return max(int(w)*coverSide/long, 1), max(int(h)*coverSide/long, 1)
}

// Cover returns a JPEG of a frame of the video file at path, which Probe has accepted with info: that at a tenth of its
// duration, or, when it is nearly black, the brightest of some others, with a longer side of at most 720 pixels. It fails
// without ffmpeg, which is a *Refusal, and after 10 seconds, the wait for its turn included.
func (t *Tools) Cover(ctx context.Context, path string, info Info) ([]byte, error) {
	if t.ffmpeg == "" {
		return nil, refuse(Unsupported, "no ffmpeg")
	}
	ctx, cancel := context.WithTimeout(ctx, t.coverTimeout)
	defer cancel()
	info = t.withTransfer(ctx, path, info)
	release, err := take(ctx, t.quick)
	if err != nil {
		return nil, err
	}
	defer release()
	var best []byte
	var bestLight float64
	var failed error
	for _, part := range []float64{0.1, 0.25, 0.5, 0.75, 0} {
		picture, light, err := t.frameAt(ctx, path, info, time.Duration(part*float64(info.duration())))
		switch {
		case err != nil:
			failed = err // a place that can not be decoded; perhaps another can
			if ctx.Err() != nil {
				break
			}
			continue
		case best == nil || light > bestLight:
			best, bestLight = picture, light
		}
		if bestLight >= darkest || ctx.Err() != nil {
			break
		}
	}
	if best == nil {
		return nil, failed
	}
	return best, nil
}

// frameAt takes one frame, and measures how light it is.
func (t *Tools) frameAt(ctx context.Context, path string, info Info, at time.Duration) ([]byte, float64, error) {
	args, err := t.inputArgs(path, info, at)
	if err != nil {
		return nil, 0, err
	}
	w, h := fit(info.WidthPx, info.HeightPx)
	args = append(args,
		"-map", "0:V:0", "-frames:v", "1", "-filter_threads", "1", "-vf", t.pictureFilter(info, w, h),
		"-map_metadata", "-1", "-threads", "1", "-c:v", "mjpeg", "-q:v", "4", "-pix_fmt", "yuvj420p", "-f", "image2pipe", "pipe:1",
	)
	stdout := &limited{max: coverBytes}
	c := command{program: t.ffmpeg, args: args, stdout: stdout, cpu: t.coverTimeout * time.Duration(t.threads), memory: t.memory, fileSize: coverBytes, urgent: true}
	if err := t.run(ctx, c); err != nil {
		return nil, 0, err
	}
	if stdout.over {
		return nil, 0, errors.New("ffmpeg: the picture is too big")
	}
	picture, err := jpeg.Decode(bytes.NewReader(stdout.buf.Bytes()))
	if err != nil {
		return nil, 0, fmt.Errorf("ffmpeg: no picture: %w", err)
	}
	return stdout.buf.Bytes(), lightness(picture), nil
}

// lightness is the mean of the brightness of some pixels, 0 to 255.
func lightness(picture image.Image) float64 {
	const steps = 64
	b := picture.Bounds()
	var sum, n float64
	for y := range steps {
		for x := range steps {
			at := color.GrayModel.Convert(picture.At(b.Min.X+x*b.Dx()/steps, b.Min.Y+y*b.Dy()/steps))
			if gray, ok := at.(color.Gray); ok {
				sum += float64(gray.Y)
				n++
			}
		}
	}
	return sum / max(n, 1)
}
