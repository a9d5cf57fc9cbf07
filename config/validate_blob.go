package config

import (
	"strings"
	"time"

	"tiktok/pkg/blob"
)

// Bounds of a signed link. S3 signs for a week at most; a shorter one than a minute ends while a slow client follows it.
const (
	minPresign = time.Minute
	maxPresign = 7 * 24 * time.Hour
)

func (c Config) validateBlob(p *problems) {
	p.require(c.Blob.ReserveBytes >= 0, "blob.reserve_bytes", "is %d, want 0 or more", c.Blob.ReserveBytes)
	if c.Blob.PublicURL != "" {
		p.httpURL("blob.public_url", c.Blob.PublicURL)
	}
	if c.Blob.Driver != blob.DriverS3 {
		return
	}
	s := c.Blob.S3
	p.httpURL("blob.s3.endpoint", s.Endpoint)
	if s.PublicEndpoint != "" {
		p.httpURL("blob.s3.public_endpoint", s.PublicEndpoint)
	}
	p.require(s.Bucket != "", "blob.s3.bucket", "is needed with the s3 driver")
	p.require(s.Region != "", "blob.s3.region", "is needed with the s3 driver")
	p.require((s.AccessKey == "") == (s.SecretKey == ""), "blob.s3.secret_key", "and blob.s3.access_key go together")
	p.oneOf("blob.s3.lookup", s.Lookup, "auto", "path", "dns")
	for _, prefix := range s.PublicPrefixes {
		err := blob.CheckKey(strings.TrimSuffix(prefix, "/"))
		p.require(err == nil, "blob.s3.public_prefixes", "%q is not the beginning of a key, such as videos/", prefix)
	}
	p.require(
		s.PresignTTL == 0 || s.PresignTTL >= minPresign && s.PresignTTL <= maxPresign,
		"blob.s3.presign_ttl",
		"is %v, want 0 or %v..%v",
		s.PresignTTL,
		minPresign,
		maxPresign,
	)
	p.require(
		s.PartBytes >= blob.MinPart && s.PartBytes <= blob.MaxPart,
		"blob.s3.part_bytes",
		"is %d, want %d..%d",
		s.PartBytes,
		blob.MinPart,
		blob.MaxPart,
	)
	p.require(s.Timeout > 0, "blob.s3.timeout", "is %v, want more than 0", s.Timeout)
	p.require(
		c.Gateway.MaxUploadBytes <= blob.MaxObject,
		"gateway.max_upload_bytes",
		"is %d, but s3 takes %d",
		c.Gateway.MaxUploadBytes,
		int64(blob.MaxObject),
	)
}
