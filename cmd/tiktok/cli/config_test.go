package cli

import (
	"strings"
	"testing"

	"tiktok/config"
)

// A key that the command makes is one that the settings take.
func TestPushKey(t *testing.T) {
	code, out, errs := run(t, nil, "config", "push-key")
	private, public, _ := strings.Cut(strings.TrimPrefix(out, "push.private_key: "), "\npublic: ")
	if code != 0 || errs != "" || len(private) != 43 || len(strings.TrimSpace(public)) != 87 {
		t.Fatalf("%d %q %q", code, out, errs)
	}
	code, out, errs = run(t, nil, "config", "check", "notice", "--set", "rpc.registry=127.0.0.1:1", "--set", "push.subject=mailto:a@b.example",
		"--set", "push.private_key="+private)
	if code != 0 || !strings.Contains(out, "push.private_key = ***") || strings.Contains(out, private) {
		t.Errorf("%d %s%s", code, out, errs)
	}
	for _, process := range []string{"notice", config.AllInOne} {
		code, _, errs = run(t, nil, "config", "check", process, "--set", "rpc.registry=127.0.0.1:1", "--set", "push.private_key=abc")
		if code != 2 || !strings.Contains(errs, "push.private_key") || !strings.Contains(errs, "push.subject") {
			t.Errorf("%s: %d %s", process, code, errs)
		}
	}
	code, _, errs = run(t, nil, "config", "check", "chat", "--set", "rpc.registry=127.0.0.1:1", "--set", "push.private_key=abc")
	if code != 0 {
		t.Errorf("chat checks what it does not use: %s", errs)
	}
}
