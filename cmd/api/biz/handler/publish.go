package handler

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudwego/kitex/pkg/kerrors"
	"github.com/google/uuid"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/middleware"
	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/hertzfix"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/blob"
	"tiktok/pkg/disk"
	"tiktok/pkg/errno"
	"tiktok/pkg/media"
)

const (
	// TempPrefix is where uploads are until they are checked, sourcePrefix where those are that have to be transcoded. Nothing
	// below them is served.
	TempPrefix   = "tmp/"
	sourcePrefix = "sources/"
	// cleanupTimeout bounds the deletion of what a failed upload has stored, and the check whether it failed.
	cleanupTimeout = 5 * time.Second
	// recentVideos is how many of an author's latest videos are searched for one that may be published.
	recentVideos = 20
	// deferrableTimeout bounds, in all, the work for a received upload that a worker can do later.
	deferrableTimeout = 2 * time.Second
	// requiredTimeout bounds the wait for a slot for work that no worker can do.
	requiredTimeout = 10 * time.Second
	// coversWaiting is how many uploads wait for each slot for covers.
	coversWaiting = 8
	// frameBytes is the largest file that is copied out of a remote store for its cover.
	frameBytes = 16 << 20
)

// PublishAction publishes a video.
func (h *Handler) PublishAction(ctx context.Context, in *call.Call) (any, error) {
	if _, err := h.Publish(ctx, in); err != nil {
		return nil, err
	}
	return &api.PublishActionResponse{StatusMsg: pack.OK}, nil
}

// Publish publishes the file in the request's form: it streams it into the blob store, probes whether a phone can play it, takes a cover
// and makes it public, or hands it to the workers that make it playable. On any failure nothing of it is left. The fields of the form go to
// in.Params. A request whose viewer is not known yet has its token there, or in the query or header.
func (h *Handler) Publish(ctx context.Context, in *call.Call) (*video.Upload, error) {
	ctx, cancel := context.WithTimeout(ctx, h.UploadTimeout)
	defer cancel()
	key, err := in.RequestKey()
	if err != nil {
		return nil, err
	}
	u := upload{h: h, in: in, id: uuid.NewString(), requestKey: key}
	defer u.cleanUp(ctx)
	if err := h.checkCapacity(); err != nil {
		return nil, err
	}
	if in.Viewer != 0 || middleware.Token(in) != "" { // in the query or header: a file that may not be published is not read
		if err := u.admit(ctx); err != nil {
			return nil, err
		}
	}
	if err := u.receive(ctx); err != nil {
		return nil, err
	}
	if !u.admitted {
		return nil, errno.Unauthenticated
	}
	title, err := in.Params.Text("title")
	switch {
	case err != nil:
		return nil, err
	case strings.TrimSpace(title) == "":
		return nil, errno.InvalidArgument.With("title is missing")
	case u.size == 0:
		return nil, errno.VideoFileMissing
	case u.first != nil:
		return u.repeated(title)
	}
	quickCtx, cancelQuick := context.WithTimeout(ctx, deferrableTimeout)
	defer cancelQuick()
	if err := u.process(ctx, quickCtx); err != nil {
		return nil, err
	}
	if hertzfix.ClientClosed(ctx) { // it will send the file again
		h.Log.InfoContext(ctx, "an upload is not published, its client has gone", "bytes", u.size)
		return nil, errno.Unavailable
	}
	return u.publish(ctx, in.Viewer, title)
}

// checkCapacity fails while the disk of the store, or of the temporary files, has no more space than its reserve, which is for
// everything else.
func (h *Handler) checkCapacity() error {
	if h.MediaSpaceLow() {
		return errStoreFull()
	}
	return nil
}

// errStoreFull refuses an upload because the disk is full.
func errStoreFull() error {
	return errno.Unavailable.With("there is no room for uploads now, please try again later")
}

// MediaSpaceLow reports whether uploads are refused because the disk of the store, or of the copies that ffmpeg reads where
// the store has no files, has no more space than its reserve.
func (h *Handler) MediaSpaceLow() bool {
	_, local := blob.LocalPath(h.Blobs, TempPrefix+"x")
	return blob.Low(h.Blobs) || !local && h.Tools.HasFFmpeg() && disk.Low(h.WorkDir, h.ReserveBytes)
}

// admit authenticates the user and checks their limits, as soon as their token is there.
func (u *upload) admit(ctx context.Context) error {
	h, in := u.h, u.in
	if in.Viewer == 0 {
		if err := h.Guard.Identify(in); err != nil {
			return err
		}
	}
	if in.Viewer == 0 {
		return errno.Unauthenticated
	}
	if err := h.PublishUser.Allow(ctx, in.Request, strconv.FormatInt(in.Viewer, 10)); err != nil {
		return err
	}
	announced := in.Body.Size
	if announced < 0 {
		announced = h.MaxUploadBytes
	}
	total, remove := h.announced.add(in.Viewer, announced)
	u.removeAnnounced = remove
	r, err := h.Clients.Video.CheckUpload(ctx, &video.CheckUploadRequest{AuthorId: in.Viewer, SizeBytes: total, RequestKey: u.requestKey})
	if e := errno.From(err); e != nil && (e.Is(errno.QuotaExceeded) || e.Is(errno.VideoNotFound)) {
		return err
	}
	if err == nil {
		u.first = r.First
	}
	if err != nil { // Publish checks it again
		h.Log.DebugContext(ctx, "the quota of an upload is not known", "err", err)
	}
	u.admitted = true
	u.lease.release()
	return nil
}

// upload is one video that is being published. What has a key may be stored: cleanUp deletes it unless keep says that it belongs
// to a video now.
type upload struct {
	h  *Handler
	in *call.Call
	id string
	// admitted says that the user is known and may publish.
	admitted bool
	// requestKey is that of the request, nil without one; content is then of the file, and first what was published with the key before.
	requestKey *string
	content    hash.Hash
	first      *video.Published
	// removeAnnounced takes the upload's bytes off Handler.announced, and lease is what it holds of the spool. Both may be nil.
	removeAnnounced func()
	lease           *spoolLease
	// temp is the file as it was received, key the file that is published: a playable one, or with transcode one that a worker
	// makes playable.
	temp, key, cover      string
	localCopy             string // see file
	size                  int64
	info                  media.Info
	transcode, coverDrawn bool
	keep                  bool
}

// publish makes the video public, and returns the work on it. If the answer of the video service is lost, the video may be public all the
// same: then publish looks for it, and if that fails too, keeps its files, because a listed video without a file is worse than a file
// without a video.
func (u *upload) publish(ctx context.Context, author int64, title string) (*video.Upload, error) {
	var digest *int64
	if u.requestKey != nil {
		n := u.digest(title)
		digest = &n
	}
	r, err := u.h.Clients.Video.Publish(ctx, &video.PublishRequest{
		AuthorId: author, Title: title, PlayKey: u.key, CoverKey: u.cover,
		DurationMs: u.info.DurationMs, SizeBytes: u.size, WidthPx: u.info.WidthPx, HeightPx: u.info.HeightPx,
		Transcode: u.transcode, CoverDrawn: u.coverDrawn, VideoCodec: u.info.VideoCodec, AudioCodec: u.info.AudioCodec,
		Rotation:         int32(u.info.RotationDeg), //nolint:gosec // 0..270
		MentionedUserIds: u.h.View.Mentioned(ctx, author, title), RequestKey: u.requestKey, RequestDigest: digest,
	})
	if err == nil {
		u.keep = u.requestKey == nil || u.owns(r)
		return uploadOf(r.Video, r.Listed), nil
	}
	if hasNoEffect(err) {
		return nil, err
	}
	u.keep = true
	if work := u.published(ctx, author); work != nil {
		return work, nil
	}
	u.h.Log.WarnContext(ctx, "video is perhaps published, its files stay", "key", u.key, "cover_key", u.cover, "err", err)
	if errno.From(err).Is(errno.Unavailable) { // the files stay all the same: a service of an older release may mean that it does not know
		return nil, err
	}
	return nil, fmt.Errorf("%w: %w", errno.OutcomeUnknown, err)
}

// uploadOf is the work on a video that was published just now.
func uploadOf(v *video.Video, listed bool) *video.Upload {
	u := &video.Upload{VideoId: v.Id, Title: v.Title, State: video.UploadState_UPLOADED, Listed: listed, UploadedAtMs: v.PublishedAtMs}
	if !listed {
		u.UploadedAtMs = time.Now().UnixMilli()
	}
	return u
}

// hasNoEffect reports that a failed call has certainly changed nothing: the service refused it or was not reached.
func hasNoEffect(err error) bool {
	if e := errno.From(err); !e.Is(errno.Internal) && !e.Is(errno.Unavailable) && !e.Is(errno.OutcomeUnknown) {
		return true
	}
	return errors.Is(err, kerrors.ErrGetConnection) || errors.Is(err, kerrors.ErrNoInstance) ||
		errors.Is(err, kerrors.ErrNoMoreInstance) || errors.Is(err, kerrors.ErrServiceDiscovery)
}

// published looks for the video among the author's latest, or among those that wait for a worker. It is nil if it is not found.
func (u *upload) published(ctx context.Context, author int64) *video.Upload {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	if u.transcode {
		r, err := u.h.Clients.Video.ListUploads(ctx, &video.ListUploadsRequest{AuthorId: author})
		if err != nil {
			return nil
		}
		if i := slices.IndexFunc(r.Uploads, func(x *video.Upload) bool { return x.SourceKey == u.key }); i >= 0 {
			return r.Uploads[i]
		}
		return nil
	}
	r, err := u.h.Clients.Video.ListByAuthor(ctx, &video.ListByAuthorRequest{AuthorId: author, Page: &common.Page{Limit: recentVideos}})
	if err != nil {
		return nil
	}
	for _, x := range r.Videos {
		if x.PlayKey == u.key {
			return uploadOf(x, true)
		}
	}
	return nil
}

// cleanUp releases what the upload holds and deletes what was stored in vain, also when the client has gone.
func (u *upload) cleanUp(ctx context.Context) {
	u.lease.release()
	if u.removeAnnounced != nil {
		u.removeAnnounced()
	}
	if u.localCopy != "" {
		if err := os.Remove(u.localCopy); err != nil {
			u.h.Log.WarnContext(ctx, "the copy of an upload stays", "path", u.localCopy, "err", err)
		}
	}
	var keys []string
	if u.temp != "" {
		keys = append(keys, u.temp)
	}
	if !u.keep && u.key != "" {
		keys = append(keys, u.key)
	}
	if !u.keep && u.cover != "" {
		keys = append(keys, u.cover)
	}
	if len(keys) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	if err := u.h.Blobs.Delete(ctx, keys...); err != nil {
		u.h.Log.WarnContext(ctx, "files of an upload stay", "keys", keys, "err", err)
	}
}
