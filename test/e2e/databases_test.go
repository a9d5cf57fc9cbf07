package e2e_test

import (
	"strings"
	"testing"

	"tiktok/cmd/tiktok/cli"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/test/harness"
)

// TestDatabasePerService: two services have a server of their own, one of them an account of its own there; the product lives as ever, and
// the commands that work on schemas find all of them.
func TestDatabasePerService(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server and eight processes")
	}
	second := sqldbtest.StartServer(t)
	second.Exec(t, "CREATE USER chat@'%' IDENTIFIED BY 'of chat'", "GRANT ALL ON `tt\\_e2e\\_%`.* TO chat@'%'")
	d := harness.Distributed(t,
		harness.Set("db.services.interaction.addr", second.Addr), harness.Set("db.services.chat.addr", second.Addr),
		harness.Set("db.services.chat.user", "chat"), harness.Set("db.services.chat.password", "of chat"))
	testLife(t, d)
	d.Audit(t)

	const schemas = "SELECT GROUP_CONCAT(schema_name ORDER BY schema_name) FROM information_schema.schemata " +
		"WHERE schema_name LIKE 'tt\\_e2e\\_%'"
	prefix := d.Config.DB.SchemaPrefix
	if got, want := second.Text(t, schemas), prefix+"chat,"+prefix+"interaction"; got != want {
		t.Errorf("the second server has %s, want %s", got, want)
	}
	const by = "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'chat'"
	if second.Text(t, by) == "0" {
		t.Error("nobody is logged in as chat")
	}
	db := d.Config.DB
	environ := []string{
		"TIKTOK_DB_DRIVER=mysql", "TIKTOK_DB_ADDR=" + db.Addr, "TIKTOK_DB_USER=" + db.User, "TIKTOK_DB_PASSWORD=" + db.Password,
		"TIKTOK_DB_SCHEMA_PREFIX=" + prefix, "TIKTOK_DB_SERVICES_INTERACTION_ADDR=" + second.Addr, "TIKTOK_DB_SERVICES_CHAT_ADDR=" + second.Addr,
		"TIKTOK_DB_SERVICES_CHAT_USER=chat", "TIKTOK_DB_SERVICES_CHAT_PASSWORD=of chat",
	}
	for command, want := range map[string]string{
		"migrate": "chat         up to date", "audit": "chat         ", "dead-letters list --consumer discovery": "", "index check": "",
	} {
		var out, errs strings.Builder
		args := strings.Fields(command)
		if code := cli.Run(t.Context(), args, environ, &out, &errs); code != 0 || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %d\n%s%s", command, code, out.String(), errs.String())
		}
	}
	// Whoever does not know of the second server would find nothing, or make it.
	if got := second.Text(t, schemas); strings.Count(got, ",") != 1 {
		t.Errorf("the commands have made schemas: %s", got)
	}
}
