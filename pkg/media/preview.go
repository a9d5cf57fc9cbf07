package media

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	previewLength = 3 * time.Second
	previewSide   = 320 // pixels of the longer side
	previewRate   = 8   // frames in a second
	previewBytes  = 4 << 20
)

// Preview writes to the file out an animated WebP that runs for ever: about three seconds from a tenth of the video on,
// eight pictures in a second, with a longer side of at most 320 pixels.
func (t *Tools) Preview(ctx context.Context, in, out string, info Info) error {
	if !t.CanPreview() {
		return refuse(Unsupported, "no libwebp")
	}
	args, err := t.inputArgs(in, info, min(info.duration()/10, max(info.duration()-previewLength, 0)))
	if err != nil {
		return err
	}
	out, err = filepath.Abs(out)
	if err != nil {
		return err
	}
	w, h := int(info.WidthPx), int(info.HeightPx)
	if long := max(w, h); long > previewSide {
		w, h = max(w*previewSide/long, 1), max(h*previewSide/long, 1)
	}
	info = t.withTransfer(ctx, in, info)
	args = append(args,
		"-map", "0:V:0", "-t", seconds(previewLength), "-vf", fmt.Sprintf("fps=%d,%s", previewRate, t.pictureFilter(info, w, h)),
		"-map_metadata", "-1", "-c:v", "libwebp_anim", "-quality", "50", "-loop", "0", "-f", "webp", "file:"+out,
	)
	if err := touch(out); err != nil {
		return err
	}
	if err := t.encode(ctx, command{args: args, read: in, write: out, fileSize: previewBytes}, info, nil); err != nil {
		return err
	}
	return checkWebP(out)
}

// checkWebP reports an error unless a file has as many bytes as it says: on a full disk ffmpeg leaves less, and no error.
func checkWebP(path string) error {
	made, err := os.ReadFile(path) // at most previewBytes
	if err != nil {
		return err
	}
	const head = 8
	if len(made) <= head || string(made[:4]) != "RIFF" || int64(binary.LittleEndian.Uint32(made[4:])) != int64(len(made)-head) {
		return fmt.Errorf("the preview was cut off at %d bytes", len(made))
	}
	return nil
}
