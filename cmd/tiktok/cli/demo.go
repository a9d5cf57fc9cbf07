package cli

import (
	"cmp"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tiktok/cmd/tiktok/app/demo"
)

// demoTimeout bounds one request, an upload included.
const demoTimeout = time.Minute

func demoContent() *cobra.Command {
	var address, password string
	var force, ifEmpty bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Fill a running deployment with demo content, over its HTTP API",
		Long: "Fill a running deployment with demo content, over its HTTP API: five accounts, twelve videos, likes, comments, follows and " +
			"chats.\nIt refuses when the feed has videos, unless --force; what is there of the content already stays, so that it goes on where it " +
			"was.\nWith --if-empty it does nothing then, but goes on with what it has begun with the same password.",
	}
	cmd.Flags().StringVar(&address, "url", "http://127.0.0.1:10001", "`address` of the gateway")
	cmd.Flags().StringVar(&password, "password", "", "of the accounts; a random one is made and printed without it")
	cmd.Flags().BoolVar(&force, "force", false, "also when there are videos")
	cmd.Flags().BoolVar(&ifEmpty, "if-empty", false, "do nothing when there are videos, unless the content is unfinished")
	cmd.MarkFlagsMutuallyExclusive("force", "if-empty")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if u, err := url.Parse(address); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return usagef("--url is %q, want http(s)://host:port", address)
		}
		d := demo.HTTP{URL: address, Client: &http.Client{Timeout: demoTimeout}}
		empty, err := d.Empty(cmd.Context())
		if err != nil {
			return err
		}
		say, names := printer(cmd), strings.Join(demo.Users(), ", ")
		const accounts = "accounts %s with the password %s"
		if !empty && ifEmpty {
			ours, finished, err := demo.Ours(cmd.Context(), d, password)
			if err != nil || !ours {
				return err
			}
			if finished {
				say(accounts, names, password)
				return nil
			}
			say("the demo content is unfinished: going on")
		}
		if !empty && !ifEmpty && !force {
			return errors.New("the feed has videos: --force adds the demo content all the same")
		}
		password = cmp.Or(password, rand.Text())
		say(accounts, names, password)
		return demo.Fill(cmd.Context(), d, password, say)
	}
	return cmd
}
