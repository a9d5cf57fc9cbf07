package handler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/middleware"
	"tiktok/cmd/api/biz/params"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
	"tiktok/pkg/fair"
	"tiktok/pkg/picture"
)

const (
	// pictureReceiveTimeout bounds the arrival of a picture, pictureTimeout the work for it.
	pictureReceiveTimeout = time.Minute
	pictureTimeout        = 15 * time.Second
	// maxPictures is how many pictures are received or wait to be scaled: together they hold 32 MiB of the memory for bodies.
	maxPictures = 4
	// maxPicturesWaiting is how many more of one user wait for that.
	maxPicturesWaiting = 2
	// pictureLeftover is how old a picture is that nobody is about to show any more: one that its upload has not come to show, because
	// its process ended.
	pictureLeftover = 10 * time.Minute
)

// OwnPicture is a kind of picture of an account: its avatar or its background.
type OwnPicture struct {
	folder        string
	width, height int
	// set says in a request which key the picture has from now on, replaced is what the answer says of the one before.
	set      func(req *user.UpdateProfileRequest, key *string)
	replaced func(*user.UpdateProfileResponse) string
	// of is the key in an account.
	of func(*user.User) string
}

// Avatar is a square.
func Avatar() OwnPicture {
	return OwnPicture{
		folder: "avatars", width: 320, height: 320,
		set:      func(req *user.UpdateProfileRequest, key *string) { req.AvatarKey = key },
		replaced: func(r *user.UpdateProfileResponse) string { return r.ReplacedAvatarKey },
		of:       func(u *user.User) string { return u.AvatarKey },
	}
}

// Background is wide.
func Background() OwnPicture {
	return OwnPicture{
		folder: "backgrounds", width: 1280, height: 480,
		set:      func(req *user.UpdateProfileRequest, key *string) { req.BackgroundKey = key },
		replaced: func(r *user.UpdateProfileResponse) string { return r.ReplacedBackgroundKey },
		of:       func(u *user.User) string { return u.BackgroundKey },
	}
}

// prefix starts the keys of a user's pictures of the kind.
func (p OwnPicture) prefix(userID int64) string {
	return p.folder + "/" + strconv.FormatInt(userID, 10) + "/"
}

// SetPicture shows the picture in the request's body from now on, in place of the viewer's last one, whose file is deleted. After a
// refusal nothing is stored. Errors are PictureTooLarge, before the rest of the body is read; PictureUnreadable; and TooManyRequests,
// when the viewer sends many at once.
func (h *Handler) SetPicture(ctx context.Context, in *call.Call, kind OwnPicture) error {
	if in.Body.Size > picture.MaxBytes {
		return pictureTooLarge()
	}
	if err := h.checkCapacity(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, pictureReceiveTimeout+pictureTimeout)
	defer cancel()
	release, err := h.pictures.Acquire(ctx, in.Viewer)
	if errors.Is(err, fair.ErrBusy) { // of this user's own requests
		return middleware.TooManyRequests(in.Request, time.Second)
	}
	if err != nil {
		return err
	}
	defer release()
	data, held, err := h.receivePicture(in)
	defer h.Bodies.Release(held)
	if err != nil {
		return err
	}
	ctx, cancelWork := context.WithTimeout(ctx, pictureTimeout)
	defer cancelWork()
	var scaled []byte
	err = h.withSlot(ctx, h.pictureSlots, in.Viewer, func() (err error) {
		scaled, err = picture.Scale(ctx, data, kind.width, kind.height)
		return err
	})
	if err != nil {
		h.Log.InfoContext(ctx, "picture refused", "bytes", len(data), "err", err)
		return err
	}
	return h.storePicture(ctx, in.Viewer, kind, scaled)
}

// receivePicture reads the body; held is what it takes of the memory for bodies.
func (h *Handler) receivePicture(in *call.Call) (data []byte, held int64, err error) {
	in.Body.AllowSlow(pictureReceiveTimeout)
	data, held, err = params.ReadAll(in.Body, picture.MaxBytes, h.Bodies)
	switch {
	case errors.Is(err, errno.BodyTooLarge):
		err = pictureTooLarge()
	case errors.Is(err, errno.TooManyRequests):
		middleware.RetryAfter(in.Request, time.Second)
	case err == nil && len(data) == 0:
		err = errno.InvalidArgument.With("the picture is missing")
	}
	return data, held, err
}

func pictureTooLarge() error { return errno.PictureTooLarge.With("the picture has more than 8 MiB") }

// storePicture stores a scaled picture and then shows it. When it is not known whether it is shown, it stays: a profile without its
// picture is worse than a file of none, which the next edit deletes.
func (h *Handler) storePicture(ctx context.Context, userID int64, kind OwnPicture, scaled []byte) error {
	key := kind.prefix(userID) + uuid.NewString() + ".jpg"
	if _, err := h.Blobs.Put(ctx, key, bytes.NewReader(scaled), "image/jpeg"); err != nil {
		h.deletePictures(ctx, key) // s3 may have stored it all the same
		return fmt.Errorf("store a picture: %w", err)
	}
	err := h.showPicture(ctx, userID, kind, key)
	if err != nil && hasNoEffect(err) {
		h.deletePictures(ctx, key)
	} else if err != nil {
		h.Log.WarnContext(ctx, "picture is perhaps shown, its file stays", "key", key, "err", err)
	}
	return err
}

// DeletePicture shows the default picture from now on. Doing so twice is doing so once.
func (h *Handler) DeletePicture(ctx context.Context, userID int64, kind OwnPicture) error {
	return h.showPicture(ctx, userID, kind, "")
}

// showPicture shows the picture of a key, "" for the default one, and deletes what it replaces. Of uploads at once each deletes the file
// of the one before it, and none that of one that is not shown yet.
func (h *Handler) showPicture(ctx context.Context, userID int64, kind OwnPicture, key string) error {
	req := &user.UpdateProfileRequest{UserId: userID}
	kind.set(req, &key)
	r, err := h.Clients.User.UpdateProfile(ctx, req)
	if err != nil {
		return err
	}
	old := kind.replaced(r)
	if strings.HasPrefix(old, kind.prefix(userID)) {
		h.deletePictures(ctx, old)
	}
	h.deleteLeftovers(ctx, userID, kind, kind.of(r.User))
	return nil
}

// deleteLeftovers deletes the user's files that are not the one shown and are older than any upload under way.
func (h *Handler) deleteLeftovers(ctx context.Context, userID int64, kind OwnPicture, shown string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	err := h.Blobs.List(ctx, kind.prefix(userID), pictureLeftover, func(keys []string) error {
		return h.Blobs.Delete(ctx, slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return key == shown })...)
	})
	if err != nil {
		h.Log.WarnContext(ctx, "old pictures of a user stay", "user", userID, "err", err)
	}
}

func (h *Handler) deletePictures(ctx context.Context, keys ...string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	if err := h.Blobs.Delete(ctx, keys...); err != nil {
		h.Log.WarnContext(ctx, "pictures stay", "keys", keys, "err", err)
	}
}
