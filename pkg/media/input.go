package media

import (
	"path/filepath"
	"strconv"
	"time"
)

const formats = "mov,matroska,avi,flv,mpegts,mpeg,asf,ogg" // what sniff knows

// open arguments of both programs: the file may be of one format only, and may lead to nothing but itself. A picture of more
// pixels is not decoded, whatever the description of the file says.
func readArgs(container string, pixels int64) []string {
	if container == "" || container == "mp4" {
		container = "mov" // one demuxer for both
	}
	return []string{
		"-hide_banner", "-loglevel", "error",
		"-protocol_whitelist", "file,pipe", "-format_whitelist", formats, "-max_pixels", strconv.FormatInt(pixels, 10), "-f", container,
	}
}

// inputArgs are the beginning of a run of ffmpeg that reads a file from a place on.
func (t *Tools) inputArgs(path string, info Info, from time.Duration) ([]string, error) {
	return readFrom(path, info, from, t.threads, t.decodePixels())
}

// readFrom is inputArgs with so many threads of the decoder, each of which holds frames of its own, a bound of pixels, and more
// options.
func readFrom(path string, info Info, from time.Duration, threads int, pixels int64, more ...string) ([]string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	args := append([]string{"-nostdin", "-y"}, readArgs(info.Container, pixels)...)
	args = append(append(args, "-threads", strconv.Itoa(threads)), more...)
	if from > 0 {
		args = append(args, "-ss", seconds(from))
	}
	return append(args, "-i", "file:"+abs), nil
}

// decodePixels bounds a picture that ffmpeg decodes: one that may be encoded, or one of a video that plays as it is, with room for
// what decoders add at the edges.
func (t *Tools) decodePixels() int64 {
	most := max(t.maxPixels, maxPlayLong*maxPlayShort)
	return most + most/8
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }

// duration of what a file holds.
func (i Info) duration() time.Duration { return time.Duration(i.DurationMs) * time.Millisecond }
