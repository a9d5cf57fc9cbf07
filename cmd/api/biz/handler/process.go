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

// process checks the stored file, makes it the one that is published and stores its cover. soon ends when whoever uploads
// has waited long enough for what a worker can do later.
func (u *upload) process(ctx, soon context.Context) error {
	err := u.probe(ctx, soon)
	if err == nil {
		err = errors.Join(u.info.CheckDuration(u.h.MaxDuration), u.h.Tools.CheckWork(u.info))
	}
	if err == nil {
		err = u.place(ctx, soon)
	}
	if err == nil {
		err = u.addCover(ctx, soon)
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

// probe looks into the file: without a program where that is possible, else with ffprobe. The latter is for files that need
// ffmpeg anyway, so without that they are refused at once; and when it does not come to an end soon the worker that will
// transcode the file looks into it, and refuses it in the list of its author.
func (u *upload) probe(ctx, soon context.Context) (err error) {
	u.info, err = u.look(ctx, u.temp)
	if r := media.Refused(err); r == nil || r.Reason != media.Unsupported || !u.h.Tools.CanEncode() {
		return err
	}
	path, err := u.file(soon, u.temp)
	if err == nil {
		err = u.h.inTurn(soon, u.h.turns, u.in.Viewer, func() error {
			u.info, err = u.h.Tools.Probe(soon, path)
			return err
		})
	}
	if err != nil && soon.Err() != nil && ctx.Err() == nil && media.Refused(err) == nil {
		u.h.Log.InfoContext(ctx, "an upload is not probed before it is transcoded", "bytes", u.size, "err", err)
		u.info, err = media.Info{}, nil
	}
	return err
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
func (u *upload) place(ctx, soon context.Context) error {
	need := u.info.Needs()
	if need == media.NeedNothing {
		return u.move(ctx, fmt.Sprintf("videos/%s/%s.mp4", u.id[:2], u.id))
	}
	var refusal error = errno.VideoUnplayable.With(media.Unsupported.Text())
	if need == media.NeedFaststart || need == media.NeedRemux && u.info.Container == "mov" {
		err := u.faststartInTurn(ctx, soon)
		r := media.Refused(err)
		if later := errors.Is(err, errNoTurn) && u.h.Tools.CanEncode(); !later && (r == nil || r.Reason != media.Unsupported) {
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

// faststartInTurn is faststart, or errNoTurn when its turn does not come soon, and without workers not for long.
func (u *upload) faststartInTurn(ctx, soon context.Context) error {
	wait := soon
	if !u.h.Tools.CanEncode() {
		long, cancel := context.WithTimeout(ctx, stubborn)
		defer cancel()
		wait = long
	}
	return u.h.inTurn(wait, u.h.turns, u.in.Viewer, func() error { return u.faststart(ctx) })
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

// addCover stores a frame of the video where that is cheap and soon done, else a drawn picture, which a worker replaces. A
// video of which no frame can be decoded is refused.
func (u *upload) addCover(ctx, soon context.Context) error {
	picture, err := u.frame(ctx, soon)
	if err != nil {
		return err
	}
	if picture == nil {
		u.drawn = true
		err := u.h.inTurn(ctx, u.h.drawing, u.in.Viewer, func() error {
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
func (u *upload) frame(ctx, soon context.Context) (picture []byte, err error) {
	local := u.copied != "" || u.size <= frameBytes
	if _, ok := blob.LocalPath(u.h.Blobs, u.key); !ok && !local || !u.h.Tools.HasFFmpeg() || u.transcode || !u.info.QuickCover() {
		return nil, nil
	}
	err = u.h.inTurn(soon, u.h.covers, u.in.Viewer, func() error {
		path, err := u.file(soon, u.key)
		if err == nil {
			picture, u.drawn, err = u.h.Tools.QuickCover(soon, path, u.info)
		}
		return err
	})
	if r := media.Refused(err); r != nil && r.Reason == media.Undecodable {
		return nil, err
	}
	if err != nil && !errors.Is(err, errNoTurn) {
		u.h.Log.WarnContext(ctx, "no frame for a cover, drawing one", "err", err)
	}
	return picture, nil
}

// file is a path at which a program can read an object of this upload: that of the store, or of a copy, which discard
// deletes. The copy ends with ctx.
func (u *upload) file(ctx context.Context, key string) (string, error) {
	if path, ok := blob.LocalPath(u.h.Blobs, key); ok {
		return path, nil
	}
	if u.copied != "" {
		return u.copied, nil // of the same content, or of the same pictures
	}
	if err := u.h.room(); err != nil {
		return "", err
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
	_, err = io.Copy(f, untilDone{ctx, obj})
	if err = errors.Join(err, f.Close()); err != nil {
		return "", noRoom(errors.Join(err, os.Remove(f.Name())))
	}
	u.copied = f.Name()
	return u.copied, nil
}

// untilDone ends with its context.
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

// noRoom makes a full temporary folder what a full store is: the user may try again.
func noRoom(err error) error {
	if disk.Full(err) {
		return fmt.Errorf("temporary folder: %w: %w", blob.ErrFull, err)
	}
	return err
}

// errNoTurn is an upload whose turn has not come in time.
var errNoTurn = errors.New("no turn in time")

// inTurn calls f when few enough others do such work. Its error is errNoTurn when too many wait, or ctx ends before.
func (h *Handler) inTurn(ctx context.Context, q *fair.Queue[int64], user int64, f func() error) error {
	release, err := q.Acquire(ctx, user)
	if err != nil {
		return fmt.Errorf("%w: %w", errNoTurn, err)
	}
	defer release()
	return f()
}
