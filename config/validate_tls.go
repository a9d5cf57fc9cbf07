package config

import (
	"maps"
	"strings"

	"tiktok/pkg/blob"
	"tiktok/pkg/queue"
	"tiktok/pkg/tlsconf"
)

// Certificates are the certificates of this process, by the settings that name them.
func (c Config) Certificates() map[string]tlsconf.Files {
	all := map[string]tlsconf.Files{
		"rpc.tls": c.RPC.TLS, "rpc.registry_tls": c.RPC.RegistryTLS.Files, "db.tls": c.DB.TLS.Files, "cache.tls": c.Cache.TLS.Files,
		"queue.tls": c.Queue.TLS.Files, "blob.s3.tls": c.Blob.S3.TLS.Files,
	}
	for name, s := range c.DB.Services {
		all["db.services."+name+".tls"] = s.TLS.Files
	}
	maps.DeleteFunc(all, func(_ string, f tlsconf.Files) bool { return f.Cert == "" })
	return all
}

// validateTLS reads the certificate files of what the process uses: others need not be there.
func (c Config) validateTLS(p *problems, process Process) {
	check := func(key string, err error) { p.require(err == nil, key, "%v", err) }
	uses := process.Uses
	if c.DB.Driver == "mysql" && uses.DB {
		for key, db := range c.schemaSettings(process) {
			check(key+".tls", db.TLS.Check())
		}
	}
	if c.Cache.Driver == "redis" || c.Limits.Driver == "redis" {
		check("cache.tls", c.Cache.TLS.Check())
	}
	if uses.Queue && c.Queue.Driver == queue.DriverRabbitMQ && c.Queue.TLS.Set() {
		check("queue.tls", c.Queue.TLS.Check())
	}
	if uses.Media && c.Blob.Driver == blob.DriverS3 && c.Blob.S3.TLS.Set() {
		check("blob.s3.tls", c.Blob.S3.TLS.Check())
		p.require(strings.HasPrefix(c.Blob.S3.Endpoint, "https://"), "blob.s3.endpoint", "wants https:// with blob.s3.tls")
	}
	if process.distributed() && process.Calls() {
		c.validateRPCTLS(p)
	}
}

func (c Config) validateRPCTLS(p *problems) {
	r := c.RPC
	if r.TLS.Set() {
		err := r.TLS.Check()
		p.require(err == nil, "rpc.tls", "%v", err)
		p.require(r.TLS.CA != "" && r.TLS.Cert != "" && r.TLS.Key != "", "rpc.tls", "needs ca, cert and key: both sides show a certificate")
	}
	err := r.RegistryTLS.Check()
	p.require(err == nil, "rpc.registry_tls", "%v", err)
	p.require((r.RegistryUsername == "") == (r.RegistryPassword == ""), "rpc.registry_password", "and rpc.registry_username go together")
	for _, endpoint := range r.Registry {
		scheme, addr, found := strings.Cut(endpoint, "://")
		if !found {
			scheme, addr = "", endpoint
		}
		p.address("rpc.registry", addr)
		p.require(scheme != "http" || !r.RegistryTLS.Set(), "rpc.registry", "is %q, want no http:// with rpc.registry_tls", endpoint)
		p.require(scheme != "https" || r.RegistryTLS.Set(), "rpc.registry", "is %q, want rpc.registry_tls with it", endpoint)
	}
}
