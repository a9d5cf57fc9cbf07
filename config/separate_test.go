package config_test

import (
	"strings"
	"testing"
	"time"

	"tiktok/config"
)

// A process without calls needs no etcd; node numbers are leased for whole seconds; the all-in-one has no process for media.
func TestValidateSeparate(t *testing.T) {
	media := video()
	media.Name, media.Schema, media.RPCAddr = "media", "video", ""
	calls := user()
	for name, c := range map[string]struct {
		process config.Process
		change  func(*config.Config)
		want    string
	}{
		"media without etcd":     {media, func(*config.Config) {}, ""},
		"a service without etcd": {calls, func(*config.Config) {}, "rpc.registry"},
		"a short lease":          {calls, func(c *config.Config) { c.RPC.NodeLease = time.Second }, "rpc.node_lease"},
		"parts of a second":      {calls, func(c *config.Config) { c.RPC.NodeLease = 2500 * time.Millisecond }, "rpc.node_lease"},
		"media in one process":   {config.AllInOneProcess(), func(c *config.Config) { c.Media.Separate = true }, "media.separate"},
		"media apart":            {media, func(c *config.Config) { c.Media.Separate = true }, ""},
	} {
		cfg := config.Default()
		c.change(&cfg)
		err := cfg.ForProcess(c.process).Validate(c.process)
		for _, key := range []string{"rpc.registry", "rpc.node_lease", "media.separate"} {
			named := err != nil && strings.Contains(err.Error(), key+" (")
			if key == c.want && !named {
				t.Errorf("%s: %v", name, err)
			}
			if c.want == "" && named {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
