// Package boot is what all processes share on the way from settings to a running group: logger, metrics, health checks.
package boot

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/cloudwego/hertz/pkg/common/hlog"
	"github.com/cloudwego/kitex/pkg/klog"

	"tiktok/config"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/logx"
	"tiktok/pkg/telemetry"
)

// stopTimeout bounds a graceful stop; what still runs then is left to the operating system.
const stopTimeout = 20 * time.Second

// Process is a process that has read its settings and may start.
type Process struct {
	config.Process
	Config    config.Config
	Telemetry *telemetry.Telemetry
	// Group collects what Run runs, in start order.
	Group lifecycle.Group
}

// SettingsError is settings that cannot be used.
type SettingsError struct{ Cause error }

// Error implements error.
func (e SettingsError) Error() string { return "settings are not usable:\n" + e.Cause.Error() }

// Unwrap is the cause.
func (e SettingsError) Unwrap() error { return e.Cause }

// Settings are the checked settings of a process: see config.Load. Every error is a SettingsError.
func Settings(process config.Process, file string, environ []string, set map[string]any) (config.Config, error) {
	cfg, err := config.Load(file, environ, set)
	if err == nil {
		cfg = cfg.ForProcess(process)
		err = cfg.Validate(process)
	}
	if err != nil {
		return cfg, SettingsError{err}
	}
	return cfg, nil
}

// New makes a process of checked settings. Its log goes to w. The caller closes its telemetry.
func New(process config.Process, cfg config.Config, w io.Writer) (*Process, error) {
	tel, err := telemetry.New(cfg.Telemetry, process.Name, w)
	if err != nil {
		return nil, err
	}
	if err := tel.WatchDisk(cfg.DataDir); err != nil {
		return nil, err
	}
	for setting, files := range cfg.Certificates() {
		if err := tel.WatchCertificate(setting, files.Expiry); err != nil {
			return nil, err
		}
	}
	if !process.Uses.Gateway && (cfg.Auth.Secret != "" || len(cfg.Auth.OldSecrets) > 0 || cfg.Auth.SecretFile != "") {
		cfg.Auth.Secret, cfg.Auth.OldSecrets, cfg.Auth.SecretFile = "", nil, ""
		tel.Log.Warn("auth.secret is for the gateway alone, this process forgets it: give it to no other")
	}
	if !process.Uses.Push && cfg.Push.PrivateKey != "" {
		cfg.Push.PrivateKey = ""
		tel.Log.Warn("push.private_key is for the notice service alone, this process forgets it: give it to no other")
	}
	klog.SetOutput(logx.Lines(tel.Sampled(), "kitex"))
	klog.SetLevel(klog.LevelWarn)
	hlog.SetOutput(places{tel.Sampled()})
	hlog.SetLevel(hlog.LevelWarn)
	return &Process{Process: process, Config: cfg, Telemetry: tel}, nil
}

// Run logs the settings and runs the group until ctx ends or a part fails.
func (p *Process) Run(ctx context.Context) error {
	p.Telemetry.Log.Info("settings", "all", strings.Join(p.Config.Masked(), "; "))
	return p.Group.Run(ctx, stopTimeout, p.Telemetry.Log)
}

// Admin adds the admin server to the group and logs that the process serves at the address, which is of that kind.
func (p *Process) Admin(ctx context.Context, checks []telemetry.Check, kind, addr string) error {
	admin, err := telemetry.ListenAdmin(ctx, p.Config.Telemetry.AdminAddr, p.Telemetry, checks)
	if err != nil {
		return err
	}
	p.Group.Add("admin", admin.Run, nil)
	p.Telemetry.Log.Info("serving", kind, addr, "admin", p.Config.Telemetry.AdminAddr)
	return nil
}
