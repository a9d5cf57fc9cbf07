// Package config is the one place where a process's settings are defined, read and checked. A Config is a value that is
// passed down; nothing reads the environment or a file later.
package config

import (
	"path/filepath"
	"time"

	"tiktok/pkg/blob"
	"tiktok/pkg/kv"
	"tiktok/pkg/limiter"
	"tiktok/pkg/media"
	"tiktok/pkg/names"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
	"tiktok/pkg/webpush"
	"tiktok/pkg/words"
)

// Config is everything that can be set. Default is a complete all-in-one.
type Config struct {
	// DataDir holds what the process stores on disk: SQLite files, media, the token secret.
	DataDir   string           `mapstructure:"data_dir"`
	Gateway   Gateway          `mapstructure:"gateway"`
	Auth      Auth             `mapstructure:"auth"`
	Limits    Limits           `mapstructure:"limits"`
	DB        sqldb.Config     `mapstructure:"db"`
	Cache     kv.Config        `mapstructure:"cache"`
	Queue     queue.Config     `mapstructure:"queue"`
	Blob      blob.Config      `mapstructure:"blob"`
	Media     Media            `mapstructure:"media"`
	Words     words.Config     `mapstructure:"words"`
	Names     names.Config     `mapstructure:"names"`
	Push      webpush.Config   `mapstructure:"push"`
	Discovery Discovery        `mapstructure:"discovery"`
	RPC       transport.Config `mapstructure:"rpc"`
	Telemetry telemetry.Config `mapstructure:"telemetry"`
	Demo      Demo             `mapstructure:"demo"`
	Audit     Audit            `mapstructure:"audit"`
}

// Gateway is the public HTTP side.
type Gateway struct {
	// Addr is the public address, host:port.
	Addr string `mapstructure:"addr"`
	// PublicBaseURL starts every media URL, e.g. "https://v.example.com". FromHost, or empty in the all-in-one: the scheme and Host
	// of the request, which is what its sender likes.
	PublicBaseURL string `mapstructure:"public_base_url"`
	// TrustedProxies are the addresses (or networks, CIDR) whose X-Forwarded-For and X-Forwarded-Proto are believed. No network may
	// hold a whole private range.
	TrustedProxies []string `mapstructure:"trusted_proxies"`
	// ProxyHops is the other way, for proxies whose addresses change: so many stand in front of the gateway, each adds one address
	// to X-Forwarded-For, and nobody reaches it past them. 0: TrustedProxies decide.
	ProxyHops int `mapstructure:"proxy_hops"`
	// CORSOrigins may call from a browser; "*" is everyone.
	CORSOrigins []string `mapstructure:"cors_origins"`
	// MaxUploadBytes bounds a published file.
	MaxUploadBytes int64 `mapstructure:"max_upload_bytes"`
	// MaxBodyBytes bounds the body of every other request.
	MaxBodyBytes int64 `mapstructure:"max_body_bytes"`
	// MaxBufferedBytes bounds what the bodies of requests take of the memory together, uploads excepted, which stream. The
	// first 8 KiB of each do not count; beyond it large requests are asked to come again.
	MaxBufferedBytes int64 `mapstructure:"max_buffered_bytes"`
	// MaxConns bounds the open connections. 0: 20,000, but not more than half of the process's file descriptors less 128.
	MaxConns int `mapstructure:"max_conns"`
	// MaxConnsPerAddr bounds those of one IPv4 address or IPv6 /64, trusted proxies excepted; with ProxyHops nobody's. 0: half of
	// MaxConns.
	MaxConnsPerAddr int `mapstructure:"max_conns_per_addr"`
	// MaxStreams bounds the open event streams, of which each has a connection; half of MaxConns in any case. One client network has half
	// of it. 0: half of MaxConns.
	MaxStreams int `mapstructure:"max_streams"`
	// RequestTimeout bounds the work for one request, uploads excepted.
	RequestTimeout time.Duration `mapstructure:"request_timeout"`
	// UploadTimeout bounds one upload, transfer included.
	UploadTimeout time.Duration `mapstructure:"upload_timeout"`
	// AnonymousUploadBytes bounds what is stored of all uploads whose file came before their token. One client may hold half
	// of it, two a third each, and so on. 0: the token must come first.
	AnonymousUploadBytes int64 `mapstructure:"anonymous_upload_bytes"`
	// AnonymousUploadsAddr is how many such uploads one address may have under way.
	AnonymousUploadsAddr int `mapstructure:"anonymous_uploads_addr"`
	// FeedSize is the number of videos on a feed page, 1..30.
	FeedSize int `mapstructure:"feed_size"`
	// TimeZone is the IANA zone of a comment's date.
	TimeZone string `mapstructure:"time_zone"`
	// EchoOwnMessages makes a chat poll return the caller's own new messages too. The mobile client shows a message at
	// once when it is sent and would show it twice.
	EchoOwnMessages bool `mapstructure:"echo_own_messages"`
}

// Auth is how logins are kept.
type Auth struct {
	// Secret signs tokens, at least 32 characters. Empty: SecretFile, and in the all-in-one a generated one.
	Secret string `mapstructure:"secret"`
	// OldSecrets are keys whose tokens are still good, and those that will sign next: a key is rotated without logging
	// anybody out.
	OldSecrets []string `mapstructure:"old_secrets"`
	// SecretFile holds the secret instead. Further lines are as OldSecrets.
	SecretFile string `mapstructure:"secret_file"`
	// TokenTTL is how long a login lasts. A lower one also ends older tokens. The user service keeps sessions that long.
	TokenTTL time.Duration `mapstructure:"token_ttl"`
	// HashParallel bounds the password hashes computed at once, 19 MiB each; 0 is the number of CPUs less one, at least
	// one. With as many as CPUs, logins are answered faster and everything else in the process waits behind them.
	HashParallel int `mapstructure:"hash_parallel"`
}

// LimitsOff is the driver that lets everything through.
const LimitsOff = "off"

// Limits are the request limits. A rule with rate 0 is switched off.
type Limits struct {
	// Driver keeps the counts of accounts, logins and uploads: memory (each gateway its own) or redis (all gateways
	// together, on the cache's servers). Reads and writes are always counted by each gateway alone: they protect it. off
	// lets everything through.
	Driver string `mapstructure:"driver"`
	// ReadAddr is for reads from one address, media and chat polls excepted. Of reads, large answers take more than one.
	ReadAddr limiter.Rule `mapstructure:"read_addr"`
	// WriteAddr is for likes, comments, follows and messages from one address.
	WriteAddr limiter.Rule `mapstructure:"write_addr"`
	// RegisterAddr is for new accounts from one address.
	RegisterAddr limiter.Rule `mapstructure:"register_addr"`
	// LoginAddr is for logins from one address.
	LoginAddr limiter.Rule `mapstructure:"login_addr"`
	// LoginFailures is for wrong passwords on one account from one network; a right one starts it anew.
	LoginFailures limiter.Rule `mapstructure:"login_failures"`
	// LoginAccount is for logins to one account from all networks together but those that it logged in from of late. The
	// user service counts them.
	LoginAccount limiter.Rule `mapstructure:"login_account"`
	// PublishAddr is for uploads from one address.
	PublishAddr limiter.Rule `mapstructure:"publish_addr"`
	// PublishUser is for uploads by one user.
	PublishUser limiter.Rule `mapstructure:"publish_user"`
	// ReadUser is for reads by one user, chat polls excepted.
	ReadUser limiter.Rule `mapstructure:"read_user"`
	// WriteUser is for likes, comments, follows and messages by one user.
	WriteUser limiter.Rule `mapstructure:"write_user"`
	// ChatUser is for chat polls by one user.
	ChatUser limiter.Rule `mapstructure:"chat_user"`
}

// Media is what is done with uploads.
type Media struct {
	media.Config `mapstructure:",squash"`
	// Separate says that processes "media" do all work on videos, and the video service none. Only in the distributed deployment.
	Separate bool `mapstructure:"separate"`
	// Background says whether videos that play already get a better cover, a preview and an HLS ladder in the background.
	// What does not play is transcoded all the same. Nothing is done without ffmpeg.
	Background bool `mapstructure:"background"`
	// Backfill is how many videos at most are queued in a minute for what could not be made when they were uploaded, because there
	// was no ffmpeg: covers, previews, ladders. 0 is none; tiktok blobs backfill queues all.
	Backfill int `mapstructure:"backfill"`
	// WorkDir holds temporary files: what ffmpeg writes and, with a store without files (S3), copies of what it reads, each as
	// large as an upload. Each process has a folder of its own in it. Gateways and video services with ffmpeg need it.
	WorkDir string `mapstructure:"work_dir"`
	// Lease is how long an upload stays with a worker that is silent: after a kill, how long its work waits.
	Lease time.Duration `mapstructure:"lease"`
	// UserQuotaBytes is how much one user may have uploaded of what is not deleted, UserDailyBytes how much at once and, in
	// the long run, in a day, deleted or not. The sizes are those of the files as they were uploaded; what is made of them is
	// not counted. 0: no limit.
	UserQuotaBytes int64 `mapstructure:"user_quota_bytes"`
	UserDailyBytes int64 `mapstructure:"user_daily_bytes"`
	// SweepEvery is the pause between two searches for objects that belong to nothing: of uploads and of work that were
	// cut off. Only those are deleted that are older than an hour and than an upload may take.
	SweepEvery time.Duration `mapstructure:"sweep_every"`
}

// Demo is the content that an empty all-in-one starts with.
type Demo struct {
	Enabled bool `mapstructure:"enabled"`
	// Public lets the demo accounts, whose password everybody knows, log in from everywhere; else only from this machine and private
	// networks.
	Public bool `mapstructure:"public"`
}

// Audit is for the command that recounts counters.
type Audit struct {
	// Repair sets wrong counters of likes and comments to what their lists say.
	Repair bool `mapstructure:"repair"`
}

// Default is the all-in-one: everything embedded, nothing to install.
func Default() Config {
	return Config{
		DataDir: "data",
		Gateway: Gateway{
			Addr:                 ":10001",
			CORSOrigins:          []string{"*"},
			MaxUploadBytes:       200 << 20,
			MaxBodyBytes:         1 << 20,
			MaxBufferedBytes:     64 << 20,
			RequestTimeout:       6 * time.Second,
			UploadTimeout:        10 * time.Minute,
			AnonymousUploadBytes: 512 << 20,
			AnonymousUploadsAddr: 32,
			FeedSize:             30,
			TimeZone:             "Asia/Shanghai",
		},
		Auth: Auth{TokenTTL: 30 * 24 * time.Hour},
		Limits: Limits{
			Driver:        "memory",
			ReadAddr:      limiter.Rule{Rate: 2000, Burst: 4000},
			WriteAddr:     limiter.Rule{Rate: 1000, Burst: 2000},
			RegisterAddr:  limiter.Rule{Rate: 2, Burst: 100},
			LoginAddr:     limiter.Rule{Rate: 20, Burst: 100},
			LoginFailures: limiter.Rule{Rate: 1.0 / 60, Burst: 10},
			LoginAccount:  limiter.Rule{Rate: 1.0 / 30, Burst: 100},
			PublishAddr:   limiter.Rule{Rate: 600.0 / 3600, Burst: 300},
			PublishUser:   limiter.Rule{Rate: 120.0 / 3600, Burst: 30},
			ReadUser:      limiter.Rule{Rate: 100, Burst: 300},
			WriteUser:     limiter.Rule{Rate: 30, Burst: 150},
			ChatUser:      limiter.Rule{Rate: 20, Burst: 100},
		},
		DB:    sqldb.Config{Driver: "sqlite", SchemaPrefix: "tiktok_"},
		Cache: kv.Config{Driver: "memory", MaxBytes: 64 << 20, Timeout: 500 * time.Millisecond},
		Queue: queue.Config{
			Driver:      "memory",
			Prefix:      "tiktok",
			Type:        "quorum",
			Partitions:  1,
			MaxBatch:    512,
			MaxWait:     5 * time.Millisecond,
			Capacity:    16384,
			AppliedWait: 2 * time.Second,
		},
		Blob: blob.Config{
			Driver:       blob.DriverLocal,
			ReserveBytes: 1 << 30,
			S3:           blob.S3{Region: "us-east-1", Lookup: "auto", CreateBucket: true, PartBytes: 8 << 20, Timeout: 10 * time.Second},
		},
		Media: Media{
			Config: media.Config{
				Sandbox:     media.SandboxAuto,
				MaxDuration: 10 * time.Minute,
				JobTimeout:  30 * time.Minute,
				MemoryBytes: 3 << 30,
				MaxPixels:   4096 * 2304,
				MaxWork:     80_000_000_000,
			},
			Background: true, Backfill: 30, Lease: 30 * time.Second, SweepEvery: time.Hour,
			UserQuotaBytes: 20 << 30, UserDailyBytes: 4 << 30,
		},
		Words:     words.Config{Mode: "mask"},
		Names:     names.Config{Reserved: names.DefaultReserved()},
		Discovery: defaultDiscovery(),
		Push:      webpush.Config{Pause: time.Minute, TTL: 24 * time.Hour},
		RPC: transport.Config{
			RegistryPrefix: "tiktok", NodeLease: 5 * time.Minute,
			Timeout: 5 * time.Second, BackupAfter: 500 * time.Millisecond, Drain: 2 * time.Second,
		},
		Telemetry: telemetry.Config{LogLevel: "info", LogFormat: "text", SampleRatio: 1},
		Demo:      Demo{Enabled: true},
	}
}

// withPaths fills in the paths that follow from DataDir.
func (c Config) withPaths() Config {
	if c.DB.Dir == "" {
		c.DB.Dir = filepath.Join(c.DataDir, "db")
	}
	if c.Blob.Dir == "" {
		c.Blob.Dir = filepath.Join(c.DataDir, "media")
	}
	if c.Discovery.IndexDir == "" {
		c.Discovery.IndexDir = filepath.Join(c.DataDir, "index")
	}
	if c.Media.WorkDir == "" {
		c.Media.WorkDir = filepath.Join(c.DataDir, "work")
	}
	return c
}
