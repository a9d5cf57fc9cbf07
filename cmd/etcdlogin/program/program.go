// Package program is the command etcdlogin, so that the image can hold all commands in one file.
package program

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"tiktok/cmd/internal/boot"
	"tiktok/config"
	"tiktok/pkg/id"
	"tiktok/pkg/transport"
)

const (
	// rootKey is the variable with the password of etcd's own account, which may do everything. No process has it.
	rootKey = "ETCD_ROOT_PASSWORD"
	root    = "root"
	timeout = 30 * time.Second
)

// Main is the program: it runs to its end and exits. Settings are rpc.registry and what belongs to it: the account is
// rpc.registry_username with rpc.registry_password.
func Main() { boot.Main(config.AllInOneProcess(), run) }

func run(ctx context.Context, p *boot.Process) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return Protect(ctx, p.Config.RPC, os.Getenv(rootKey), func(line string) { fmt.Fprintln(os.Stdout, line) })
}

// Protect makes etcd ask for a login, with two accounts: root, with the given password, and that of cfg, which reads and
// writes the keys of the registry and the node numbers, and no others. Again, it gives the account of cfg the password of
// now; root's stays what it was.
func Protect(ctx context.Context, cfg transport.Config, password string, report func(string)) error {
	switch {
	case len(cfg.Registry) == 0:
		return errors.New("rpc.registry is needed: the addresses of etcd")
	case cfg.RegistryUsername == "" || cfg.RegistryPassword == "" || cfg.RegistryUsername == root:
		return errors.New("rpc.registry_username (another one than root) and rpc.registry_password are needed")
	case password == "":
		return fmt.Errorf("%s is needed", rootKey)
	}
	as := cfg
	as.RegistryUsername, as.RegistryPassword = root, password // as long as logins are off, etcd does not look at them
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
	report("etcd asks for a login; " + cfg.RegistryUsername + " may use the registry")
	return nil
}

func accounts(ctx context.Context, cli *clientv3.Client, cfg transport.Config, password string) error {
	name := cfg.RegistryUsername
	if err := account(ctx, cli, root, password, false); err != nil {
		return err
	}
	if _, err := cli.RoleAdd(ctx, name); err != nil && !errors.Is(err, rpctypes.ErrRoleAlreadyExist) {
		return fmt.Errorf("role %s: %w", name, err)
	}
	for _, prefix := range []string{cfg.RegistryPrefix + "/", id.LeasePrefix} {
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
