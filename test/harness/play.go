package harness

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image/jpeg"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tiktok/pkg/media"
	"tiktok/pkg/sqldb"
)

// NeedFFmpeg skips the test on a machine without ffmpeg, and returns the option that lets a deployment use it.
func NeedFFmpeg(t testing.TB) Option {
	t.Helper()
	for _, name := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed; test/env.sh installs it", name)
		}
	}
	return func(o *options) {
		o.set["media.ffmpeg"], o.set["media.background"] = "", "true"
	}
}

// MakeVideo makes a moving picture of these seconds with ffmpeg and returns its bytes; args name the encoders, the name
// of the file the container.
func MakeVideo(t testing.TB, seconds int, size, name string, args ...string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	all := append([]string{
		"-nostdin", "-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%s:rate=25:duration=%d", size, seconds), "-pix_fmt", "yuv420p",
	}, args...)
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", append(all, file)...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// MoovLast is a video of so many bytes whose description is at its end, so that it has to be rewritten: two seconds of
// pictures, and zeros behind them that nothing refers to.
func MoovLast(t testing.TB, size int) []byte {
	t.Helper()
	clip := TestData(t, "moov-last.mp4")
	head := bytes.Index(clip, []byte("mdat")) - 4
	length := int(binary.BigEndian.Uint32(clip[head:]))
	end := head + length
	if head < 0 || end > len(clip) || bytes.Index(clip, []byte("moov")) < end {
		t.Fatal("moov-last.mp4 is not what it is called")
	}
	padding := max(size-len(clip), 0)
	out := slices.Concat(clip[:end], make([]byte, padding), clip[end:])
	binary.BigEndian.PutUint32(out[head:], uint32(length+padding))
	return out
}

// Media fetches what an address of the API leads to, redirects included, and fails the test unless it is there.
func (d *Deployment) Media(t testing.TB, address string) []byte {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	a := d.Raw(t, Request{Method: http.MethodGet, Path: u.Path})
	if a.Status != http.StatusOK {
		t.Fatalf("%s: HTTP status %d: %.200s", address, a.Status, a.Raw)
	}
	return a.Raw
}

// Plays fails the test unless all that a listed video names is there and is what it should be: an mp4 file that begins at
// once, and that ffmpeg, where there is one, decodes to its end; a cover; and, if named, a preview and a complete ladder.
func (d *Deployment) Plays(t testing.TB, v Video) {
	t.Helper()
	file := d.Media(t, v.PlayURL)
	info, err := media.Probe(t.Context(), bytes.NewReader(file), int64(len(file)))
	if err != nil || info.Needs() != media.NeedNothing {
		t.Errorf("%q does not play: %+v, %v", v.Title, info, err)
	}
	if err := decodes(t, file); err != nil {
		t.Errorf("%q does not play: %v", v.Title, err)
	}
	if _, err := jpeg.Decode(bytes.NewReader(d.Media(t, v.CoverURL))); err != nil {
		t.Errorf("cover of %q: %v", v.Title, err)
	}
	if v.PreviewURL != "" && !bytes.HasPrefix(d.Media(t, v.PreviewURL), []byte("RIFF")) {
		t.Errorf("the preview of %q is none", v.Title)
	}
	if v.HLSURL != "" {
		if n := d.playlist(t, v.HLSURL); n < 3 {
			t.Errorf("the ladder of %q has %d files", v.Title, n)
		}
	}
}

// decodes plays a file with ffmpeg, if there is one.
func decodes(t testing.TB, file []byte) error {
	t.Helper()
	program, _ := exec.LookPath("ffmpeg")
	if program == "" {
		return nil
	}
	name := filepath.Join(t.TempDir(), "video.mp4")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		return err
	}
	out, err := exec.CommandContext(t.Context(), program, "-nostdin", "-v", "error", "-xerror", "-i", name, "-f", "null", "-").CombinedOutput()
	if err != nil || len(out) > 0 {
		return fmt.Errorf("ffmpeg: %w: %s", err, out)
	}
	return os.Remove(name)
}

// playlist fetches everything that a playlist names, and returns how many files that are.
func (d *Deployment) playlist(t testing.TB, address string) (files int) {
	t.Helper()
	base := address[:strings.LastIndexByte(address, '/')+1]
	for line := range strings.Lines(string(d.Media(t, address))) {
		name := strings.TrimSpace(line)
		if _, quoted, ok := strings.Cut(name, `URI="`); ok {
			name, _, _ = strings.Cut(quoted, `"`)
		} else if name == "" || strings.HasPrefix(name, "#") {
			continue
		}
		if files++; path.Ext(name) == ".m3u8" {
			files += d.playlist(t, base+name)
		} else if len(d.Media(t, base+name)) == 0 {
			t.Errorf("%s is empty", base+name)
		}
	}
	return files
}

// Leftovers are the objects that belong to none of the videos, if these are all that are listed and nothing is under way. A cover
// that a better one has replaced still belongs to its video, because clients may hold its address.
func (d *Deployment) Leftovers(t testing.TB, listed []Video) []string {
	t.Helper()
	named, folders := map[string]bool{}, map[string]bool{}
	key := func(address string) string {
		_, k, _ := strings.Cut(address, "/media/")
		return k
	}
	for _, v := range listed {
		named[key(v.PlayURL)], named[key(v.CoverURL)] = true, true
		if v.PreviewURL != "" {
			named[key(v.PreviewURL)] = true
		}
		if v.HLSURL != "" {
			folders[path.Dir(key(v.HLSURL))] = true
		}
	}
	for _, k := range d.uploadedCovers(t) {
		named[k] = true
	}
	return slices.DeleteFunc(d.Objects(t), func(k string) bool {
		for dir := path.Dir(k); dir != "."; dir = path.Dir(dir) {
			if folders[dir] {
				return true
			}
		}
		return named[k]
	})
}

// uploadedCovers are the keys of the covers that all videos were published with.
func (d *Deployment) uploadedCovers(t testing.TB) (keys []string) {
	t.Helper()
	db, err := sqldb.Open(t.Context(), d.Config.DB, "video")
	if err != nil {
		t.Fatal(err)
	}
	err = db.Read.WithContext(t.Context()).Raw("SELECT cover_key FROM video_media").Scan(&keys).Error
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return keys
}
