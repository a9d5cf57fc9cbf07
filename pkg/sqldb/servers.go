package sqldb

import (
	"cmp"

	"tiktok/pkg/tlsconf"
)

// Server says where one service's schema is when it is not where the others are. What is empty is as in Config.
type Server struct {
	// Addr is host:port of MySQL.
	Addr string `mapstructure:"addr"`
	// ReadAddr is host:port of a replica of it. With Addr, Config.ReadAddr is not one.
	ReadAddr string `mapstructure:"read_addr"`
	// User is the MySQL account.
	User string `mapstructure:"user"`
	// Password of the MySQL account.
	Password string `mapstructure:"password"`
	// TLS is for the connections to it.
	TLS tlsconf.Config `mapstructure:"tls"`
}

// For are the settings of one schema: those of its own server where it has them, else those of all. Open does it itself.
func (c Config) For(name string) Config {
	s := c.Services[name]
	c.Services = nil
	if s.Addr != "" || s.ReadAddr != "" {
		c.ReadAddr = s.ReadAddr
	}
	c.Addr, c.User, c.Password = cmp.Or(s.Addr, c.Addr), cmp.Or(s.User, c.User), cmp.Or(s.Password, c.Password)
	c.TLS.CA, c.TLS.ServerName = cmp.Or(s.TLS.CA, c.TLS.CA), cmp.Or(s.TLS.ServerName, c.TLS.ServerName)
	if s.TLS.Cert != "" || s.TLS.Key != "" { // one without the other is wrong, and stays so
		c.TLS.Cert, c.TLS.Key = s.TLS.Cert, s.TLS.Key
	}
	return c
}
