package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones on machines that have none installed

	"tiktok/pkg/blob"
	"tiktok/pkg/limiter"
	"tiktok/pkg/media"
	"tiktok/pkg/queue"
	"tiktok/pkg/tracing"
)

// minSecret is what HS256 asks for: as many bytes as its hash.
const minSecret = 32

// minMediaMemory is what ffmpeg takes to load its libraries and to encode something small.
const minMediaMemory = 512 << 20

// minLease leaves a worker time to renew it six times on a slow database.
const minLease = 2 * time.Second

// maxFeedSize is the client's page.
const maxFeedSize = 30

// problems collects what is wrong, so that an operator sees all of it at once.
type problems []error

func (p *problems) require(ok bool, key, format string, args ...any) {
	if !ok {
		*p = append(*p, fmt.Errorf("%s (%s): %s", key, EnvName(key), fmt.Sprintf(format, args...)))
	}
}

func (p *problems) oneOf(key, got string, want ...string) {
	p.require(slices.Contains(want, got), key, "is %q, want one of %s", got, strings.Join(want, ", "))
}

func (p *problems) address(key, addr string) {
	_, _, err := net.SplitHostPort(addr)
	p.require(err == nil, key, "is %q, want host:port", addr)
}

func (p *problems) httpURL(key, text string) {
	u, err := url.Parse(text)
	p.require(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", key, "is %q, want http(s)://host", text)
}

// Validate returns everything that is wrong with the settings of the given process.
func (c Config) Validate(process Process) error {
	var p problems
	distributed, uses := process.distributed(), process.Uses
	p.oneOf("db.driver", c.DB.Driver, "sqlite", "mysql")
	p.oneOf("cache.driver", c.Cache.Driver, "memory", "redis")
	p.oneOf("queue.driver", c.Queue.Driver, queue.DriverMemory, queue.DriverRabbitMQ)
	p.oneOf("queue.type", c.Queue.Type, queue.TypeQuorum, queue.TypeClassic)
	p.oneOf("blob.driver", c.Blob.Driver, blob.DriverLocal, blob.DriverS3)
	p.oneOf("words.mode", c.Words.Mode, "mask", "refuse", "off")
	p.oneOf("limits.driver", c.Limits.Driver, limiter.DriverMemory, limiter.DriverRedis, LimitsOff)
	p.oneOf("telemetry.log_level", strings.ToLower(c.Telemetry.LogLevel), "debug", "info", "warn", "error")
	p.oneOf("telemetry.log_format", c.Telemetry.LogFormat, "text", "json")
	c.validateDB(&p, process)
	if c.Cache.Driver == "redis" || c.Limits.Driver == "redis" {
		p.require(len(c.Cache.Addrs) > 0, "cache.addrs", "is needed with the redis driver")
	}
	if c.Queue.Driver == queue.DriverRabbitMQ && uses.Queue {
		key := keyQueueURL
		if len(c.Queue.URLs) > 0 {
			key = keyQueueURLs
		}
		err := c.Queue.CheckNodes()
		p.require(err == nil, key, "%v", err)
	}
	partitions := c.Queue.Partitions
	p.require(partitions >= 1 && partitions <= queue.MaxPartitions, "queue.partitions", "is %d, want 1..%d", partitions, queue.MaxPartitions)
	p.require(
		c.Queue.MaxBatch > 0 && c.Queue.Capacity >= c.Queue.MaxBatch,
		"queue.max_batch",
		"is %d, want 1..queue.capacity (%d)",
		c.Queue.MaxBatch,
		c.Queue.Capacity,
	)
	p.require(c.RPC.Timeout > 0, "rpc.timeout", "is %v, want more than 0", c.RPC.Timeout)
	p.require(c.RPC.BackupAfter >= 0, "rpc.backup_after", "is %v, want 0 (off) or more", c.RPC.BackupAfter)
	if c.Telemetry.AdminAddr != "" {
		p.address("telemetry.admin_addr", c.Telemetry.AdminAddr)
	}
	if c.Telemetry.OTLPEndpoint != "" {
		err := tracing.CheckEndpoint(c.Telemetry.OTLPEndpoint)
		p.require(err == nil, "telemetry.otlp_endpoint", "wants http(s)://host:port, for OTLP over HTTP")
	}
	p.require(
		c.Telemetry.SampleRatio >= 0 && c.Telemetry.SampleRatio <= 1,
		"telemetry.sample_ratio",
		"is %v, want 0..1",
		c.Telemetry.SampleRatio,
	)
	if distributed {
		p.require(len(c.RPC.Registry) > 0 || !process.Calls(), "rpc.registry", "is needed: the addresses of etcd")
		p.require(c.RPC.RegistryPrefix != "", "rpc.registry_prefix", "must not be empty")
		p.require(c.RPC.NodeLease >= 2*time.Second && c.RPC.NodeLease%time.Second == 0, "rpc.node_lease",
			"is %v, want whole seconds, 2s or more", c.RPC.NodeLease)
		if process.RPCAddr != "" {
			p.address("rpc.listen", c.RPC.Listen)
		}
	}
	c.validateTLS(&p, process)
	c.validateLimits(&p)
	p.require(c.Auth.TokenTTL > 0, "auth.token_ttl", "is %v, want more than 0", c.Auth.TokenTTL)
	if err := c.Names.Check(); err != nil {
		p.require(false, "names.reserved", "%v", err)
	}
	if uses.Gateway {
		c.validateGateway(&p, distributed)
	}
	if uses.Media {
		p.require(distributed || !c.Media.Separate, "media.separate", "wants processes of its own, as the distributed deployment has")
		c.validateMedia(&p)
	}
	if uses.Push {
		for _, problem := range c.Push.Check() {
			p.require(false, "push."+problem.Key, "%s", problem.Text)
		}
	}
	if uses.Index {
		for _, problem := range c.Discovery.check() {
			p.require(false, "discovery", "%s", problem)
		}
	}
	return errors.Join(p...)
}

func (c Config) validateMedia(p *problems) {
	p.oneOf("media.sandbox", c.Media.Sandbox, media.SandboxAuto, media.SandboxRequire, media.SandboxOff)
	p.require(c.Media.MaxDuration > 0, "media.max_duration", "is %v, want more than 0", c.Media.MaxDuration)
	p.require(c.Media.Workers >= 0, "media.workers", "is %d, want 0 or more", c.Media.Workers)
	p.require(c.Media.Backfill >= 0, "media.backfill", "is %d, want 0 or more", c.Media.Backfill)
	p.require(c.Media.Threads >= 0, "media.threads", "is %d, want 0 or more", c.Media.Threads)
	p.require(c.Media.Lease >= minLease, "media.lease", "is %v, want %v or more", c.Media.Lease, minLease)
	p.require(c.Media.SweepEvery > 0, "media.sweep_every", "is %v, want more than 0", c.Media.SweepEvery)
	p.require(c.Media.UserQuotaBytes >= 0, "media.user_quota_bytes", "is %d, want 0 or more", c.Media.UserQuotaBytes)
	p.require(c.Media.UserDailyBytes >= 0, "media.user_daily_bytes", "is %d, want 0 or more", c.Media.UserDailyBytes)
	p.require(c.Media.JobTimeout >= time.Minute, "media.job_timeout", "is %v, want 1m or more", c.Media.JobTimeout)
	p.require(c.Media.MaxPixels > 0, "media.max_pixels", "is %d, want more than 0", c.Media.MaxPixels)
	p.require(c.Media.MaxWork > 0, "media.max_work", "is %d, want more than 0", c.Media.MaxWork)
	p.require(c.Media.MemoryTotalBytes == 0 || c.Media.MemoryTotalBytes >= 2*c.Media.MemoryBytes, "media.memory_total_bytes",
		"is %d, want 0, or twice media.memory_bytes or more", c.Media.MemoryTotalBytes)
	p.require(c.Media.MemoryBytes >= minMediaMemory, "media.memory_bytes", "is %d, want %d or more", c.Media.MemoryBytes, minMediaMemory)
}

func (c Config) validateGateway(p *problems, distributed bool) {
	g := c.Gateway
	c.validateBlob(p)
	p.address("gateway.addr", g.Addr)
	g.validateBaseURL(p, distributed)
	g.validateProxies(p)
	_, err := time.LoadLocation(g.TimeZone)
	p.require(err == nil && g.TimeZone != "", "gateway.time_zone", "%q is not a time zone", g.TimeZone)
	p.require(g.FeedSize >= 1 && g.FeedSize <= maxFeedSize, "gateway.feed_size", "is %d, want 1..%d", g.FeedSize, maxFeedSize)
	p.require(g.MaxUploadBytes > 0, "gateway.max_upload_bytes", "is %d, want more than 0", g.MaxUploadBytes)
	p.require(g.MaxBodyBytes > 0, "gateway.max_body_bytes", "is %d, want more than 0", g.MaxBodyBytes)
	p.require(
		g.MaxBufferedBytes > g.MaxBodyBytes,
		"gateway.max_buffered_bytes",
		"is %d, want more than gateway.max_body_bytes",
		g.MaxBufferedBytes,
	)
	p.require(g.MaxConns >= 0, "gateway.max_conns", "is %d, want 0 or more", g.MaxConns)
	p.require(g.MaxStreams >= 0, "gateway.max_streams", "is %d, want 0 or more", g.MaxStreams)
	p.require(g.MaxConnsPerAddr >= 0, "gateway.max_conns_per_addr", "is %d, want 0 or more", g.MaxConnsPerAddr)
	p.require(g.RequestTimeout > 0, "gateway.request_timeout", "is %v, want more than 0", g.RequestTimeout)
	p.require(g.UploadTimeout > 0, "gateway.upload_timeout", "is %v, want more than 0", g.UploadTimeout)
	p.require(g.AnonymousUploadBytes >= 0, "gateway.anonymous_upload_bytes", "is %d, want 0 or more", g.AnonymousUploadBytes)
	p.require(g.AnonymousUploadsAddr >= 0, "gateway.anonymous_uploads_addr", "is %d, want 0 or more", g.AnonymousUploadsAddr)
	p.require(c.Auth.Secret == "" || len(c.Auth.Secret) >= minSecret, "auth.secret", "is shorter than %d characters", minSecret)
	for _, old := range c.Auth.OldSecrets {
		p.require(len(old) >= minSecret, "auth.old_secrets", "has one that is shorter than %d characters", minSecret)
		p.require(old != c.Auth.Secret, "auth.old_secrets", "has auth.secret itself")
	}
	p.require(
		!distributed || c.Auth.Secret != "" || c.Auth.SecretFile != "",
		"auth.secret",
		"is needed, or auth.secret_file: every gateway must have the same one",
	)
}

func (c Config) validateLimits(p *problems) {
	for key, r := range map[string]limiter.Rule{
		"read_addr": c.Limits.ReadAddr, "write_addr": c.Limits.WriteAddr, "register_addr": c.Limits.RegisterAddr,
		"login_addr": c.Limits.LoginAddr, "login_account": c.Limits.LoginAccount, "login_failures": c.Limits.LoginFailures,
		"publish_addr": c.Limits.PublishAddr,
		"publish_user": c.Limits.PublishUser, "read_user": c.Limits.ReadUser, "write_user": c.Limits.WriteUser, "chat_user": c.Limits.ChatUser,
	} {
		p.require(r.Rate >= 0 && (r.Rate == 0 || r.Burst > 0), "limits."+key, "wants rate >= 0 and burst > 0")
	}
}
