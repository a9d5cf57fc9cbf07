package config

import (
	"tiktok/pkg/sqldb"
)

// validateDB checks where the schemas are: for a service that of its own, for the all-in-one and its commands all of them.
func (c Config) validateDB(p *problems, process Process) {
	if c.DB.Driver != sqldb.MySQL {
		p.require(len(c.DB.Services) == 0, "db.services", "wants the mysql driver: with %s each service has a file of its own", c.DB.Driver)
		p.require(c.DB.ReadAddr == "", "db.read_addr", "wants the mysql driver")
		return
	}
	if !process.Uses.DB {
		return
	}
	for key, db := range c.schemaSettings(process) {
		p.address(key+".addr", db.Addr)
		if db.ReadAddr != "" {
			p.address(key+".read_addr", db.ReadAddr)
			p.require(db.ReadAddr != db.Addr, key+".read_addr", "is %s.addr itself: leave it empty", key)
		}
		p.require(db.User != "", key+".user", "is needed with the mysql driver")
	}
}

// schemaSettings are the settings of the schemas that a process works on, by the key that they begin with. "db" is not among them when
// no schema is left that is where db.* says; the all-in-one and its commands ask for it all the same.
func (c Config) schemaSettings(process Process) map[string]sqldb.Config {
	if process.distributed() {
		if _, own := c.DB.Services[process.schema()]; own {
			return map[string]sqldb.Config{"db.services." + process.schema(): c.DB.For(process.schema())}
		}
		return map[string]sqldb.Config{"db": c.DB}
	}
	all := map[string]sqldb.Config{"db": c.DB}
	for name := range c.DB.Services {
		all["db.services."+name] = c.DB.For(name)
	}
	return all
}
