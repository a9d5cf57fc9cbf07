package media

import (
	"path/filepath"
	"strconv"
	"time"
)

const (
	maxPixels = maxSide * maxSide
	formats   = "mov,matroska,avi,flv,mpegts,mpeg,asf,ogg" // what sniff knows
)

// open arguments of both programs: the file may be of one format only, and may lead to nothing but itself.
func readArgs(container string) []string {
	if container == "" || container == "mp4" {
		container = "mov" // one demuxer for both
	}
	return []string{
		"-hide_banner", "-loglevel", "error",
		"-protocol_whitelist", "file,pipe", "-format_whitelist", formats, "-max_pixels", strconv.Itoa(maxPixels), "-f", container,
	}
}

// inputArgs are the beginning of a run of ffmpeg that reads a file from a place on.
func (t *Tools) inputArgs(path string, info Info, from time.Duration) ([]string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	args := append([]string{"-nostdin", "-y"}, readArgs(info.Container)...)
	args = append(args, "-threads", strconv.Itoa(t.threads))
	if from > 0 {
		args = append(args, "-ss", seconds(from))
	}
	return append(args, "-i", "file:"+abs), nil
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }

// duration of what a file holds.
func (i Info) duration() time.Duration { return time.Duration(i.DurationMs) * time.Millisecond }
