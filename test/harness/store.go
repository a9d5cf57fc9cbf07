package harness

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"tiktok/pkg/blob"
)

// older is how far back AgeObjects sets the times of objects: more than what a sweep spares.
const older = 3 * time.Hour

// OnS3 keeps the media of a deployment in a bucket of its own on the server of TIKTOK_TEST_S3, and skips the test when
// there is none. What is left in the bucket at the end goes.
func OnS3(t testing.TB) Option {
	t.Helper()
	address := os.Getenv("TIKTOK_TEST_S3")
	if address == "" {
		t.Skip("TIKTOK_TEST_S3 is not set (.ci/s3.sh, test/env.sh)")
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := u.User.Password()
	cfg := blob.S3{Endpoint: "http://" + u.Host, Bucket: "t-" + strings.ToLower(rand.Text()), AccessKey: u.User.Username(), SecretKey: secret}
	t.Cleanup(func() { removeBucket(t, cfg) })
	return func(o *options) {
		for key, value := range map[string]string{
			"endpoint": cfg.Endpoint, "bucket": cfg.Bucket, "access_key": cfg.AccessKey, "secret_key": cfg.SecretKey, "lookup": "path",
			"part_bytes": "5242880",
		} {
			o.set["blob.s3."+key] = value
		}
		o.set["blob.driver"] = blob.DriverS3
	}
}

func s3Client(t testing.TB, cfg blob.S3) *minio.Core {
	t.Helper()
	c, err := minio.NewCore(strings.TrimPrefix(cfg.Endpoint, "http://"), &minio.Options{
		Creds: credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, ""), Region: "us-east-1", BucketLookup: minio.BucketLookupPath,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func removeBucket(t testing.TB, cfg blob.S3) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), serverTimeout)
	defer cancel()
	c := s3Client(t, cfg)
	exists, err := c.BucketExists(ctx, cfg.Bucket)
	if err == nil && exists {
		for o := range c.ListObjectsIter(ctx, cfg.Bucket, minio.ListObjectsOptions{Recursive: true}) {
			err = errors.Join(err, o.Err, c.RemoveObject(ctx, cfg.Bucket, o.Key, minio.RemoveObjectOptions{}))
		}
		err = errors.Join(err, c.RemoveBucket(ctx, cfg.Bucket))
	}
	if err != nil {
		t.Errorf("remove the bucket of the test: %v", err)
	}
}

// Objects are the keys of everything in the blob store, in order: also what is not an object yet, as ".put/…".
func (d *Deployment) Objects(t testing.TB) []string {
	t.Helper()
	var keys []string
	if d.Config.Blob.Driver == blob.DriverS3 {
		c := s3Client(t, d.Config.Blob.S3)
		for o := range c.ListObjectsIter(t.Context(), d.Config.Blob.S3.Bucket, minio.ListObjectsOptions{Recursive: true}) {
			if o.Err != nil {
				t.Fatal(o.Err)
			}
			keys = append(keys, o.Key)
		}
		parts, err := c.ListMultipartUploads(t.Context(), d.Config.Blob.S3.Bucket, "", "", "", "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range parts.Uploads {
			keys = append(keys, ".put/"+u.Key)
		}
	} else {
		dir := os.DirFS(d.Config.Blob.Dir)
		err := fs.WalkDir(dir, ".", func(name string, e fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist): // gone since its folder was read
				return nil
			case err == nil && !e.IsDir() && !strings.HasPrefix(name, ".put/ping-"):
				keys = append(keys, name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(keys)
	return keys
}

// AgeObjects makes everything in the blob store so old that a sweep does not take it for something under way.
func (d *Deployment) AgeObjects(t testing.TB) {
	t.Helper()
	dir := d.Config.Blob.Dir
	if d.Config.Blob.Driver == blob.DriverS3 {
		if dir = os.Getenv("TIKTOK_TEST_S3_DIR"); dir == "" { // the server of the tests keeps objects as files
			t.Skip("TIKTOK_TEST_S3_DIR is not set (test/env.sh)")
		}
		dir = filepath.Join(dir, d.Config.Blob.S3.Bucket)
	}
	then := time.Now().Add(-older)
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			err = os.Chtimes(path, then, then)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
