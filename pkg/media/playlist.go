package media

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	soundName  = "audio"
	soundCodec = "mp4a.40.2"
)

// rendition is what ffmpeg has written for one rung, or for the sound.
type rendition struct {
	files         []string // segments with the initial one, then the playlist; relative to the ladder's folder
	peak, average float64  // bits per second
	codec         string
}

// finishLadder measures what was written and writes the master playlist, which ffmpeg fills with guesses.
func finishLadder(dir string, rungs []Rung, sound bool) (Ladder, error) {
	var l Ladder
	var audio rendition
	var segments, lists []string
	add := func(r rendition) {
		last := len(r.files) - 1
		segments, lists = append(segments, r.files[:last]...), append(lists, r.files[last])
	}
	var b strings.Builder
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n")
	if sound {
		var err error
		if audio, err = readRendition(dir, soundName); err != nil {
			return Ladder{}, err
		}
		audio.codec = "," + soundCodec
		add(audio)
		fmt.Fprintf(&b, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"sound\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"%s/%s\"\n",
			soundName, playlistName)
	}
	for _, r := range rungs {
		video, err := readRendition(dir, r.Name)
		if err != nil {
			return Ladder{}, err
		}
		if video.codec, err = readVideoCodec(filepath.Join(dir, filepath.FromSlash(video.files[0]))); err != nil {
			return Ladder{}, err
		}
		add(video)
		r.PeakBps, r.AverageBps = int64(video.peak+audio.peak), int64(video.average+audio.average)
		l.Rungs = append(l.Rungs, r)
		fmt.Fprintf(&b, "#EXT-X-STREAM-INF:BANDWIDTH=%d,AVERAGE-BANDWIDTH=%d,RESOLUTION=%dx%d,CODECS=\"%s%s\"",
			r.PeakBps, r.AverageBps, r.WidthPx, r.HeightPx, video.codec, audio.codec)
		if sound {
			b.WriteString(",AUDIO=\"sound\"")
		}
		fmt.Fprintf(&b, "\n%s/%s\n", r.Name, playlistName)
	}
	l.Files = append(append(segments, lists...), masterName)
	return l, os.WriteFile(filepath.Join(dir, masterName), []byte(b.String()), 0o600)
}

// readRendition reads the playlist of a folder and looks at the sizes of its segments.
func readRendition(dir, name string) (rendition, error) {
	var r rendition
	text, err := os.ReadFile(filepath.Join(dir, name, playlistName))
	if err != nil {
		return r, err
	}
	var length, total, bits float64
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if v, ok := strings.CutPrefix(line, "#EXT-X-MAP:URI="); ok {
			file := strings.Trim(v, `"`)
			if err := complete(filepath.Join(dir, name, file), "moov"); err != nil {
				return r, err
			}
			r.files = append(r.files, path.Join(name, file))
			continue
		}
		if v, ok := strings.CutPrefix(line, "#EXTINF:"); ok {
			if length, err = strconv.ParseFloat(strings.TrimSuffix(v, ","), 64); err != nil {
				return r, fmt.Errorf("playlist of %s: %w", name, err)
			}
			continue
		}
		if line == "" || line[0] == '#' {
			continue
		}
		stat, err := os.Stat(filepath.Join(dir, name, line))
		if err == nil {
			err = complete(filepath.Join(dir, name, line), "mdat")
		}
		if err != nil {
			return r, err
		}
		size := float64(stat.Size()) * 8
		total, bits = total+length, bits+size
		if length >= segmentSeconds/2 || r.peak == 0 { // a short end says little about a rate
			r.peak = max(r.peak, size/max(length, 0.1))
		}
		r.files = append(r.files, path.Join(name, line))
	}
	if len(r.files) < 2 || total <= 0 || !bytes.Contains(text, []byte("#EXT-X-ENDLIST")) {
		return r, fmt.Errorf("playlist of %s: no segments, or not all", name)
	}
	r.average = math.Ceil(bits / total)
	r.peak = max(math.Ceil(r.peak), r.average)
	r.files = append(r.files, path.Join(name, playlistName))
	return r, nil
}

// complete reports an error unless a file that was written here consists of whole boxes, and has one of a name. On a full
// disk ffmpeg may leave less than it says.
func complete(path, name string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return err
	}
	found, at, size := false, int64(0), stat.Size()
	for at < size {
		box, length, head, err := readHeader(f, at, size)
		if err != nil {
			return fmt.Errorf("%s: %v", filepath.Base(path), err) //nolint:errorlint // a refusal would blame the video
		}
		if length < head {
			break
		}
		found = found || box == name
		at += length
	}
	if at != size || !found {
		return fmt.Errorf("%s: cut off", filepath.Base(path))
	}
	return nil
}

// readVideoCodec reads from an initial segment what RFC 6381 calls the codec: H.264's profile and level.
func readVideoCodec(name string) (string, error) {
	file, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	at := bytes.Index(file, []byte("avcC")) // a file of our own encoder, with this box once
	if at < 4 || len(file) < at+8 || int64(binary.BigEndian.Uint32(file[at-4:])) > int64(len(file)-at+4) {
		return "", fmt.Errorf("%s: no H.264", name)
	}
	return fmt.Sprintf("avc1.%x", file[at+5:at+8]), nil
}
