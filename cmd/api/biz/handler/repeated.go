package handler

import (
	"crypto/sha256"
	"io"

	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
	"tiktok/pkg/idempotency"
)

// An upload with a key is told from others by its title and the file's content. What was published before with the key is known before
// the file comes, when the token does: then the file is read to compare it, and stored nowhere.

// digest tells uploads with one key apart.
func (u *upload) digest(title string) int64 {
	return idempotency.Digest(title, string(u.content.Sum(nil)))
}

// hashed is the file, of which content gets all that is read, when the upload has a key.
func (u *upload) hashed(file io.Reader) io.Reader {
	if u.requestKey == nil {
		return file
	}
	u.content = sha256.New()
	return io.TeeReader(file, u.content)
}

// repeated is the answer to an upload that was published before with its key.
func (u *upload) repeated(title string) (*video.Upload, error) {
	if u.digest(title) != u.first.RequestDigest {
		return nil, errno.IdempotencyKeyReused
	}
	return uploadOf(u.first.Video, u.first.Listed), nil
}

// owns reports whether what was published are the files of this upload: another one with its key may have been faster, and has its own.
func (u *upload) owns(r *video.PublishResponse) bool { return r.Video.PlayKey == u.key }
