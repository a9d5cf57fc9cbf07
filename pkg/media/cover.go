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
	drawnSide    = 360              // and of a drawn one: there is nothing in it to see, and drawing costs for each pixel
	coverTimeout = 10 * time.Second // for waiting and for running together
	coverBytes   = 2 << 20          // more than any JPEG of that size
	coverMemory  = 1 << 30          // bytes of address space for a cover; decoded on one thread, 8192 x 4320 needs no more
	darkest      = 24               // of 255: what is darker on average is taken for black

	quickTimeout = 1500 * time.Millisecond // for a cover while somebody waits for it
	quickMemory  = 512 << 20               // bytes of address space for it; some 60 MB are used
	quickPixels  = 1920 * 1088             // of the largest picture for it
)

// QuickCover reports whether Tools.QuickCover can be asked for: H.264 in 8 bits of at most 1920 x 1088 pixels. Everything
// else may cost anything.
func (i Info) QuickCover() bool {
	return i.playableVideo() && i.WidthPx > 0 && i.HeightPx > 0 && int64(i.WidthPx)*int64(i.HeightPx) <= quickPixels
}

// QuickCover is a cover for somebody who waits: the key frame before a tenth of the duration, decoded alone on one thread
// in 512 MiB of address space and at most 1.5 seconds, the wait for a slot included. better says that it is nearly
// black: Cover may find another frame. When neither that frame nor one at the beginning can be decoded, the file is refused
// as Undecodable. A file of which Info.QuickCover is false is a *Refusal as Unsupported, as everything is without ffmpeg.
func (t *Tools) QuickCover(ctx context.Context, path string, info Info) (picture []byte, better bool, err error) {
	if t.ffmpeg == "" || !info.QuickCover() {
		return nil, false, refuse(Unsupported, "no quick cover of %s, %d x %d", info.VideoCodec, info.WidthPx, info.HeightPx)
	}
	ctx, cancel := context.WithTimeout(ctx, quickTimeout)
	defer cancel()
	release, err := acquire(ctx, t.quick)
	if err != nil {
		return nil, false, err
	}
	defer release()
	args, err := readFrom(path, info, time.Duration(0.1*float64(info.duration())), 1, quickPixels+quickPixels/8,
		"-skip_frame", "nokey", "-noaccurate_seek", "-copyts") // with times from the place on, the frame before it would be dropped
	if err != nil {
		return nil, false, err
	}
	picture, light, err := t.frame(ctx, path, args, info, quickTimeout, min(t.memory, quickMemory))
	if err != nil && ctx.Err() == nil && limitOf(err) == "" { // of one place only, perhaps
		picture, light, err = t.frameAt(ctx, path, info, 0)
	}
	return picture, light < darkest, err
}

// isUndecodable reports whether a frame failed because of what is in the file.
func isUndecodable(err error) bool {
	r := Refused(err)
	return r != nil && r.Reason == Undecodable
}

// DrawnCover draws a picture of the same shape in place of a cover, with a longer side of at most 360 pixels. The name
// chooses the colours. It takes about 10 ms of a CPU.
func DrawnCover(name string, info Info) []byte {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	w, ht := fit(info.WidthPx, info.HeightPx, drawnSide)
	return PlaceholderCover(int64(h.Sum64()), w, ht)
}

// fit scales a size down so that the longer side is at most most. What is no size is a portrait one.
func fit(w, h int32, most int) (int, int) {
	if w <= 0 || h <= 0 {
		return most * 9 / 16, most
	}
	long := int(max(w, h))
	if long <= most {
		return int(w), int(h)
	}
	return max(int(w)*most/long, 1), max(int(h)*most/long, 1)
}

// Cover returns a JPEG of a frame of the video file at path, which Probe has accepted with info: that at a tenth of its
// duration, or, when it is nearly black, the brightest of some others, with a longer side of at most 720 pixels. It fails
// without ffmpeg, which is a *Refusal as Unsupported, and after 10 seconds, the wait for a slot included. A file of which no
// frame can be decoded, at five places, is refused as Undecodable.
func (t *Tools) Cover(ctx context.Context, path string, info Info) ([]byte, error) {
	if t.ffmpeg == "" {
		return nil, refuse(Unsupported, "no ffmpeg")
	}
	ctx, cancel := context.WithTimeout(ctx, t.coverTimeout)
	defer cancel()
	info = t.withTransfer(ctx, path, info)
	release, err := acquire(ctx, t.quick)
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
			if failed == nil || !isUndecodable(err) {
				failed = err // a place that can not be decoded; perhaps another can
			}
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
	args, err := readFrom(path, info, at, 1, t.decodePixels())
	if err != nil {
		return nil, 0, err
	}
	return t.frame(ctx, path, args, info, t.coverTimeout, min(t.memory, coverMemory))
}

// frame takes the first frame of what args read, the file at path.
func (t *Tools) frame(
	ctx context.Context, path string, args []string, info Info, cpu time.Duration, memory int64,
) (picture []byte, light float64, err error) {
	w, h := fit(info.WidthPx, info.HeightPx, coverSide)
	args = append(args,
		"-map", "0:V:0", "-frames:v", "1", "-filter_threads", "1", "-vf", t.pictureFilter(info, w, h),
		"-map_metadata", "-1", "-threads", "1", "-c:v", "mjpeg", "-q:v", "4", "-pix_fmt", "yuvj420p", "-f", "image2pipe", "pipe:1",
	)
	stdout := &limited{max: coverBytes}
	c := command{program: t.ffmpeg, args: args, read: path, stdout: stdout, cpu: cpu, memory: memory, fileSize: coverBytes, urgent: true}
	if err := t.run(ctx, c); err != nil {
		if failed := (*RunError)(nil); errors.As(err, &failed) && failed.input {
			return nil, 0, refuse(Undecodable, "%v", failed)
		}
		return nil, 0, err
	}
	if stdout.over {
		return nil, 0, errors.New("ffmpeg: the picture is too big")
	}
	decoded, err := jpeg.Decode(bytes.NewReader(stdout.buf.Bytes()))
	if err != nil {
		return nil, 0, fmt.Errorf("ffmpeg: no picture: %w", err)
	}
	return stdout.buf.Bytes(), lightness(decoded), nil
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
