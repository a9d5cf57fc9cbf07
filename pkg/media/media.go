// Package media looks into uploaded videos, makes them playable on every phone, and makes what goes with them.
//
// Probe, Faststart and the drawn pictures (PlaceholderCover, Avatar, Background) are plain Go and always work, for mp4 and
// QuickTime files. Tools runs the ffmpeg program where there is one: it reads the other containers, transcodes, and makes
// covers, previews and HLS ladders. Info.Needs says what a file needs before it may be listed.
//
// Files come from strangers. What reads them in Go is bounded in memory and time whatever they claim; ffmpeg runs with
// limits and without a network (see Tools).
package media

import (
	"fmt"
	"time"
)

// Config of the media tools. Zero values are the defaults.
type Config struct {
	// FFmpeg is the path of the program; "" looks for ffmpeg on PATH, "off" never runs it.
	FFmpeg string `mapstructure:"ffmpeg"`
	// FFprobe is the path of its companion; "" looks beside ffmpeg, then on PATH.
	FFprobe string `mapstructure:"ffprobe"`
	// Sandbox says what the kernel takes from ffmpeg before it runs: auto (or "") what it can, require runs it only where that
	// is all files but its own and the network, off nothing. Linux only; require elsewhere means never.
	Sandbox string `mapstructure:"sandbox"`
	// MaxDuration is the longest video that may be published; 0 is no limit. Tools.Probe and CheckDuration compare.
	MaxDuration time.Duration `mapstructure:"max_duration"`
	// Workers is how many transcodes, ladders and previews run at a time in this process; 0 is one per two CPUs.
	Workers int `mapstructure:"workers"`
	// Threads bounds those of one run of ffmpeg; 0 is the number of CPUs, at most 4.
	Threads int `mapstructure:"threads"`
	// JobTimeout bounds one run of ffmpeg, the wait for a slot excepted; 0 is 30 minutes.
	JobTimeout time.Duration `mapstructure:"job_timeout"`
	// MemoryBytes bounds the address space of one run of ffmpeg; 0 is 3 GiB. Linux only.
	MemoryBytes int64 `mapstructure:"memory_bytes"`
	// MemoryTotalBytes bounds that of all runs of this process together, by how many there may be at a time: as many as it
	// holds MemoryBytes, at least one for Workers and one for probes and covers. 0 is no bound but Workers, and a probe or
	// cover for each CPU.
	MemoryTotalBytes int64 `mapstructure:"memory_total_bytes"`
	// MaxPixels bounds a picture of what is encoded, width times height; 0 is 4096 x 2304.
	MaxPixels int64 `mapstructure:"max_pixels"`
	// MaxWork bounds the pixels of all pictures of what is encoded; 0 is 80,000,000,000, ten minutes of 1080p at 60/s.
	MaxWork int64 `mapstructure:"max_work"`
}

// Info is what a video file says about itself.
type Info struct {
	// Container is "mp4", "mov", or what ffmpeg calls another one: "matroska" (also webm), "avi", "flv", "mpegts", "mpeg",
	// "asf", "ogg".
	Container string
	// DurationMs is the length of the longer one of picture and sound, in milliseconds. In an mp4 file it is added up from
	// the samples.
	DurationMs int64
	// WidthPx and HeightPx are those of the picture as it is shown: a portrait video of a phone, which is a landscape
	// one with a note to turn it, is higher than wide; pixels that are not square are counted as if they were.
	WidthPx, HeightPx int32
	// RotationDeg is that note: 0, 90, 180 or 270 degrees clockwise.
	RotationDeg int
	// VideoCodec is "h264", "hevc", "vp9", "av1" or another short name in lower case.
	VideoCodec string
	// VideoProfile is the codec's profile as ffprobe names it, such as "High"; "" when it is not known.
	VideoProfile string
	// PixelFormat is as ffmpeg names it, such as "yuv420p"; "" when it is not known.
	PixelFormat string
	// Transfer is how bright the numbers in the pictures are meant, as ffprobe names it: "bt709", "smpte2084" (PQ),
	// "arib-std-b67" (HLG); "" when nobody has asked.
	Transfer string
	// FrameRate is the average of frames in a second, 0 when it is not known.
	FrameRate float64
	// AudioCodec is "aac" or another short name, "" when there is no sound.
	AudioCodec string
	// AudioProfile is "LC", "HE-AAC", "HE-AACv2" or another profile of AAC, else "".
	AudioProfile string
	// BitrateBps is the average of the whole file in bits per second.
	BitrateBps int64
	// Faststart says that the description is in front of the content, so that playing can begin before all is loaded.
	Faststart bool
	// Fragmented says that an mp4 file is a chain of fragments: slow to seek in, and not for every player.
	Fragmented bool
	// Location says that the file notes where it was recorded. Faststart, remux and transcode leave that out.
	Location bool
	// Repair says that the description of an mp4 or QuickTime file misleads players: samples that are said to be in another
	// file, lengths that are not those of the samples, a track that is switched off, tables that are there twice or damaged and
	// not needed, tracks beside the picture and the sound. Faststart puts it right.
	Repair bool
}

// Need is what has to be done with a file before it may be listed.
type Need int

// The needs, from nothing to most work.
const (
	NeedNothing   Need = iota // every phone plays it as it is
	NeedFaststart             // Faststart
	NeedRemux                 // other container: Faststart for a mov file, else Tools.MakePlayable, without encoding
	NeedTranscode             // Tools.MakePlayable, which takes as long as the video
)

// String names the need for a log line.
func (n Need) String() string {
	switch n {
	case NeedNothing:
		return "nothing"
	case NeedFaststart:
		return "faststart"
	case NeedRemux:
		return "remux"
	case NeedTranscode:
		return "transcode"
	}
	return fmt.Sprintf("need %d", int(n))
}

// The largest picture that phones decode in hardware: 4096 x 2304 either way round.
const (
	maxPlayLong  = 4096
	maxPlayShort = 2304
)

// playableTracks reports whether a phone's player surely plays the tracks: H.264 up to High profile, 8 bits, 4:2:0, at most
// 4096 x 2304, with AAC (LC, HE), MP3 or no sound. It does so if they are in an mp4 file that is not fragmented.
func (i Info) playableTracks() bool {
	return i.playableVideo() && i.playableAudio()
}

func (i Info) playableVideo() bool {
	if i.VideoCodec != "h264" || i.PixelFormat != "yuv420p" && i.PixelFormat != "yuvj420p" {
		return false
	}
	if max(i.WidthPx, i.HeightPx) > maxPlayLong || min(i.WidthPx, i.HeightPx) > maxPlayShort {
		return false
	}
	switch i.VideoProfile {
	case "Constrained Baseline", "Baseline", "Main", "High":
		return true
	}
	return false
}

func (i Info) playableAudio() bool {
	switch i.AudioCodec {
	case "", "mp3":
		return true
	case "aac":
		return i.AudioProfile == "LC" || i.AudioProfile == "HE-AAC" || i.AudioProfile == "HE-AACv2"
	}
	return false
}

// Needs says what has to be done before the file may be listed.
func (i Info) Needs() Need {
	switch {
	case !i.playableTracks():
		return NeedTranscode
	case i.Container != "mp4" || i.Fragmented:
		return NeedRemux
	case !i.Faststart || i.Location || i.Repair:
		return NeedFaststart
	}
	return NeedNothing
}

// CheckDuration refuses what is longer than most, which is no limit when it is 0.
func (i Info) CheckDuration(most time.Duration) error {
	if most <= 0 || i.DurationMs <= most.Milliseconds() {
		return nil
	}
	r := refuse(TooLong, "%d ms", i.DurationMs)
	r.Text = fmt.Sprintf("the video is longer than %v", most)
	return r
}
