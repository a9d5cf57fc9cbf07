// Package media looks into uploaded videos and makes the pictures that go with them.
//
// Probe reads a file's own description, without decoding a frame and without any program. Tool.Cover takes a frame with
// the ffmpeg program where there is one. What has no picture gets a drawn one: PlaceholderCover, Avatar, Background.
package media

import (
	"errors"
	"time"
)

// ErrNotVideo says that a file is not a video that a phone can play. The text around it says why, for the log.
var ErrNotVideo = errors.New("not a playable video")

// Config of the media tools.
type Config struct {
	// FFmpeg is the path of the program; "" looks for ffmpeg on PATH, "off" never runs it.
	FFmpeg string `mapstructure:"ffmpeg"`
	// MaxDuration is the longest video that may be published; 0 is no limit. Whoever calls Probe compares.
	MaxDuration time.Duration `mapstructure:"max_duration"`
}

// Info is what a video file says about itself.
type Info struct {
	// DurationMs is the length of the longer one of picture and sound, in milliseconds, added up from the samples.
	DurationMs int64
	// WidthPx and HeightPx are those of the picture as it is shown: a portrait video of a phone, which is a landscape
	// one with a note to turn it, is higher than wide.
	WidthPx, HeightPx int32
	// VideoCodec is "h264".
	VideoCodec string
	// AudioCodec is "aac" or another short name, "" when there is no sound.
	AudioCodec string
	// FastStart says that the description is in front of the content, so that playing can begin before all is loaded.
	FastStart bool
}
