// Command bundle is every command of the product in one file, a tenth of their size together: it is the one whose name it
// was started by. The image and the archives of a release hold it, with a link for each name.
package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	api "tiktok/cmd/api/program"
	audit "tiktok/cmd/audit/program"
	backfill "tiktok/cmd/backfill/program"
	blobcopy "tiktok/cmd/blobcopy/program"
	certs "tiktok/cmd/certs/program"
	chat "tiktok/cmd/chat/program"
	deadletters "tiktok/cmd/deadletters/program"
	etcdlogin "tiktok/cmd/etcdlogin/program"
	interaction "tiktok/cmd/interaction/program"
	migrate "tiktok/cmd/migrate/program"
	social "tiktok/cmd/social/program"
	tiktok "tiktok/cmd/tiktok/program"
	user "tiktok/cmd/user/program"
	video "tiktok/cmd/video/program"
)

// programs is each command by its name; each exits by itself.
func programs() map[string]func() {
	return map[string]func(){
		"api": api.Main, "audit": audit.Main, "backfill": backfill.Main, "blobcopy": blobcopy.Main, "certs": certs.Main, "chat": chat.Main, "deadletters": deadletters.Main,
		"etcdlogin": etcdlogin.Main, "interaction": interaction.Main, "migrate": migrate.Main, "social": social.Main, "tiktok": tiktok.Main, "user": user.Main,
		"video": video.Main,
	}
}

func main() {
	all := programs()
	names := slices.Sorted(maps.Keys(all))
	if len(os.Args) == 2 && os.Args[1] == "-list" {
		fmt.Fprintln(os.Stdout, strings.Join(names, "\n"))
		return
	}
	run, ok := all[filepath.Base(os.Args[0])]
	if !ok {
		fmt.Fprintf(os.Stderr, "bundle: start it by the name of a command: %s\n", strings.Join(names, " "))
		os.Exit(2) //nolint:forbidigo // boot.Main is one command's
	}
	run()
}
