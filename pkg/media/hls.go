package media

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	segmentSeconds = 4
	masterName     = "master.m3u8"
	playlistName   = "index.m3u8"
)

// Ladder is a video in several sizes, for HTTP Live Streaming.
type Ladder struct {
	// Rungs are the sizes, the smallest first.
	Rungs []Rung
	// Files are the paths of all files below the folder, with "/", in an order in which they may be stored: segments, then
	// their playlists, and the master playlist last.
	Files []string
}

// Rung is one size.
type Rung struct {
	// Name is that of its folder, such as "720p": the shorter side.
	Name string
	// WidthPx and HeightPx are those of its pictures.
	WidthPx, HeightPx int
	// PeakBps and AverageBps are measured, sound included, in bits per second.
	PeakBps, AverageBps int64
}

// HLS writes a ladder of the video in the file in, which Tools.Probe has accepted with info, to the empty folder dir: rungs
// of 360, 540, 720 and 1080 pixels on the shorter side that are not above the video's, or one of its own size when it is
// smaller; H.264 and, in a folder of its own that all rungs share, AAC; segments of about four seconds (CMAF) that
// begin with key frames at the same times in all rungs; a playlist for each, and master.m3u8. One run of ffmpeg decodes
// once and makes all. progress is as in MakePlayable. Without an encoder it is refused as Unsupported, and as TooLarge or TooCostly
// what takes too much; after an error dir holds a part.
func (t *Tools) HLS(ctx context.Context, in, dir string, info Info, progress func(float64)) (Ladder, error) {
	if !t.CanEncode() {
		return Ladder{}, refuse(Unsupported, "no encoder")
	}
	if err := t.checkSize(info); err != nil {
		return Ladder{}, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Ladder{}, err
	}
	if strings.Contains(dir, "%") { // ffmpeg would put numbers there
		return Ladder{}, fmt.Errorf("HLS: the folder %q has a %% in its name", dir)
	}
	rungs := rungsOf(info)
	args, err := t.inputArgs(in, info, 0)
	if err != nil {
		return Ladder{}, err
	}
	info = t.withTransfer(ctx, in, info)
	args = append(args, t.ladderArgs(dir, info, rungs)...)
	most := maxrate(rungs[len(rungs)-1].WidthPx, rungs[len(rungs)-1].HeightPx)
	c := command{args: args, read: in, write: dir, fileSize: encodedSize(info, most)}
	if err := t.encode(ctx, c, info, progress); err != nil {
		return Ladder{}, err
	}
	return finishLadder(dir, rungs, info.AudioCodec != "")
}

// rungsOf chooses the sizes.
func rungsOf(info Info) []Rung {
	var rungs []Rung
	for _, short := range []int{360, 540, 720, 1080} {
		if int(min(info.WidthPx, info.HeightPx)) < short {
			break
		}
		w, h := within(info.WidthPx, info.HeightPx, short)
		rungs = append(rungs, Rung{Name: strconv.Itoa(short) + "p", WidthPx: w, HeightPx: h})
	}
	if len(rungs) == 0 {
		w, h := within(info.WidthPx, info.HeightPx, maxShortSide)
		rungs = append(rungs, Rung{Name: strconv.Itoa(min(w, h)) + "p", WidthPx: w, HeightPx: h})
	}
	return rungs
}

// ladderArgs are the filter, the encoders and the files.
func (t *Tools) ladderArgs(dir string, info Info, rungs []Rung) []string {
	sound := info.AudioCodec != ""
	var filter, group strings.Builder
	once := frameRateFilter(info)
	if top := rungs[len(rungs)-1]; info.hdr() { // tone mapping takes as long as encoding
		once += t.sizeFilter(info, top.WidthPx, top.HeightPx) + ","
	}
	fmt.Fprintf(&filter, "[0:V:0]%ssplit=%d", once, len(rungs))
	for i := range rungs {
		fmt.Fprintf(&filter, "[s%d]", i)
	}
	if sound {
		group.WriteString("a:0,agroup:sound,name:" + soundName)
	}
	var maps, rates []string
	for i, r := range rungs {
		fmt.Fprintf(&filter, ";[s%d]%s[v%d]", i, scaleFilter(r.WidthPx, r.HeightPx), i)
		maps = append(maps, "-map", fmt.Sprintf("[v%d]", i))
		rate := maxrate(r.WidthPx, r.HeightPx)
		rates = append(rates, fmt.Sprintf("-maxrate:v:%d", i), strconv.Itoa(rate), fmt.Sprintf("-bufsize:v:%d", i), strconv.Itoa(2*rate))
		fmt.Fprintf(&group, " v:%d", i)
		if sound {
			group.WriteString(",agroup:sound")
		}
		group.WriteString(",name:" + r.Name)
	}
	args := append([]string{"-filter_complex_threads", "1", "-filter_complex", filter.String()}, maps...)
	if sound {
		args = append(args, "-map", "0:a:0")
	}
	args = append(append(args, t.videoArgs()...), labelArgs(info)...)
	args = append(append(args, "-crf", "23"), rates...)
	args = append(args, audioArgs(info, false)...)
	args = append(args, cleanArgs()...)
	return append(args,
		"-f", "hls", "-hls_time", strconv.Itoa(segmentSeconds), "-hls_playlist_type", "vod", "-hls_flags", "independent_segments",
		"-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init.mp4",
		"-hls_segment_filename", filepath.Join(dir, "%v", "segment%05d.m4s"),
		"-var_stream_map", strings.TrimSpace(group.String()), filepath.Join(dir, "%v", playlistName),
	)
}
