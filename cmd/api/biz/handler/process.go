package handler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"tiktok/pkg/blob"
	"tiktok/pkg/disk"
	"tiktok/pkg/errno"
	"tiktok/pkg/fair"
	"tiktok/pkg/media"
)

// process checks the stored file, makes the published one of it and stores its cover. quickCtx bounds what a worker can do later.
func (u *upload) process(ctx, quickCtx context.Context) error {
	err := u.probe(ctx, quickCtx)
	if err == nil {
		err = errors.Join(u.info.CheckDuration(u.h.MaxDuration), u.h.Tools.CheckWork(u.info))
	}
	if err == nil {
		err = u.storeFinal(ctx, quickCtx)
	}
	if err == nil {
		err = u.addCover(ctx, quickCtx)
	}
	if r := media.Refused(err); r != nil {
		u.h.Log.InfoContext(ctx, "upload refused", "bytes", u.size, "reason", r.Reason, "err", err)
		if r.Reason == media.TooLong {
			return errno.VideoTooLong.With(r.Text)
		}
		return errno.VideoUnplayable.With(r.Text)
	}
	return err
}

// probe reads what is in the file: in this process if possible, else with ffprobe. A file that needs ffprobe needs ffmpeg too,
// so without ffmpeg it is refused at once. If ffprobe does not finish within quickCtx, the worker that transcodes the file
// probes it, and if need be refuses it in its author's list.
func (u *upload) probe(ctx, quickCtx context.Context) (err error) {
	u.info, err = u.probeStored(ctx, u.temp)
	if r := media.Refused(err); r == nil || r.Reason != media.Unsupported || !u.h.Tools.CanEncode() {
		return err
	}
	path, err := u.file(quickCtx, u.temp)
	if err == nil {
		err = u.h.withSlot(quickCtx, u.h.cpuSlots, u.in.Viewer, func() error {
			u.info, err = u.h.Tools.Probe(quickCtx, path)
			return err
		})
	}
	if err != nil && quickCtx.Err() != nil && ctx.Err() == nil && media.Refused(err) == nil {
		u.h.Log.InfoContext(ctx, "an upload is not probed before it is transcoded", "bytes", u.size, "err", err)
		u.info, err = media.Info{}, nil
	}
	return err
}

// probeStored probes a stored mp4 or mov file.
func (u *upload) probeStored(ctx context.Context, key string) (media.Info, error) {
	obj, err := u.h.Blobs.Open(ctx, key)
	if err != nil {
		return media.Info{}, err
	}
	defer func() { _ = obj.Close() }() // only read
	return media.Probe(ctx, media.ReaderAt(obj), obj.Size)
}

// storeFinal makes the published file of the temporary one.
func (u *upload) storeFinal(ctx, quickCtx context.Context) error {
	need := u.info.Needs()
	if need == media.NeedNothing {
		return u.move(ctx, fmt.Sprintf("videos/%s/%s.mp4", u.id[:2], u.id))
	}
	var refusal error = errno.VideoUnplayable.With(media.Unsupported.Text())
	if need == media.NeedFaststart || need == media.NeedRemux && u.info.Container == "mov" {
		err := u.faststartWithSlot(ctx, quickCtx)
		r := media.Refused(err)
		if later := errors.Is(err, errNoSlot) && u.h.Tools.CanEncode(); !later && (r == nil || r.Reason != media.Unsupported) {
			return err
		}
		refusal = err // of a mov file with something that mp4 cannot hold
	}
	if !u.h.Tools.CanEncode() {
		u.h.Log.InfoContext(ctx, "upload refused", "bytes", u.size, "need", need, "container", u.info.Container,
			"video", u.info.VideoCodec, "audio", u.info.AudioCodec)
		return refusal
	}
	u.transcode = true
	return u.move(ctx, fmt.Sprintf("%s%s/%s", sourcePrefix, u.id[:2], u.id))
}

// faststartWithSlot is faststart, or errNoSlot if no slot becomes free within quickCtx, or requiredTimeout without workers.
func (u *upload) faststartWithSlot(ctx, quickCtx context.Context) error {
	slotCtx := quickCtx
	if !u.h.Tools.CanEncode() {
		long, cancel := context.WithTimeout(ctx, requiredTimeout)
		defer cancel()
		slotCtx = long
	}
	return u.h.withSlot(slotCtx, u.h.cpuSlots, u.in.Viewer, func() error { return u.faststart(ctx) })
}

func (u *upload) move(ctx context.Context, key string) error {
	u.key = key
	if err := u.h.Blobs.Move(ctx, u.temp, key); err != nil {
		return err
	}
	u.temp = ""
	return nil
}

// faststart streams the temporary file into one that phones begin to play while they load it, in memory that does not depend on
// its size, and probes the result.
func (u *upload) faststart(ctx context.Context) error {
	obj, err := u.h.Blobs.Open(ctx, u.temp)
	if err != nil {
		return err
	}
	defer func() { _ = obj.Close() }() // only read
	out, in := io.Pipe()
	failed := make(chan error, 1)
	go func() {
		_, err := media.Faststart(ctx, media.ReaderAt(obj), obj.Size, in)
		_ = in.CloseWithError(err) // always nil
		failed <- err
	}()
	u.key = fmt.Sprintf("videos/%s/%s.mp4", u.id[:2], u.id)
	size, err := u.h.Blobs.Put(ctx, u.key, out, "video/mp4")
	_ = out.CloseWithError(io.ErrClosedPipe) // ends Faststart when it was Put that failed
	if ferr := <-failed; media.Refused(ferr) != nil {
		return ferr
	}
	if err != nil {
		return err
	}
	info, err := u.probeStored(ctx, u.key)
	if err != nil {
		return fmt.Errorf("probe what faststart wrote: %v", err) //nolint:errorlint // a refusal would blame the user
	}
	if info.Needs() != media.NeedNothing {
		return fmt.Errorf("faststart wrote a file that needs %v: %+v", info.Needs(), info)
	}
	u.size, u.info = size, info
	return nil
}

// addCover stores a frame of the video if that is cheap and fast, else a drawn picture, which a worker replaces. A video of which
// no frame can be decoded is refused.
func (u *upload) addCover(ctx, quickCtx context.Context) error {
	picture, err := u.frame(ctx, quickCtx)
	if err != nil {
		return err
	}
	if picture == nil {
		u.coverDrawn = true
		err := u.h.withSlot(ctx, u.h.drawSlots, u.in.Viewer, func() error {
			picture = media.DrawnCover(u.key, u.info)
			return nil
		})
		if err != nil {
			return err
		}
	}
	u.cover = fmt.Sprintf("covers/%s/%s.jpg", u.id[:2], u.id)
	_, err = u.h.Blobs.Put(ctx, u.cover, bytes.NewReader(picture), "image/jpeg")
	return err
}

// frame is a frame of the video, or nil. The error says that none can be decoded.
func (u *upload) frame(ctx, quickCtx context.Context) (picture []byte, err error) {
	local := u.localCopy != "" || u.size <= frameBytes
	if _, ok := blob.LocalPath(u.h.Blobs, u.key); !ok && !local || !u.h.Tools.HasFFmpeg() || u.transcode || !u.info.QuickCover() {
		return nil, nil
	}
	err = u.h.withSlot(quickCtx, u.h.coverSlots, u.in.Viewer, func() error {
		path, err := u.file(quickCtx, u.key)
		if err == nil {
			picture, u.coverDrawn, err = u.h.Tools.QuickCover(quickCtx, path, u.info)
		}
		return err
	})
	if r := media.Refused(err); r != nil && r.Reason == media.Undecodable {
		return nil, err
	}
	if err != nil && !errors.Is(err, errNoSlot) {
		u.h.Log.WarnContext(ctx, "no frame for a cover, drawing one", "err", err)
	}
	return picture, nil
}

// file is a path at which a program can read an object of this upload: that of the store, or of a local copy, which cleanUp
// deletes. Copying ends with ctx.
func (u *upload) file(ctx context.Context, key string) (string, error) {
	if path, ok := blob.LocalPath(u.h.Blobs, key); ok {
		return path, nil
	}
	if u.localCopy != "" {
		return u.localCopy, nil // of the same content, or with the same pictures
	}
	if err := u.h.checkCapacity(); err != nil {
		return "", err
	}
	obj, err := u.h.Blobs.Open(ctx, key)
	if err != nil {
		return "", err
	}
	defer func() { _ = obj.Close() }() // only read
	f, err := os.CreateTemp(u.h.WorkDir, "upload-*")
	if err != nil {
		return "", asStoreFull(err)
	}
	_, err = io.Copy(f, untilDone{ctx, obj})
	if err = errors.Join(err, f.Close()); err != nil {
		return "", asStoreFull(errors.Join(err, os.Remove(f.Name())))
	}
	u.localCopy = f.Name()
	return u.localCopy, nil
}

// untilDone is a reader that ends with its context.
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

// asStoreFull turns a full temporary folder into a full store: the user may try again.
func asStoreFull(err error) error {
	if disk.Full(err) {
		return fmt.Errorf("temporary folder: %w: %w", blob.ErrFull, err)
	}
	return err
}

// errNoSlot is an upload that got no slot in time.
var errNoSlot = errors.New("no free slot in time")

// withSlot calls f with a slot of q. Its error is errNoSlot if too many wait, or if ctx ends before a slot is free.
func (h *Handler) withSlot(ctx context.Context, q *fair.Queue[int64], user int64, f func() error) error {
	release, err := q.Acquire(ctx, user)
	if err != nil {
		return fmt.Errorf("%w: %w", errNoSlot, err)
	}
	defer release()
	return f()
}
