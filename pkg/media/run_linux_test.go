package media

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func shell(script string) command {
	return command{program: "/bin/sh", args: []string{"-c", script}}
}

// TestRunLimits breaks one limit after the other.
func TestRunLimits(t *testing.T) {
	tools := New(Config{FFmpeg: off})
	out := filepath.Join(t.TempDir(), "out")
	if err := touch(out); err != nil {
		t.Fatal(err)
	}
	// The limits are set a moment after the start: what breaks them goes on until it does.
	for name, c := range map[string]struct {
		command
		set  func(c *command)
		want string
		kind limitKind
	}{
		"CPU time": {shell("while :; do :; done"), func(c *command) { c.cpu = time.Second }, "signal: killed", limitTime},
		"file size": {
			shell("read x </dev/zero & exec dd if=/dev/zero of='" + out + "' bs=64k count=16384 2>/dev/null"),
			func(c *command) { c.fileSize = 1 << 20 }, "file size limit", "",
		},
		"memory": {
			shell("while dd if=/dev/zero of=/dev/null bs=512M count=1; do :; done; exit 1"),
			func(c *command) { c.memory = 128 << 20 }, "memory", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.write = out
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // programs get what others leave of the processor
			defer cancel()
			c.set(&c.command)
			err := tools.run(ctx, c.command)
			var failed *RunError
			if !errors.As(err, &failed) || !strings.Contains(failed.Reason, c.want) || limitOf(err) != c.kind {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestRunIsNiceAndSeesNoSecrets(t *testing.T) {
	t.Setenv("TIKTOK_AUTH_SECRET", "do not tell")
	tools := New(Config{FFmpeg: off})
	out := &limited{max: 64 << 10}
	// The priority is set a moment after the start.
	c := shell("while [ $(nice) -lt 10 ]; do :; done; env; nice")
	c.stdout = out
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := tools.run(ctx, c); err != nil {
		t.Fatal(err)
	}
	if said := out.buf.String(); strings.Contains(said, "TIKTOK") || strings.Contains(said, "PATH=") || !strings.Contains(said, "LC_ALL=C") {
		t.Errorf("the environment is %q", said)
	}
}

// What somebody waits for is not after everything else.
func TestPriority(t *testing.T) {
	own, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, urgent := range []bool{true, false} {
		cmd := exec.CommandContext(t.Context(), "sleep", "1000")
		ownGroup(cmd)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		err := limit(cmd.Process.Pid, command{urgent: urgent})
		got, gerr := unix.Getpriority(unix.PRIO_PROCESS, cmd.Process.Pid)
		_ = cmd.Cancel()
		_ = cmd.Wait() // it was killed
		// The system call counts from 20 downwards.
		if want := map[bool]int{true: own, false: 20 - niceness}[urgent]; errors.Join(err, gerr) != nil || got != want {
			t.Errorf("urgent %v: priority %d, want %d: %v, %v", urgent, 20-got, 20-want, err, gerr)
		}
	}
}

// TestRunEndsWithItsParent kills this process's copy, which has started a program.
func TestRunEndsWithItsParent(t *testing.T) {
	if script := os.Getenv("MEDIA_TEST_RUN"); script != "" {
		c := shell(script)
		c.write = os.Getenv("MEDIA_TEST_WRITE")
		_ = New(Config{FFmpeg: off}).run(t.Context(), c) // never ends
		return
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fifo := filepath.Join(t.TempDir(), "up")
	if err := exec.CommandContext(t.Context(), "mkfifo", fifo).Run(); err != nil {
		t.Skip("no named pipes here")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRunEndsWithItsParent$")
	cmd.Env = append(os.Environ(), "MEDIA_TEST_RUN=exec 3>'"+fifo+"'; echo up >&3; exec sleep 1000", "MEDIA_TEST_WRITE="+fifo)
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	up, err := os.Open(fifo) // until the program has it open
	if err != nil {
		t.Fatal(err)
	}
	defer up.Close()
	if _, err := up.Read(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	gone := make(chan error, 1)
	go func() {
		_, err := up.Read(make([]byte, 1)) // ends when nobody has it open for writing
		gone <- err
	}()
	select {
	case err := <-gone:
		if err == nil {
			t.Error("the program wrote again")
		}
	case <-time.After(20 * time.Second):
		t.Error("the program outlives its parent")
	}
}

// TestRunReadsNothingElse gives ffmpeg lists of other files and addresses, as if they were videos.
func TestRunReadsNothingElse(t *testing.T) {
	tools := needFFmpeg(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	called := make(chan struct{}, 16)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			called <- struct{}{}
			_ = c.Close()
		}
	}()
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim.mp4")
	if err := os.WriteFile(victim, shipped("portrait.mp4")(t), 0o600); err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String() + "/x.ts"
	for name, text := range map[string]string{
		"playlist of a file":     "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n" + victim + "\n#EXT-X-ENDLIST\n",
		"playlist of an address": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n" + url + "\n#EXT-X-ENDLIST\n",
		"concat of a file":       "ffconcat version 1.0\nfile victim.mp4\n",
		"concat of an address":   "ffconcat version 1.0\nfile " + url + "\n",
		"session description": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 " +
			"H264/90000\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, "upload.mp4")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := tools.Probe(t.Context(), path); Refused(err) == nil {
				t.Errorf("Probe: %v", err)
			}
			for _, container := range []string{"mp4", "matroska", "mpegts", "hls", "concat", "sdp"} { // the last: if we were tricked
				info := Info{Container: container, DurationMs: 1000, WidthPx: 180, HeightPx: 320, VideoCodec: "h264"}
				if picture, err := tools.Cover(t.Context(), path, info); err == nil {
					t.Errorf("as %s: a picture of %d bytes of another file", container, len(picture))
				}
			}
		})
	}
	select {
	case <-called:
		t.Error("ffmpeg went to the network")
	default:
	}
}
