// Package blob keeps files: videos, covers, and uploads on their way to become one.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
)

var (
	// ErrNotFound says that there is no object with this key.
	ErrNotFound = errors.New("blob not found")
	// ErrBadKey says that the key can not be one: see Store.
	ErrBadKey = errors.New("bad blob key")
	// ErrFull says that the store has no room, or no quota, for the object. Nothing of it is left behind.
	ErrFull error = awayError("blob store is full")
	// ErrUnavailable says that the store did not answer, in time or at all. The same call may succeed later.
	ErrUnavailable error = awayError("blob store is not available")
)

// awayError is an error that passes: package errno answers it as "busy, please try again".
type awayError string

func (e awayError) Error() string { return string(e) }

// Unavailable is what package errno looks for.
func (e awayError) Unavailable() bool { return true }

// MaxKey is the longest key, in bytes.
const MaxKey = 255

// Config chooses where objects are kept.
type Config struct {
	// Driver is DriverLocal or DriverS3.
	Driver string `mapstructure:"driver"`
	// Dir is the folder of the local driver. It is made when missing.
	Dir string `mapstructure:"dir"`
	// ReserveBytes are to stay free on the disk of the local driver, at most a twentieth of it: see Low. 0 keeps nothing.
	ReserveBytes int64 `mapstructure:"reserve_bytes"`
	// PublicURL is where clients can read the objects without the gateway, e.g. a CDN's "https://cdn.example.com/media".
	// A key follows after "/". Empty: nowhere.
	PublicURL string `mapstructure:"public_url"`
	// S3 is for the s3 driver.
	S3 S3 `mapstructure:"s3"`
}

// Object is an open object. Close it.
type Object struct {
	io.ReadSeekCloser
	// Size is the length in bytes.
	Size int64
	// ModTime is when the object was written. Moving it does not change that.
	ModTime time.Time
	// ContentType is the media type, "application/octet-stream" when it is not known.
	ContentType string
	// ETag is a strong entity tag with its quotes. Another content has another one.
	ETag string
}

// Store keeps objects by key. It is safe for concurrent use; package blobtest holds the checks that every Store passes.
//
// A key is one or more names joined by "/", such as "videos/ab/123.mp4". A name holds ASCII letters, digits, ".", "_" and
// "-" and does not begin with a dot. A whole key has at most MaxKey bytes. Any other key is ErrBadKey, in every method,
// before anything happens. Give no key that is the beginning of another ("a" and "a/b"): not every store can keep both.
//
// A store that is away is ErrUnavailable, and one without room ErrFull. Both heal by themselves.
type Store interface {
	// Put stores what r holds until io.EOF and returns its size in bytes. It is all or nothing: another reader sees
	// the former object, or none, until Put has returned nil, and from then on the new one, also after a crash. When
	// r fails, or ctx ends between two reads, nothing is stored and nothing is left behind. Only when the s3 driver
	// loses the answer to its last request, the object may be stored although Put reports an error. The media type is
	// that of the key's extension; contentType is for a key without a known one, if the store can keep it. A Put may
	// take as long as Sweep waits.
	Put(ctx context.Context, key string, r io.Reader, contentType string) (size int64, err error)
	// Open returns the object, or ErrNotFound. Reading it is not bound by ctx. It gives the bytes of one version only:
	// when the key is overwritten or deleted, what was opened stays readable in the local driver; in s3, reading it
	// may end with ErrNotFound.
	Open(ctx context.Context, key string) (*Object, error)
	// Move gives an object another key, replacing what was there. ErrNotFound when from does not exist. A reader of to
	// sees the former object or the new one. The local driver does it in one step; s3 copies, at most MaxObject bytes,
	// and deletes: after an error both may exist, and of several Moves of one object at once more than one may succeed.
	Move(ctx context.Context, from, to string) error
	// Delete removes objects, a thousand in one request. Keys that do not exist are no error.
	Delete(ctx context.Context, keys ...string) error
	// Sweep deletes objects whose key begins with prefix (not empty) and that were written longer ago than olderThan,
	// and whatever Puts of any key that were cut off by a crash so long ago have left. It returns how many objects it
	// deleted. It needs the same memory whatever the number of objects.
	Sweep(ctx context.Context, prefix string, olderThan time.Duration) (deleted int, err error)
	// List calls page with the keys, up to a thousand at a time, of objects whose key begins with prefix (not empty) and
	// that were written longer ago than olderThan. page may delete them, and must not keep the slice. Its error ends the
	// list and is returned. What is stored or deleted meanwhile may be in it or not.
	List(ctx context.Context, prefix string, olderThan time.Duration, page func(keys []string) error) error
	// URL is where a client can GET the object without the gateway: below Config.PublicURL, else a signed link of s3
	// that ends after S3.PresignTTL. It is empty when there is no such place. It does not say that the object exists.
	URL(ctx context.Context, key string) (string, error)
	// Ping reports whether the store can take an object; in s3, whether it answers and the bucket is there.
	Ping(ctx context.Context) error
}

// Open opens the store that cfg names, and makes what it needs.
func Open(ctx context.Context, cfg Config) (Store, error) {
	cfg.PublicURL = strings.TrimRight(cfg.PublicURL, "/")
	switch cfg.Driver {
	case DriverLocal:
		return openLocal(cfg)
	case DriverS3:
		via, err := transport(cfg.S3)
		if err != nil {
			return nil, err
		}
		return openS3(ctx, cfg, via)
	}
	return nil, fmt.Errorf("blob driver %q is not known, use %s or %s", cfg.Driver, DriverLocal, DriverS3)
}

// publicURL needs no escaping: see CheckKey.
func publicURL(base, key string) string { return base + "/" + key }

// CheckKey returns nil for a key that Store takes, else an error that wraps ErrBadKey.
func CheckKey(key string) error {
	if key == "" || len(key) > MaxKey {
		return fmt.Errorf("%w: %d bytes, want 1 to %d", ErrBadKey, len(key), MaxKey)
	}
	for name := range strings.SplitSeq(key, "/") {
		if name == "" || name[0] == '.' {
			return fmt.Errorf("%w: %q has an empty name, or one that begins with a dot", ErrBadKey, key)
		}
		for _, c := range []byte(name) {
			if !safe(c) {
				return fmt.Errorf("%w: %q has characters other than letters, digits, '.', '_', '-', '/'", ErrBadKey, key)
			}
		}
	}
	return nil
}

func safe(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-'
}

// unknownType is the media type of what can be anything.
const unknownType = "application/octet-stream"

// contentType is the media type by the key's extension. The table is ours because that of package mime depends on the
// files of the machine.
func contentType(key string) string {
	switch strings.ToLower(path.Ext(key)) {
	case ".mp4", ".m4v":
		return "video/mp4"
	case ".mov":
		return "video/quicktime"
	case ".m3u8":
		return "application/vnd.apple.mpegurl"
	case ".ts":
		return "video/mp2t"
	case ".m4s":
		return "video/iso.segment"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".png":
		return "image/png"
	case ".webp":
		return "image/webp"
	case ".gif":
		return "image/gif"
	case ".json":
		return "application/json"
	case ".txt":
		return "text/plain; charset=utf-8"
	default:
		return unknownType
	}
}
