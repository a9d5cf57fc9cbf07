package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
	_ "time/tzdata" // the zone of dates must not depend on the machine

	"tiktok/cmd/api/biz/handler"
	"tiktok/cmd/api/biz/rpc"
	"tiktok/cmd/api/openapi"
	"tiktok/cmd/api/web"
	"tiktok/config"
	"tiktok/pkg/auth"
	"tiktok/pkg/blob"
	"tiktok/pkg/limiter"
	"tiktok/pkg/media"
	"tiktok/pkg/push"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/workdir"
)

// Open makes a gateway from settings, binds its address and opens the blob store. A taken address is an error here.
// Without a secret in the settings the file cfg.Auth.SecretFile has it. hints
// stays the caller's. demo are accounts that log in from nearby only.
func Open(
	ctx context.Context, cfg config.Config, tel *telemetry.Telemetry, clients rpc.Clients, hints push.Broker, demo handler.Demo,
) (*Gateway, error) {
	d := Deps{
		Config: cfg.Gateway, Limits: cfg.Limits, Clients: clients, Hints: hints, Tel: tel, Demo: demo,
		TokenTTL:      cfg.Auth.TokenTTL,
		MaxDuration:   cfg.Media.MaxDuration,
		SweepEvery:    cfg.Media.SweepEvery,
		ReserveBytes:  cfg.Blob.ReserveBytes,
		Tools:         media.New(cfg.Media.Config).WithLog(tel.Log),
		PublicMetrics: cfg.Telemetry.AdminAddr == "",
	}
	if d.Tools.CanEncode() {
		tel.Log.Info("media tools", "tools", d.Tools.Describe())
	} else {
		tel.Log.Warn("no ffmpeg that encodes: uploads that phones do not play as they are will be refused, and covers are drawn",
			"tools", d.Tools.Describe())
	}
	d.Config.PublicBaseURL = cfg.Gateway.BaseURL()
	var err error
	if d.Tokens, err = openTokens(cfg.Auth); err != nil {
		return nil, err
	}
	if d.Zone, err = time.LoadLocation(cfg.Gateway.TimeZone); err != nil {
		return nil, fmt.Errorf("time zone: %w", err)
	}
	if d.Proxies, err = cfg.Gateway.Proxies(); err != nil {
		return nil, fmt.Errorf("trusted proxies: %w", err)
	}
	if d.Blobs, err = blob.Open(ctx, cfg.Blob); err != nil {
		return nil, err
	}
	if d.Docs, err = openapi.Files(); err != nil {
		return nil, err
	}
	if link, err := d.Blobs.URL(ctx, "videos/x"); err != nil {
		tel.Log.Warn("no link to the media store, pages will not play from it", "err", err)
	} else if link != "" {
		d.MediaOrigins = []string{link}
	}
	version, _ := telemetry.Version()
	facts := web.Facts{MaxUploadBytes: cfg.Gateway.MaxUploadBytes, MaxDuration: cfg.Media.MaxDuration, Version: version}
	if d.Site, err = web.New(facts); err != nil {
		return nil, err
	}
	if d.Tools.HasFFmpeg() {
		if d.Work, err = workdir.Open(cfg.Media.WorkDir, "gateway-"); err != nil {
			return nil, fmt.Errorf("media.work_dir: %w", err)
		}
	}
	driver := cfg.Limits.Driver
	if driver == config.LimitsOff {
		d.Limits, driver = config.Limits{}, limiter.DriverMemory // rules without a rate
	}
	if d.Own, err = limiter.NewMemory(0); err != nil {
		return nil, errors.Join(err, d.close())
	}
	if d.Shared, err = limiter.Open(driver, cfg.Cache, tel.Log); err != nil {
		return nil, errors.Join(err, d.close())
	}
	var lc net.ListenConfig
	if d.Listener, err = lc.Listen(ctx, "tcp", cfg.Gateway.Addr); err != nil {
		return nil, errors.Join(fmt.Errorf("public address: %w", err), d.close())
	}
	return New(d), nil
}

func openTokens(cfg config.Auth) (*auth.Tokens, error) {
	keys := [][]byte{[]byte(cfg.Secret)}
	if cfg.Secret == "" {
		var err error
		if keys, err = auth.LoadOrCreateSecrets(cfg.SecretFile); err != nil {
			return nil, err
		}
	}
	for _, old := range cfg.OldSecrets {
		keys = append(keys, []byte(old))
	}
	return auth.NewTokens(keys[0], cfg.TokenTTL, keys[1:]...), nil
}
