package handler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"tiktok/pkg/blob"
	"tiktok/pkg/errno"
	"tiktok/pkg/media"
)

// process checks the stored file, makes it the one that is published and stores its cover.
func (u *upload) process(ctx context.Context) error {
	err := u.probe(ctx)
	if err == nil {
		err = errors.Join(u.info.CheckDuration(u.h.MaxDuration), u.h.Tools.CheckWork(u.info))
	}
	if err == nil {
		err = u.place(ctx)
	}
	if r := media.Refused(err); r != nil {
		u.h.Log.InfoContext(ctx, "upload refused", "bytes", u.size, "reason", r.Reason, "err", err)
		if r.Reason == media.TooLong {
			return errno.VideoTooLong.With(r.Text)
		}
		return errno.VideoUnplayable.With(r.Text)
	}
	if err != nil {
		return err
	}
	return u.addCover(ctx)
}

// probe looks into the file: without a program where that is possible, else with ffprobe. The latter is for files that need
// ffmpeg anyway, so without that they are refused at once.
func (u *upload) probe(ctx context.Context) (err error) {
	u.info, err = u.look(ctx, u.temp)
	if r := media.Refused(err); r == nil || r.Reason != media.Unsupported || !u.h.Tools.CanEncode() {
		return err
	}
	path, err := u.file(ctx, u.temp)
	if err != nil {
		return err
	}
	return u.h.inTurn(ctx, func() error {
		u.info, err = u.h.Tools.Probe(ctx, path)
		return err
	})
}

// look probes a stored mp4 or mov file.
func (u *upload) look(ctx context.Context, key string) (media.Info, error) {
	obj, err := u.h.Blobs.Open(ctx, key)
	if err != nil {
		return media.Info{}, err
	}
	defer func() { _ = obj.Close() }() // only read
	return media.Probe(ctx, media.ReaderAt(obj), obj.Size)
}

// place makes of the temporary file the one that is published.
func (u *upload) place(ctx context.Context) error {
	need := u.info.Needs()
	if need == media.NeedNothing {
		return u.move(ctx, fmt.Sprintf("videos/%s/%s.mp4", u.id[:2], u.id))
	}
	var refusal error = errno.VideoUnplayable.With(media.Unsupported.Text())
	if need == media.NeedFaststart || need == media.NeedRemux && u.info.Container == "mov" {
		err := u.h.inTurn(ctx, func() error { return u.faststart(ctx) })
		if r := media.Refused(err); r == nil || r.Reason != media.Unsupported {
			return err
		}
		refusal = err // of a mov file with something that mp4 has no place for
	}
	if !u.h.Tools.CanEncode() {
		u.h.Log.InfoContext(ctx, "upload refused", "bytes", u.size, "need", need, "container", u.info.Container,
			"video", u.info.VideoCodec, "audio", u.info.AudioCodec)
		return refusal
	}
	u.transcode = true
	return u.move(ctx, fmt.Sprintf("%s%s/%s", sourcePrefix, u.id[:2], u.id))
}

func (u *upload) move(ctx context.Context, key string) error {
	u.key = key
	if err := u.h.Blobs.Move(ctx, u.temp, key); err != nil {
		return err
	}
	u.temp = ""
	return nil
}

// faststart streams the temporary file into one that phones begin to play while they load it, in memory that does not
// depend on its size, and looks whether the result is one.
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
	info, err := u.look(ctx, u.key)
	if err != nil {
		return fmt.Errorf("look at what faststart wrote: %v", err) //nolint:errorlint // a refusal would blame the user
	}
	if info.Needs() != media.NeedNothing {
		return fmt.Errorf("faststart wrote a file that needs %v: %+v", info.Needs(), info)
	}
	u.size, u.info = size, info
	return nil
}

// addCover stores a frame of the video where there is ffmpeg, else a drawn picture.
func (u *upload) addCover(ctx context.Context) error {
	path := u.key
	var err error
	if u.h.Tools.HasFFmpeg() {
		if path, err = u.file(ctx, u.key); err != nil {
			return err
		}
	}
	var picture []byte
	err = u.h.inTurn(ctx, func() error {
		picture, u.drawn, err = u.h.Tools.CoverOrDrawn(ctx, path, u.info)
		return err
	})
	if err != nil {
		return err
	}
	u.cover = fmt.Sprintf("covers/%s/%s.jpg", u.id[:2], u.id)
	_, err = u.h.Blobs.Put(ctx, u.cover, bytes.NewReader(picture), "image/jpeg")
	return err
}

// file is a path at which a program can read an object of this upload: that of the store, or of a copy, which discard
// deletes.
func (u *upload) file(ctx context.Context, key string) (string, error) {
	if path, ok := blob.LocalPath(u.h.Blobs, key); ok {
		return path, nil
	}
	if u.copied != "" {
		return u.copied, nil // of the same content, or of the same pictures
	}
	obj, err := u.h.Blobs.Open(ctx, key)
	if err != nil {
		return "", err
	}
	defer func() { _ = obj.Close() }() // only read
	f, err := os.CreateTemp(u.h.WorkDir, "upload-*")
	if err != nil {
		return "", noRoom(err)
	}
	u.copied = f.Name()
	_, err = io.Copy(f, obj)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return u.copied, noRoom(err)
}

// noRoom makes a full temporary folder what a full store is: the user may try again.
func noRoom(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("temporary folder: %w: %w", blob.ErrFull, err)
	}
	return err
}

// inTurn calls f when few enough others do such work, which takes a CPU or a disk.
func (h *Handler) inTurn(ctx context.Context, f func() error) error {
	select {
	case h.turns <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-h.turns }()
	return f()
}
