package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tiktok/config"
	"tiktok/pkg/blob"
)

// stores are a local one and, where the tests have a server, one in S3; settings reach the same.
func stores(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{"local": {"TIKTOK_BLOB_DIR=" + t.TempDir()}}
	server := os.Getenv("TIKTOK_TEST_S3")
	if server == "" {
		return all
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	all["s3"] = []string{
		"TIKTOK_BLOB_DRIVER=s3", "TIKTOK_BLOB_S3_ENDPOINT=" + u.Scheme + "://" + u.Host, "TIKTOK_BLOB_S3_LOOKUP=path",
		fmt.Sprintf("TIKTOK_BLOB_S3_BUCKET=copy-%d", os.Getpid()),
		"TIKTOK_BLOB_S3_ACCESS_KEY=" + u.User.Username(), "TIKTOK_BLOB_S3_SECRET_KEY=" + password,
	}
	return all
}

// What is exported, lost and imported is there again, byte by byte; what is there is not copied again.
func TestBackupAndRestore(t *testing.T) {
	for name, environ := range stores(t) {
		t.Run(name, func(t *testing.T) {
			cfg, err := config.Load("", environ, nil)
			if err != nil {
				t.Fatal(err)
			}
			store, err := blob.Open(t.Context(), cfg.Blob)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{}
			for i := range 30 {
				want[fmt.Sprintf("videos/%02x/%d.mp4", i, i)] = strings.Repeat("film ", 1+i*1000)
			}
			want["covers/00/1.jpg"], want["Zeta/0_x-1"] = "cover", ""
			keys := []string{"tmp/upload"}
			for key, content := range want {
				keys = append(keys, key)
				putObject(t, store, key, content)
			}
			putObject(t, store, "tmp/upload", "half of a fil")
			folder := filepath.Join(t.TempDir(), "backup")
			do := func(verb, want string) {
				t.Helper()
				if code, out, errs := run(t, environ, "blobs", verb, folder); code != 0 || !strings.Contains(out, want) {
					t.Fatalf("%s: exit code %d, want %q: %s%s", verb, code, want, out, errs)
				}
			}
			do("export", "32 objects, 32 of them new")
			do("export", "32 objects, 0 of them new, 0 bytes")
			if _, err := os.Stat(filepath.Join(folder, "tmp")); !os.IsNotExist(err) {
				t.Errorf("an upload under way is in the backup: %v", err)
			}
			if err := store.Delete(t.Context(), keys...); err != nil {
				t.Fatal(err)
			}
			putObject(t, store, "covers/00/1.jpg", "no") // cut short by whatever destroyed the store
			do("import", "32 objects, 32 of them new")
			do("import", "32 objects, 0 of them new")
			for key, content := range want {
				if got := readObject(t, store, key); got != content {
					t.Errorf("%s: %d bytes, want %d", key, len(got), len(content))
				}
			}
			if err := store.Delete(t.Context(), keys...); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestBlobsExitCodes(t *testing.T) {
	store := "TIKTOK_BLOB_DIR=" + t.TempDir()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"export"}, exitUsage, "FOLDER"},
		{[]string{"move", "x"}, exitUsage, `no command "move"`},
		{[]string{"export", "--set", "blob.nope=1", "x"}, exitUsage, "blob.nope"},
		{[]string{"export", filepath.Join(file, "x")}, exitFailed, "folder"},
	} {
		if code, _, errs := run(t, []string{store}, append([]string{"blobs"}, c.args...)...); code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("%v: exit code %d, want %d and %q: %s", c.args, code, c.code, c.want, errs)
		}
	}
	// An object that cannot be copied is told.
	broken := filepath.Join(t.TempDir(), "broken")
	s, err := blob.Open(t.Context(), blob.Config{Driver: blob.DriverLocal, Dir: broken})
	if err != nil {
		t.Fatal(err)
	}
	putObject(t, s, "videos/1", "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code := Run(ctx, []string{"blobs", "import", broken}, []string{store}, io.Discard, io.Discard); code != exitFailed {
		t.Errorf("cut short: exit code %d", code)
	}
}

func putObject(t *testing.T, s blob.Store, key, content string) {
	t.Helper()
	if _, err := s.Put(t.Context(), key, strings.NewReader(content), ""); err != nil {
		t.Fatal(err)
	}
}

func readObject(t *testing.T, s blob.Store, key string) string {
	t.Helper()
	o, err := s.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	b, err := io.ReadAll(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
