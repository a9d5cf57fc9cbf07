package blob

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"tiktok/pkg/tlsconf"
)

// Drivers.
const (
	// DriverLocal keeps objects as files in a folder.
	DriverLocal = "local"
	// DriverS3 keeps objects in a bucket of S3 or of a server that speaks its protocol.
	DriverS3 = "s3"
)

// S3 says where a bucket is and how to use it.
type S3 struct {
	// Endpoint is the server's URL, e.g. "https://s3.eu-central-1.amazonaws.com" or "http://10.0.0.5:9000".
	Endpoint string `mapstructure:"endpoint"`
	// PublicEndpoint is the server's URL as clients reach it, for links. Empty: Endpoint.
	PublicEndpoint string `mapstructure:"public_endpoint"`
	// Region of the bucket.
	Region string `mapstructure:"region"`
	// Bucket holds this product's objects and nothing else: Sweep ends unfinished uploads in all of it.
	Bucket string `mapstructure:"bucket"`
	// AccessKey and SecretKey are the login. Both empty: the AWS_… variables, else the machine's or pod's IAM role.
	AccessKey string `mapstructure:"access_key"`
	SecretKey string `mapstructure:"secret_key"`
	// TLS is for an https Endpoint and PublicEndpoint, TLS 1.2 at least. Empty: the authorities that the operating system trusts.
	TLS tlsconf.Config `mapstructure:"tls"`
	// Lookup is how a URL names the bucket: path ("host/bucket/key"), dns ("bucket.host/key"), or auto: dns for the
	// clouds that are known for it, else path.
	Lookup string `mapstructure:"lookup"`
	// CreateBucket makes the bucket at start when it is missing. Else it has to be there.
	CreateBucket bool `mapstructure:"create_bucket"`
	// PublicPrefixes are beginnings of keys that anybody may read, e.g. "videos/". They are set on a bucket that
	// CreateBucket makes; the policy of one that exists is not touched. Empty: the bucket is private.
	PublicPrefixes []string `mapstructure:"public_prefixes"`
	// PresignTTL is how long a link is valid, 1 minute to 7 days. 0: no links.
	PresignTTL time.Duration `mapstructure:"presign_ttl"`
	// PartBytes is the size of the parts of a large object, 5 MiB to 64 MiB. One part of every running Put is in memory.
	PartBytes int64 `mapstructure:"part_bytes"`
	// Timeout bounds one request, retries included, and the wait for the next bytes of an answer.
	Timeout time.Duration `mapstructure:"timeout"`
}

const (
	// MaxObject is the largest object of the S3 driver in bytes: what the protocol copies in one request.
	MaxObject = 5 << 30
	// MinPart and MaxPart bound S3.PartBytes. S3 takes no smaller part but the last.
	MinPart = 5 << 20
	// MaxPart is the largest part. MinPart says why there are bounds.
	MaxPart = 64 << 20

	// maxAttempts is how often a request is sent, with growing random pauses of at most a second between.
	maxAttempts = 5
	// slowest is the bytes per second at which a server has to copy an object, or put its parts together, at least. It
	// does both without a word.
	slowest = 10 << 20
	// maxBatch is how many keys S3 lists or deletes in one request.
	maxBatch = 1000
	// idleConns stay open to the server: as many as there are requests at once on a busy gateway.
	idleConns = 128
	// cacheControl of objects, for whoever reads them past the gateway. A key is never given to another content.
	cacheControl = "public, max-age=31536000, immutable"
)

// bucket is a Store in S3.
type bucket struct {
	cfg    Config
	name   string
	core   minio.Core
	linker *minio.Client // signs for the public endpoint
	parts  sync.Pool     // of *[]byte, each a part long
}

func openS3(ctx context.Context, cfg Config, via http.RoundTripper) (*bucket, error) {
	c := cfg.S3
	if c.Bucket == "" || c.PartBytes < MinPart || c.PartBytes > MaxPart || c.Timeout <= 0 {
		return nil, errors.New("blob: the s3 driver needs a bucket, part_bytes of 5 to 64 MiB and a timeout")
	}
	client, err := connect(c, c.Endpoint, via)
	if err != nil {
		return nil, err
	}
	b := &bucket{cfg: cfg, name: c.Bucket, core: minio.Core{Client: client}, linker: client}
	b.parts.New = func() any { p := make([]byte, c.PartBytes); return &p }
	if c.PublicEndpoint != "" {
		if b.linker, err = connect(c, c.PublicEndpoint, via); err != nil {
			return nil, err
		}
	}
	if c.CreateBucket {
		err = b.create(ctx)
	} else {
		err = b.Ping(ctx)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

func connect(c S3, endpoint string, via http.RoundTripper) (*minio.Client, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("blob: s3 endpoint is %q, want http(s)://host", endpoint)
	}
	lookup, ok := map[string]minio.BucketLookupType{
		"": minio.BucketLookupAuto, "auto": minio.BucketLookupAuto, "path": minio.BucketLookupPath, "dns": minio.BucketLookupDNS,
	}[c.Lookup]
	if !ok {
		return nil, fmt.Errorf("blob: s3 lookup is %q, want auto, path or dns", c.Lookup)
	}
	creds := credentials.NewStaticV4(c.AccessKey, c.SecretKey, "")
	if c.AccessKey == "" && c.SecretKey == "" {
		creds = credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.IAM{}})
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds: creds, Secure: u.Scheme == "https", Region: c.Region, BucketLookup: lookup, MaxRetries: maxAttempts, Transport: via,
	})
	if err != nil {
		return nil, fmt.Errorf("blob: s3: %w", err)
	}
	return client, nil
}

func transport(c S3) (*http.Transport, error) {
	dial := min(c.Timeout, 5*time.Second)
	var hosts []string
	for _, endpoint := range []string{c.Endpoint, c.PublicEndpoint} {
		if u, err := url.Parse(endpoint); err == nil && u.Host != "" {
			hosts = append(hosts, u.Hostname())
		}
	}
	conf, err := c.TLS.Client(hosts...)
	if err != nil {
		return nil, fmt.Errorf("blob: s3 tls: %w", err)
	}
	if conf == nil {
		conf = &tls.Config{}
	}
	conf.MinVersion = tls.VersionTLS12
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dial}).DialContext,
		TLSHandshakeTimeout: dial,
		TLSClientConfig:     conf,
		MaxIdleConns:        idleConns,
		MaxIdleConnsPerHost: idleConns,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true, // objects are as they are
	}, nil
}

// create makes the bucket when it is missing.
func (b *bucket) create(ctx context.Context) error {
	policy, err := publicPolicy(b.name, b.cfg.S3.PublicPrefixes)
	if err != nil {
		return err
	}
	ctx, cancel := b.within(ctx)
	defer cancel()
	exists, err := b.core.BucketExists(ctx, b.name)
	if err != nil || exists {
		return b.failed(ctx, "find bucket", b.name, err)
	}
	err = b.core.MakeBucket(ctx, b.name, minio.MakeBucketOptions{Region: b.cfg.S3.Region})
	if code := minio.ToErrorResponse(err).Code; code == "BucketAlreadyOwnedByYou" || code == "BucketAlreadyExists" {
		return b.Ping(ctx) // another process was faster; its policy is this one
	}
	if err != nil {
		return b.failed(ctx, "make bucket", b.name, err)
	}
	if len(b.cfg.S3.PublicPrefixes) == 0 {
		return nil
	}
	return b.failed(ctx, "set policy of bucket", b.name, b.core.SetBucketPolicy(ctx, b.name, policy))
}

// publicPolicy lets anybody read, but not list, the keys that begin so.
func publicPolicy(name string, prefixes []string) (string, error) {
	resources := make([]string, 0, len(prefixes))
	for _, p := range prefixes {
		if err := CheckKey(strings.TrimSuffix(p, "/")); err != nil {
			return "", fmt.Errorf("blob: s3 public prefix: %w", err)
		}
		resources = append(resources, "arn:aws:s3:::"+name+"/"+p+"*")
	}
	text, err := json.Marshal(map[string]any{
		"Version": "2012-10-17",
		"Statement": []map[string]any{{
			"Effect": "Allow", "Principal": map[string]any{"AWS": []string{"*"}}, "Action": []string{"s3:GetObject"}, "Resource": resources,
		}},
	})
	if err != nil {
		return "", fmt.Errorf("blob: s3 policy: %w", err)
	}
	return string(text), nil
}

// failed turns what the client library says into an error of this package; nil stays nil.
func (b *bucket) failed(ctx context.Context, what, key string, err error) error {
	if err == nil {
		return nil
	}
	r := minio.ToErrorResponse(err)
	switch {
	case r.Code == minio.NoSuchKey:
		return fmt.Errorf("%w: %s", ErrNotFound, key)
	case r.StatusCode == http.StatusInsufficientStorage || slices.Contains([]string{"XMinioStorageFull", "QuotaExceeded"}, r.Code):
		return fmt.Errorf("%s %s: %w: %w", what, key, ErrFull, err)
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("%s %s: %w", what, key, ctx.Err())
	case r.Code == "" || r.StatusCode >= http.StatusInternalServerError || r.StatusCode == http.StatusTooManyRequests:
		// No code: there was no answer, or none that is one of S3.
		return fmt.Errorf("%s %s: %w: %w", what, key, ErrUnavailable, err)
	}
	return fmt.Errorf("%s %s: %s: %w", what, key, r.Code, err)
}

// within bounds a request.
func (b *bucket) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, b.cfg.S3.Timeout)
}

// long bounds a request that works on size bytes inside of the server.
func (b *bucket) long(size int64) time.Duration {
	return b.cfg.S3.Timeout + time.Duration(size/slowest)*time.Second
}

func (b *bucket) Ping(ctx context.Context) error {
	ctx, cancel := b.within(ctx)
	defer cancel()
	exists, err := b.core.BucketExists(ctx, b.name)
	if err != nil {
		return b.failed(ctx, "find bucket", b.name, err)
	}
	if !exists {
		return fmt.Errorf("blob: there is no bucket %s", b.name)
	}
	return nil
}

func (b *bucket) URL(ctx context.Context, key string) (string, error) {
	if err := CheckKey(key); err != nil {
		return "", err
	}
	if b.cfg.PublicURL != "" {
		return publicURL(b.cfg.PublicURL, key), nil
	}
	if b.cfg.S3.PresignTTL == 0 {
		return "", nil
	}
	ctx, cancel := b.within(ctx) // no request, but the login may have to be fetched
	defer cancel()
	u, err := b.linker.PresignedGetObject(ctx, b.name, key, b.cfg.S3.PresignTTL, nil)
	if err != nil {
		return "", b.failed(ctx, "sign", key, err)
	}
	return u.String(), nil
}

func (b *bucket) Move(ctx context.Context, from, to string) error {
	if err := errors.Join(CheckKey(from), CheckKey(to)); err != nil {
		return err
	}
	info, err := b.stat(ctx, from)
	if err != nil || from == to { // S3 has no move: below, the copy would be deleted
		return err
	}
	copyCtx, cancel := context.WithTimeout(ctx, b.long(info.Size))
	defer cancel()
	_, err = b.core.Client.CopyObject(copyCtx, minio.CopyDestOptions{
		Bucket: b.name, Object: to, ReplaceMetadata: true, ContentType: contentType(to), CacheControl: cacheControl,
	}, minio.CopySrcOptions{Bucket: b.name, Object: from})
	if err != nil {
		return b.failed(copyCtx, "copy", from, err)
	}
	return b.Delete(ctx, from)
}

func (b *bucket) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := CheckKey(key); err != nil {
			return err
		}
	}
	for batch := range slices.Chunk(keys, maxBatch) {
		if err := b.deleteBatch(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// deleteBatch deletes at most maxBatch objects in one request.
func (b *bucket) deleteBatch(ctx context.Context, keys []string) error {
	ctx, cancel := b.within(ctx)
	defer cancel()
	if len(keys) == 1 {
		err := b.failed(ctx, "delete", keys[0], b.core.RemoveObject(ctx, b.name, keys[0], minio.RemoveObjectOptions{}))
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	}
	objects := func(yield func(minio.ObjectInfo) bool) {
		for _, key := range keys {
			if !yield(minio.ObjectInfo{Key: key}) {
				return
			}
		}
	}
	results, err := b.core.RemoveObjectsWithIter(ctx, b.name, objects, minio.RemoveObjectsOptions{})
	if err != nil {
		return b.failed(ctx, "delete from", b.name, err)
	}
	var first error
	for r := range results {
		if err := b.failed(ctx, "delete", r.ObjectName, r.Err); err != nil && !errors.Is(err, ErrNotFound) && first == nil {
			first = err
		}
	}
	if first == nil { // the library is silent about what it did not do because ctx ended
		first = b.failed(ctx, "delete from", b.name, ctx.Err())
	}
	return first
}
