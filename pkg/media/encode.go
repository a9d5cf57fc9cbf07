package media

import (
	"context"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"
)

const (
	maxShortSide = 1080 // pixels of the shorter side of what is encoded
	maxFrameRate = 60
	keyframes    = 2 * time.Second
	audioBps     = 128_000
	// completePart is the part of a file's length that its transcode must have. Sound and picture that begin and end at
	// different times, and a last frame of unknown length, take away less.
	completePart = 0.9
)

// MakePlayable writes to the file out what Needs asks for: the video of the file in, which Tools.Probe has accepted with
// info, as an mp4 file that every phone plays and that begins at once. Nothing is encoded that need not be. progress, which
// may be nil, is called from another goroutine with 0 to 1, rising. It returns what Probe says of out. A file that turns
// out to be cut off or damaged, and one that needs ffmpeg when there is none, is a *Refusal; after an error out may exist.
func (t *Tools) MakePlayable(ctx context.Context, in, out string, info Info, progress func(float64)) (Info, error) {
	err := t.convert(ctx, in, out, info, progress)
	if err != nil {
		return Info{}, err
	}
	made, err := probeFile(ctx, out)
	switch {
	case err != nil:
		return Info{}, fmt.Errorf("what was made of a video: %v", err) //nolint:errorlint // a refusal would blame the video
	case made.Needs() != NeedNothing:
		return Info{}, fmt.Errorf("what was made of a video needs %v: %+v", made.Needs(), made)
	case float64(made.DurationMs) < completePart*float64(info.DurationMs)-1000:
		return Info{}, refuse(Truncated, "%d of %d ms can be decoded", made.DurationMs, info.DurationMs)
	}
	return made, nil
}

func (t *Tools) convert(ctx context.Context, in, out string, info Info, progress func(float64)) error {
	need := info.Needs()
	if err := t.CheckWork(info); err != nil {
		return err
	}
	if need != NeedTranscode && !info.Fragmented && (info.Container == "mp4" || info.Container == "mov") {
		err := faststartFile(ctx, in, out)
		if r := Refused(err); r == nil || r.Reason != Unsupported || need != NeedRemux {
			return err
		}
	}
	if t.ffmpeg == "" || need == NeedTranscode && !t.CanEncode() {
		return refuse(Unsupported, "%s %s in %s", info.VideoCodec, info.AudioCodec, info.Container)
	}
	args, err := t.inputArgs(in, info, 0)
	if err != nil {
		return err
	}
	args = append(args, "-map", "0:V:0", "-map", "0:a:0?")
	size := fileSize(in)
	if need == NeedRemux {
		args = append(args, "-c", "copy")
	} else {
		w, h := within(info.WidthPx, info.HeightPx, maxShortSide)
		info = t.withTransfer(ctx, in, info)
		args = append(args, "-vf", frameRateFilter(info)+t.sizeFilter(info, w, h)+",format=yuv420p")
		args = append(append(args, t.videoArgs()...), labelArgs(info)...)
		args = append(args, "-crf", "23", "-maxrate", strconv.Itoa(maxrate(w, h)), "-bufsize", strconv.Itoa(2*maxrate(w, h)))
		args = append(args, audioArgs(info, true)...)
		size = encodedSize(info, maxrate(w, h)+audioBps)
	}
	args = append(args, cleanArgs()...)
	args = append(args, "-movflags", "+faststart", "-f", "mp4")
	if err := touch(out); err != nil {
		return err
	}
	return t.encode(ctx, command{args: append(args, "file:"+out), read: in, write: out, fileSize: size}, info, progress)
}

// touch makes a file, which the program then may write but no other.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// faststartFile is Faststart from file to file.
func faststartFile(ctx context.Context, in, out string) (err error) {
	r, err := os.Open(in)
	if err != nil {
		return err
	}
	defer r.Close()
	stat, err := r.Stat()
	if err != nil {
		return err
	}
	w, err := os.Create(out)
	if err != nil {
		return err
	}
	_, err = Faststart(ctx, r, stat.Size(), w)
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	return err
}

// encode waits for a slot and runs ffmpeg with the arguments, files and size of a file in c. What takes more memory than it may
// is tried once more with one thread. What runs into a limit of time or memory after all is a *Refusal.
func (t *Tools) encode(ctx context.Context, c command, info Info, progress func(float64)) error {
	release, err := acquire(ctx, t.heavy)
	if err != nil {
		return err
	}
	defer release()
	limit, cancel := context.WithTimeoutCause(ctx, t.timeout, errTimeout(t.timeout))
	defer cancel()
	c.program, c.args = t.ffmpeg, append([]string{"-progress", "pipe:1", "-nostats"}, c.args...)
	c.cpu, c.memory, c.progress = t.cpuTime(info), t.memory, fraction(info.duration(), progress)
	err = t.run(limit, c)
	if kind := limitOf(err); kind == limitMemory || kind == limitThreads {
		t.log.WarnContext(ctx, "ffmpeg took too much memory, once more with one thread", "err", err)
		c.args = oneThread(c.args)
		err = t.run(limit, c)
	}
	if kind := limitOf(err); kind == limitTime || kind == limitMemory {
		return refuse(TooCostly, "%v", err)
	}
	return err
}

func errTimeout(d time.Duration) error {
	return &RunError{Program: "ffmpeg", Reason: fmt.Sprintf("took longer than %v", d), limit: limitTime, err: context.DeadlineExceeded}
}

// fraction turns a time into a part of all, rising.
func fraction(all time.Duration, report func(float64)) func(time.Duration) {
	last := -1.0
	return func(done time.Duration) {
		if report == nil || all <= 0 {
			return
		}
		if part := min(float64(done)/float64(all), 1); part > last {
			last = part
			report(part)
		}
	}
}

// videoArgs are for an encoder whose pictures every phone decodes, with key frames at the same times whatever the size.
func (t *Tools) videoArgs() []string {
	return []string{
		"-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-pix_fmt", "yuv420p", "-threads", strconv.Itoa(t.threads),
		"-force_key_frames", fmt.Sprintf("expr:gte(t,n_forced*%d)", int(keyframes.Seconds())), "-sc_threshold", "0",
	}
}

// audioArgs keep the loudness. What phones play is kept as it is when it may be.
func audioArgs(info Info, mayCopy bool) []string {
	switch {
	case info.AudioCodec == "":
		return []string{"-an"}
	case mayCopy && info.AudioCodec == "aac" && info.playableAudio() &&
		(info.Container == "mp4" || info.Container == "mov" || info.Container == "matroska"):
		return []string{"-c:a", "copy"}
	}
	return []string{"-c:a", "aac", "-b:a", strconv.Itoa(audioBps), "-ac", "2", "-ar", "48000"}
}

// cleanArgs leave out what is neither picture nor sound: captions, chapters, and notes such as where it was recorded.
func cleanArgs() []string {
	return []string{"-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1", "-max_muxing_queue_size", "4096"}
}

// scaleFilter makes pictures of exactly this size, with square pixels. They have been turned by then.
func scaleFilter(w, h int) string {
	return fmt.Sprintf("scale=%d:%d,setsar=1,format=yuv420p", w, h)
}

// frameRateFilter drops frames of what is faster than a screen.
func frameRateFilter(info Info) string {
	if info.FrameRate > maxFrameRate+1 {
		return fmt.Sprintf("fps=%d,", maxFrameRate)
	}
	return ""
}

// within scales a size down until its shorter side is at most short and its longer one at most 16:9 of that twice over,
// and makes both even, as H.264 wants them. It never scales up, but a side has two pixels at least.
func within(width, height int32, short int) (w, h int) {
	w, h = int(width), int(height)
	scale := min(1, float64(short)/float64(min(w, h)), float64(short)*32/9/float64(max(w, h)))
	even := func(v int) int { return max(int(math.Round(float64(v)*scale*1000)/1000)&^1, 2) }
	return even(w), even(h)
}

// maxrate is the most that a picture of a size is encoded with, in bits per second: 5 Mbit/s at 1080p.
func maxrate(w, h int) int {
	const base, pixels = 5_000_000, 1920 * 1080
	return max(int(base*math.Pow(float64(w*h)/pixels, 0.75)), 200_000)
}

// encodedSize bounds a file of that length and rate, with room for a rate that is not kept.
func encodedSize(info Info, bps int) int64 {
	return int64(info.duration().Seconds()*float64(bps)/8)*2 + 16<<20
}

// fileSize bounds a copy of a file, with room for another description.
func fileSize(path string) int64 {
	stat, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return stat.Size() + stat.Size()/4 + 16<<20
}
