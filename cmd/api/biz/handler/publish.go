package handler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cloudwego/kitex/pkg/kerrors"
	"github.com/google/uuid"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/middleware"
	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/blob"
	"tiktok/pkg/errno"
	"tiktok/pkg/media"
)

const (
	// TempPrefix is where uploads are until they are checked. Nothing below it is served.
	TempPrefix = "tmp/"
	// cleanupTimeout bounds the deletion of what a failed upload has stored, and the question whether it failed.
	cleanupTimeout = 5 * time.Second
	// recentVideos is how many of an author's latest videos are searched for one that may have been published.
	recentVideos = 20
)

// PublishAction takes a video: it streams the file into the blob store, looks whether a phone can play it, takes a cover
// and makes it public. On any failure nothing of it is left.
func (h *Handler) PublishAction(ctx context.Context, in *call.Call) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, h.UploadTimeout)
	defer cancel()
	early := middleware.Token(in) != ""
	if early { // in the query or header: no need to take the file of somebody who may not publish
		if err := h.publisher(ctx, in); err != nil {
			return nil, err
		}
	}
	u := upload{h: h, id: uuid.NewString()}
	defer u.discard(ctx)
	if err := u.receive(ctx, in); err != nil {
		return nil, err
	}
	if !early {
		if err := h.publisher(ctx, in); err != nil {
			return nil, err
		}
	}
	title, err := in.Params.Text("title")
	switch {
	case err != nil:
		return nil, err
	case strings.TrimSpace(title) == "":
		return nil, errno.InvalidArgument.With("title is missing")
	case u.temp == "" || u.size == 0:
		return nil, errno.VideoFileMissing
	}
	if err := u.process(ctx); err != nil {
		return nil, err
	}
	if err := u.publish(ctx, in.Viewer, title); err != nil {
		return nil, err
	}
	return &api.PublishActionResponse{StatusMsg: pack.OK}, nil
}

// publisher finds out who publishes and whether he may do it now.
func (h *Handler) publisher(ctx context.Context, in *call.Call) error {
	if in.Viewer = middleware.ViewerOf(in, h.Tokens); in.Viewer == 0 {
		return errno.Unauthenticated
	}
	return h.PublishUser.Allow(ctx, in.Request, strconv.FormatInt(in.Viewer, 10))
}

// upload is one video on its way. What has a key is stored, and discard deletes it unless keep says that it is public.
type upload struct {
	h                 *Handler
	id                string
	temp, play, cover string
	size              int64
	info              media.Info
	keep              bool
}

// process checks the stored file, gives it its final key and stores its cover.
func (u *upload) process(ctx context.Context) error {
	if err := u.probe(ctx); err != nil {
		return err
	}
	cover, err := u.drawCover(ctx)
	if err != nil {
		return err
	}
	u.play = fmt.Sprintf("videos/%s/%s.mp4", u.id[:2], u.id)
	if err := u.h.Blobs.Move(ctx, u.temp, u.play); err != nil {
		return err
	}
	u.cover = fmt.Sprintf("covers/%s/%s.jpg", u.id[:2], u.id)
	_, err = u.h.Blobs.Put(ctx, u.cover, bytes.NewReader(cover), "image/jpeg")
	return err
}

func (u *upload) probe(ctx context.Context) error {
	obj, err := u.h.Blobs.Open(ctx, u.temp)
	if err != nil {
		return err
	}
	defer func() { _ = obj.Close() }() // only read
	u.info, err = media.Probe(ctx, media.ReaderAt(obj), obj.Size)
	if err == nil && u.info.Needs() == media.NeedTranscode {
		u.h.Log.InfoContext(ctx, "upload refused", "bytes", u.size, "video", u.info.VideoCodec, "audio", u.info.AudioCodec)
		return errno.VideoUnplayable
	}
	if r := media.Refused(err); r != nil {
		u.h.Log.InfoContext(ctx, "upload refused", "bytes", u.size, "reason", err)
		return errno.VideoUnplayable.With(r.Text)
	}
	if err != nil {
		return err
	}
	if r := media.Refused(u.info.CheckDuration(u.h.MaxDuration)); r != nil {
		return errno.VideoTooLong.With(r.Text)
	}
	return nil
}

func (u *upload) drawCover(ctx context.Context) ([]byte, error) {
	if path, ok := blob.LocalPath(u.h.Blobs, u.temp); ok {
		return u.h.Covers.Cover(ctx, path, u.info)
	}
	obj, err := u.h.Blobs.Open(ctx, u.temp)
	if err != nil {
		return nil, err
	}
	defer func() { _ = obj.Close() }() // only read
	f, err := os.CreateTemp("", "tiktok-*.mp4")
	if err != nil {
		return nil, err
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}()
	if _, err := io.Copy(f, obj); err != nil {
		return nil, err
	}
	return u.h.Covers.Cover(ctx, f.Name(), u.info)
}

// publish makes the video public. When the answer of the video service is lost, the video may be public all the same:
// then it is looked for, and if that can not be found out either, its files stay, because a listed video without a file
// is worse than a file without a video.
func (u *upload) publish(ctx context.Context, author int64, title string) error {
	_, err := u.h.Clients.Video.Publish(ctx, &video.PublishRequest{
		AuthorId: author, Title: title, PlayKey: u.play, CoverKey: u.cover,
		DurationMs: u.info.DurationMs, SizeBytes: u.size, WidthPx: u.info.WidthPx, HeightPx: u.info.HeightPx,
	})
	if err == nil {
		u.keep = true
		return nil
	}
	if refused(err) {
		return err
	}
	u.keep = true
	if u.published(ctx, author) {
		return nil
	}
	u.h.Log.WarnContext(ctx, "video is perhaps published, its files stay", "play_key", u.play, "cover_key", u.cover, "err", err)
	return err
}

// refused reports that a call has certainly changed nothing: the service said no, or was not reached at all.
func refused(err error) bool {
	if e := errno.From(err); !errors.Is(e, errno.Internal) && !errors.Is(e, errno.Unavailable) {
		return true
	}
	return errors.Is(err, kerrors.ErrGetConnection) || errors.Is(err, kerrors.ErrNoInstance) ||
		errors.Is(err, kerrors.ErrNoMoreInstance) || errors.Is(err, kerrors.ErrServiceDiscovery)
}

func (u *upload) published(ctx context.Context, author int64) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	r, err := u.h.Clients.Video.ListByAuthor(ctx, &video.ListByAuthorRequest{AuthorId: author, Page: &common.Page{Limit: recentVideos}})
	if err != nil {
		return false
	}
	for _, v := range r.Videos {
		if v.PlayKey == u.play {
			return true
		}
	}
	return false
}

// discard deletes what was stored, also when the client has gone.
func (u *upload) discard(ctx context.Context) {
	if u.keep || u.temp == "" {
		return
	}
	keys := []string{u.temp}
	if u.play != "" {
		keys = append(keys, u.play)
	}
	if u.cover != "" {
		keys = append(keys, u.cover)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	if err := u.h.Blobs.Delete(ctx, keys...); err != nil {
		u.h.Log.WarnContext(ctx, "files of a failed upload stay", "keys", keys, "err", err)
	}
}
