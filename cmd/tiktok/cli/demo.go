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
	var force bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Fill a running deployment with demo content, over its HTTP API",
		Long: "Fill a running deployment with demo content, over its HTTP API: five accounts, eight videos, likes, comments, follows and a " +
			"chat. It refuses when the\n" +
			"feed has videos, unless --force; what is there of the content already stays, so that it goes on where it was.",
	}
	cmd.Flags().StringVar(&address, "url", "http://127.0.0.1:10001", "`address` of the gateway")
	cmd.Flags().StringVar(&password, "password", "", "of the accounts; a random one is made and printed without it")
	cmd.Flags().BoolVar(&force, "force", false, "also when there are videos")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if u, err := url.Parse(address); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return usagef("--url is %q, want http(s)://host:port", address)
		}
		d := demo.HTTP{URL: address, Client: &http.Client{Timeout: demoTimeout}}
		empty, err := d.Empty(cmd.Context())
		if err != nil {
			return err
		}
		if !empty && !force {
			return errors.New("the feed has videos: --force adds the demo content all the same")
		}
		password = cmp.Or(password, rand.Text())
		say := printer(cmd)
		say("accounts %s with the password %s", strings.Join(demo.Users(), ", "), password)
		return demo.Fill(cmd.Context(), d, password, say)
	}
	return cmd
}
