package config_test

import (
	"strings"
	"testing"

	"tiktok/config"
)

func TestTrustedProxies(t *testing.T) {
	for text, ok := range map[string]bool{
		"127.0.0.1": true, "::1": true, "127.0.0.0/8": true, "10.1.2.3": true, "10.1.2.0/24": true, "172.31.249.1/32": true,
		"104.16.0.0/13": true, "2001:db8::/32": true, "fd00:1::/64": true,
		"10.0.0.0/8": false, "172.16.0.0/12": false, "192.168.0.0/16": false, "0.0.0.0/0": false, "::/0": false, "fd00::/8": false,
		"8.0.0.0/5": false, "192.0.0.0/8": false, "10.7.7.7/8": false, "proxy.example": false, "": false,
	} {
		c := config.Default()
		c.Gateway.TrustedProxies = []string{text}
		if err := c.Validate(config.AllInOneProcess()); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
	if c := config.Default(); len(c.Gateway.TrustedProxies) > 0 || c.Gateway.ProxyHops != 0 {
		t.Error("somebody is believed by default")
	}
	for hops, ok := range map[int]bool{-1: false, 0: true, 1: true, 8: true, 9: false} {
		c := config.Default()
		c.Gateway.ProxyHops = hops
		if err := c.Validate(config.AllInOneProcess()); (err == nil) != ok {
			t.Errorf("%d hops: %v", hops, err)
		}
	}
	c := config.Default()
	c.Gateway.ProxyHops, c.Gateway.TrustedProxies = 1, []string{"10.1.2.3"}
	if err := c.Validate(config.AllInOneProcess()); err == nil || !strings.Contains(err.Error(), "proxy_hops") {
		t.Errorf("both: %v", err)
	}
}

// A deployment for many names its own address; on one machine the Host of a request is good enough.
func TestPublicBaseURL(t *testing.T) {
	for text, want := range map[string]struct {
		allInOne, distributed bool
		base                  string
	}{
		"":                       {true, false, ""},
		config.FromHost:          {true, true, ""},
		"https://v.example.com/": {true, true, "https://v.example.com"},
		"v.example.com":          {false, false, "v.example.com"},
	} {
		c := config.Default()
		c.RPC.Registry, c.Auth.Secret, c.Gateway.PublicBaseURL = []string{"127.0.0.1:2379"}, strings.Repeat("s", 32), text
		if err := c.Validate(config.AllInOneProcess()); (err == nil) != want.allInOne {
			t.Errorf("all-in-one, %q: %v", text, err)
		}
		if err := c.ForProcess(gateway()).Validate(gateway()); (err == nil) != want.distributed {
			t.Errorf("distributed, %q: %v", text, err)
		}
		if err := c.ForProcess(user()).Validate(user()); err != nil {
			t.Errorf("a service that has no links, %q: %v", text, err)
		}
		if got := c.Gateway.BaseURL(); got != want.base {
			t.Errorf("%q is %q", text, got)
		}
	}
}
