package media

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	probeTimeout = 20 * time.Second
	probeBytes   = 1 << 20 // of ffprobe's answer
)

// Probe is the function Probe for a file on disk, and it looks into the containers that only ffmpeg knows, when that is
// there, and into fragmented mp4 files. It refuses what is longer than Config.MaxDuration.
func (t *Tools) Probe(ctx context.Context, path string) (Info, error) {
	info, err := probeFile(ctx, path)
	if r := Refused(err); r != nil && r.Reason == Unsupported && t.ffprobe != "" {
		info, err = t.ask(ctx, path)
	}
	if err != nil {
		return Info{}, err
	}
	if err := info.CheckDuration(t.maxDuration); err != nil {
		return Info{}, err
	}
	return info, nil
}

// probeFile is the function Probe for a file on disk.
func probeFile(ctx context.Context, path string) (Info, error) {
	f, err := os.Open(path)
	if err != nil {
		return Info{}, err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return Info{}, err
	}
	return Probe(ctx, f, stat.Size())
}

// kindOf returns the container and the size of a file.
func kindOf(path string) (container string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	head, err := readHead(f, stat.Size())
	return sniff(head), stat.Size(), err
}

// probed is what ffprobe says.
type probed struct {
	Streams []probedStream `json:"streams"`
	Format  struct {
		Duration string            `json:"duration"`
		Tags     map[string]string `json:"tags"`
	} `json:"format"`
}

type probedStream struct {
	Kind      string `json:"codec_type"`
	Codec     string `json:"codec_name"`
	Profile   string `json:"profile"`
	Pixels    string `json:"pix_fmt"`
	Transfer  string `json:"color_transfer"`
	Width     int64  `json:"width"`
	Height    int64  `json:"height"`
	Aspect    string `json:"sample_aspect_ratio"`
	FrameRate string `json:"avg_frame_rate"`
	Duration  string `json:"duration"`

	Disposition struct {
		Picture int `json:"attached_pic"`
	} `json:"disposition"`
	SideData []struct {
		Rotation float64 `json:"rotation"`
	} `json:"side_data_list"`
}

// ask runs ffprobe on a file.
func (t *Tools) ask(ctx context.Context, path string) (Info, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Info{}, err
	}
	container, size, err := kindOf(path)
	if err != nil {
		return Info{}, err
	}
	release, err := acquire(ctx, t.quick)
	if err != nil {
		return Info{}, err
	}
	defer release()
	said, err := t.ffprobeJSON(ctx, path, container)
	if err != nil {
		return Info{}, err
	}
	info, err := said.info(container, size)
	if err != nil {
		return Info{}, err
	}
	if info.DurationMs == 0 { // browsers record without noting how long it will be
		if info.DurationMs, err = t.measure(ctx, path, info); err != nil {
			return Info{}, err
		}
		info.BitrateBps = bitrate(size, info.DurationMs)
	}
	if info.DurationMs <= 0 {
		return Info{}, refuse(ZeroDuration, "%d ms", info.DurationMs)
	}
	return info, nil
}

func (t *Tools) ffprobeJSON(ctx context.Context, path, container string) (probed, error) {
	limit, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var said probed
	out := &limited{max: probeBytes}
	args := append(readArgs(container, maxSide*maxSide), "-print_format", "json", "-show_format", "-show_streams", "-i", "file:"+path)
	err := t.run(limit, command{program: t.ffprobe, args: args, read: path, stdout: out, cpu: probeTimeout, memory: t.memory, urgent: true})
	if ctx.Err() != nil {
		return said, alive(ctx)
	}
	if failed := (*RunError)(nil); errors.As(err, &failed) {
		return said, refuse(Damaged, "%v", failed)
	}
	if limit.Err() != nil || out.over {
		return said, refuse(Damaged, "ffprobe does not come to an end")
	}
	if err != nil {
		return said, err
	}
	if err := json.Unmarshal(out.buf.Bytes(), &said); err != nil {
		return said, fmt.Errorf("ffprobe: %w", err)
	}
	return said, nil
}

// info makes ours of what ffprobe says.
func (p probed) info(container string, size int64) (Info, error) {
	i := Info{Container: container, Fragmented: container == "mp4" || container == "mov"}
	longest := number(p.Format.Duration)
	var video, audio *probedStream
	for n := range p.Streams {
		s := &p.Streams[n]
		switch {
		case s.Kind == "video" && s.Disposition.Picture == 0 && video == nil:
			video = s
		case s.Kind == "audio" && audio == nil:
			audio = s
		default:
			continue
		}
		longest = max(longest, number(s.Duration))
	}
	if video == nil {
		return Info{}, refuse(NoVideoTrack, "%d streams", len(p.Streams))
	}
	if video.Width < 1 || video.Height < 1 || video.Width > maxSide || video.Height > maxSide {
		return Info{}, damaged("a picture of %d x %d", video.Width, video.Height)
	}
	i.VideoCodec, i.VideoProfile, i.PixelFormat, i.Transfer = codecName(video.Codec), video.Profile, video.Pixels, video.Transfer
	i.WidthPx, i.HeightPx = int32(video.Width), int32(video.Height)
	if x, y, ok := strings.Cut(video.Aspect, ":"); ok {
		i.WidthPx = aspectWidth(i.WidthPx, number(x), number(y))
	}
	if i.RotationDeg = video.rotation(); i.RotationDeg%180 != 0 {
		i.WidthPx, i.HeightPx = i.HeightPx, i.WidthPx
	}
	if n, d, ok := strings.Cut(video.FrameRate, "/"); ok && number(d) > 0 {
		i.FrameRate = math.Round(number(n)/number(d)*1000) / 1000
	}
	if audio != nil {
		i.AudioCodec, i.AudioProfile = codecName(audio.Codec), audio.Profile
		if i.AudioCodec != "aac" {
			i.AudioProfile = ""
		}
	}
	for name := range p.Format.Tags {
		i.Location = i.Location || strings.Contains(strings.ToLower(name), "location")
	}
	i.DurationMs = int64(min(longest, math.MaxInt32) * 1000)
	i.BitrateBps = bitrate(size, i.DurationMs)
	return i, nil
}

// rotation is clockwise; ffprobe counts the other way.
func (s *probedStream) rotation() int {
	for _, d := range s.SideData {
		if turns := int(math.Round(-d.Rotation / 90)); turns != 0 {
			return ((turns%4 + 4) % 4) * 90
		}
	}
	return 0
}

// aspectWidth is the width with square pixels, when the shape of the pixels is a believable one.
func aspectWidth(w int32, x, y float64) int32 {
	if x <= 0 || y <= 0 || x > 4*y || y > 4*x {
		return w
	}
	return int32(math.Round(float64(w) * x / y))
}

// number reads a number that is not below 0; what is none ("N/A") is 0.
func number(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v < 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}

// measure reads all packets, without decoding, to know how long the pictures last.
func (t *Tools) measure(ctx context.Context, path string, info Info) (ms int64, err error) {
	args, err := t.inputArgs(path, info, 0)
	if err != nil {
		return 0, err
	}
	args = append(args, "-map", "0:V:0", "-c", "copy", "-progress", "pipe:1", "-nostats", "-f", "null", "-")
	limit, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var last time.Duration
	err = t.run(limit, command{
		program: t.ffmpeg, args: args, read: path, cpu: probeTimeout, memory: t.memory, urgent: true,
		progress: func(done time.Duration) { last = done },
	})
	if failed := (*RunError)(nil); errors.As(err, &failed) {
		return 0, refuse(Damaged, "%v", failed)
	}
	if err != nil && ctx.Err() == nil {
		return 0, refuse(Damaged, "its length can not be found out: %v", err)
	}
	return last.Milliseconds(), err
}
