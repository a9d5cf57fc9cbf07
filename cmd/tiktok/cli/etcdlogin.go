package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"tiktok/config"
	"tiktok/pkg/id"
	"tiktok/pkg/transport"
)

const (
	// rootKey is the variable with the password of etcd's own account, which may do everything. No process has it.
	rootKey     = "ETCD_ROOT_PASSWORD"
	etcdRoot    = "root"
	etcdTimeout = 30 * time.Second
)

func etcdLogin(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "etcd-login",
		Short: "Make the processes' account at etcd, and turn logins on",
		Long: "Make the account rpc.registry_username, with rpc.registry_password, at the etcd of rpc.registry, and turn logins on. Run " +
			"again, it gives the account the\n" +
			"password of now. The variable " + rootKey + " has the password of etcd's own account, root, which no process has.",
	}
	s := addSettings(cmd, environ)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := s.load(config.AllInOneProcess())
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), etcdTimeout)
		defer cancel()
		return protect(ctx, cfg.RPC, s.variable(rootKey), printer(cmd))
	}
	return cmd
}

// protect makes etcd ask for a login, with two accounts: root, with the given password, and that of cfg, which reads and
// writes the keys of the registry and the node numbers, and no others. Again, it gives the account of cfg the password of
// now; root's stays what it was.
func protect(ctx context.Context, cfg transport.Config, password string, report func(format string, args ...any)) error {
	switch {
	case len(cfg.Registry) == 0:
		return errors.New("rpc.registry is needed: the addresses of etcd")
	case cfg.RegistryUsername == "" || cfg.RegistryPassword == "" || cfg.RegistryUsername == etcdRoot:
		return errors.New("rpc.registry_username (another one than root) and rpc.registry_password are needed")
	case password == "":
		return fmt.Errorf("%s is needed", rootKey)
	}
	as := cfg
	as.RegistryUsername, as.RegistryPassword = etcdRoot, password // as long as logins are off, etcd does not look at them
	cli, err := transport.DialEtcd(ctx, as)
	if err != nil {
		return err
	}
	defer func() { _ = cli.Close() }()
	if err := accounts(ctx, cli, cfg, password); err != nil {
		return err
	}
	if _, err := cli.AuthEnable(ctx); err != nil {
		return fmt.Errorf("turn logins on: %w", err)
	}
	report("etcd asks for a login; %s may use the registry", cfg.RegistryUsername)
	return nil
}

func accounts(ctx context.Context, cli *clientv3.Client, cfg transport.Config, password string) error {
	name := cfg.RegistryUsername
	if err := account(ctx, cli, etcdRoot, password, false); err != nil {
		return err
	}
	if _, err := cli.RoleAdd(ctx, name); err != nil && !errors.Is(err, rpctypes.ErrRoleAlreadyExist) {
		return fmt.Errorf("role %s: %w", name, err)
	}
	prefixes := []string{cfg.RegistryPrefix + "/"} // with the node numbers in it
	old, err := cli.Get(ctx, id.LegacyPrefix, clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil {
		return fmt.Errorf("node numbers of before: %w", err)
	}
	if old.Count > 0 { // processes of before may run, which those of now look out for
		prefixes = append(prefixes, id.LegacyPrefix)
	}
	for _, prefix := range prefixes {
		_, err := cli.RoleGrantPermission(ctx, name, prefix, clientv3.GetPrefixRangeEnd(prefix), clientv3.PermissionType(clientv3.PermReadWrite))
		if err != nil {
			return fmt.Errorf("role %s: %w", name, err)
		}
	}
	return account(ctx, cli, name, cfg.RegistryPassword, true)
}

// account makes an account with the role of its name. One that exists keeps its password, unless renew says otherwise.
func account(ctx context.Context, cli *clientv3.Client, name, password string, renew bool) error {
	_, err := cli.UserAdd(ctx, name, password)
	if errors.Is(err, rpctypes.ErrUserAlreadyExist) {
		err = nil
		if renew {
			_, err = cli.UserChangePassword(ctx, name, password)
		}
	}
	if err == nil {
		_, err = cli.UserGrantRole(ctx, name, name)
	}
	if err != nil {
		return fmt.Errorf("account %s: %w", name, err)
	}
	return nil
}
