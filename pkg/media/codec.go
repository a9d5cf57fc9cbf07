package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/hevc"
	"github.com/Eyevinn/mp4ff/mp4"
)

// The bytes in front of the boxes in a sample entry.
const (
	visualHead = 78
	auralHead  = 28
)

// videoCodec names what the picture is, by the names that ffmpeg has.
func (t *track) videoCodec() (codec, profile, pixels string) {
	switch t.codec {
	case "avc1":
		profile, pixels = t.h264Profile()
		return "h264", profile, pixels
	case "avc3": // settings are among the frames, which not every player looks for: the profile stays unknown
		return "h264", "", ""
	case "hvc1", "hev1", "dvh1", "dvhe":
		profile, pixels = t.hevcProfile()
		return "hevc", profile, pixels
	case "av01":
		return "av1", "", ""
	case "vp08":
		return "vp8", "", ""
	case "vp09":
		return "vp9", "", ""
	case "mp4v":
		return "mpeg4", "", ""
	case "jpeg", "mjpa", "mjpb":
		return "mjpeg", "", ""
	case "s263", "h263":
		return "h263", "", ""
	case "apch", "apcn", "apcs", "apco", "ap4h", "ap4x":
		return "prores", "", ""
	}
	return codecName(t.codec), "", ""
}

// h264Profile reads the sequence parameter set, "" when that is damaged.
func (t *track) h264Profile() (profile, pixels string) {
	avcC, err := t.settings("avcC")
	if err != nil {
		return "", ""
	}
	settings, err := avc.DecodeAVCDecConfRec(avcC)
	if err != nil || len(settings.SPSnalus) == 0 {
		return "", ""
	}
	sps, err := avc.ParseSPSNALUnit(settings.SPSnalus[0], false)
	if err != nil {
		return "", ""
	}
	constraint1 := sps.ProfileCompatibility&0x40 != 0
	switch sps.Profile {
	case 66:
		if profile = "Baseline"; constraint1 {
			profile = "Constrained Baseline"
		}
	case 77:
		profile = "Main"
	case 88:
		profile = "Extended"
	case 100:
		profile = "High"
	case 110:
		profile = "High 10"
	case 122:
		profile = "High 4:2:2"
	case 244:
		profile = "High 4:4:4 Predictive"
	default:
		profile = fmt.Sprintf("profile %d", sps.Profile)
	}
	return profile, pixelFormat(sps.ChromaFormatIDC, sps.BitDepthLumaMinus8+8)
}

// codedSize is that of the largest pictures by the decoder's settings, 0 when they do not say or are damaged.
func (t *track) codedSize() (w, h int32) {
	switch t.codec {
	case "avc1":
		avcC, err := t.settings("avcC")
		if err != nil {
			return 0, 0
		}
		settings, err := avc.DecodeAVCDecConfRec(avcC)
		if err != nil && !errors.Is(err, avc.ErrCannotParseAVCExtension) {
			return 0, 0
		}
		for _, nalu := range settings.SPSnalus {
			if sps, err := avc.ParseSPSNALUnit(nalu, false); err == nil {
				w, h = max(w, pixels(uint64(sps.Width))), max(h, pixels(uint64(sps.Height)))
			}
		}
	case "hvc1", "hev1":
		hvcC, err := t.settings("hvcC")
		if err != nil {
			return 0, 0
		}
		if sps, err := hevc.ParseSPSNALUnit(hevcSequence(hvcC)); err == nil {
			width, height := sps.ImageSize()
			return pixels(uint64(width)), pixels(uint64(height))
		}
	}
	return w, h
}

// hevcSequence is the first sequence parameter set among the settings, empty when there is none. The library makes room for as
// many as are claimed.
func hevcSequence(hvcC []byte) []byte {
	const head = 23 // the last byte is the number of arrays
	if len(hvcC) < head {
		return nil
	}
	rest := hvcC[head:]
	for range hvcC[head-1] { // arrays of one kind each
		if len(rest) < 3 {
			return nil
		}
		kind, n := hevc.NaluType(rest[0]&0x3f), binary.BigEndian.Uint16(rest[1:])
		rest = rest[3:]
		for range n {
			if len(rest) < 2 {
				return nil
			}
			size := int(binary.BigEndian.Uint16(rest))
			if rest = rest[2:]; size > len(rest) {
				return nil
			}
			if kind == hevc.NALU_SPS {
				return rest[:size]
			}
			rest = rest[size:]
		}
	}
	return nil
}

// pixels is a claimed side; what is far above the limit is all the same.
func pixels(n uint64) int32 { return int32(min(n, 4*maxSide)) }

// hevcProfile reads the fixed part of the decoder's settings.
func (t *track) hevcProfile() (profile, pixels string) {
	hvcC, err := t.settings("hvcC")
	if err != nil || len(hvcC) < 23 {
		return "", ""
	}
	switch n := hvcC[1] & 0x1f; n {
	case 1:
		profile = "Main"
	case 2:
		profile = "Main 10"
	default:
		profile = fmt.Sprintf("profile %d", n)
	}
	return profile, pixelFormat(hvcC[16]&3, uint(hvcC[17]&7)+8)
}

func pixelFormat(chroma byte, depth uint) string {
	name := map[byte]string{0: "gray", 1: "yuv420p", 2: "yuv422p", 3: "yuv444p"}[chroma]
	if depth > 8 && name != "" {
		name += fmt.Sprintf("%dle", depth)
	}
	return name
}

// audioCodec names what the sound is.
func (t *track) audioCodec() (codec, profile string) {
	switch t.codec {
	case "mp4a":
		return t.mpegAudio()
	case "ac-3":
		return "ac3", ""
	case "ec-3":
		return "eac3", ""
	case ".mp3":
		return "mp3", ""
	}
	return codecName(t.codec), ""
}

// soundBoxes finds the boxes of a sound's sample entry: QuickTime has longer ones, and hides the esds box in a wave box.
func (t *track) soundBoxes() (version uint16, boxes []box, ok bool) {
	body := t.entry.body
	if len(body) < auralHead {
		return 0, nil, false
	}
	version = binary.BigEndian.Uint16(body[8:])
	skip := auralHead + map[uint16]int{1: 16, 2: 36}[version]
	if version > 2 || len(body) < skip {
		return 0, nil, false
	}
	count := &counter{left: maxBoxes}
	boxes, err := count.children(body[skip:])
	if err == nil && find(boxes, "esds").name == "" {
		boxes, err = count.path(boxes, "wave")
	}
	return version, boxes, err == nil
}

// mpegAudio looks for the kind in the esds box.
func (t *track) mpegAudio() (codec, profile string) {
	_, boxes, ok := t.soundBoxes()
	if !ok {
		return "mp4a", ""
	}
	esds, err := decode[*mp4.EsdsBox](boxes, "esds")
	if err != nil || esds.DecConfigDescriptor == nil {
		return "mp4a", ""
	}
	switch config := esds.DecConfigDescriptor; config.ObjectType {
	case 0x40:
		if config.DecSpecificInfo == nil {
			return "aac", ""
		}
		return "aac", aacProfile(config.DecSpecificInfo.DecConfig)
	case 0x67: // MPEG-2's
		return "aac", "LC"
	case 0x66, 0x68:
		return "aac", "Main"
	case 0x69, 0x6b:
		return "mp3", ""
	}
	return "mp4a", ""
}

// aacProfile reads the object type at the beginning of AAC's settings.
func aacProfile(config []byte) string {
	if len(config) < 2 {
		return ""
	}
	switch kind := config[0] >> 3; kind {
	case 2:
		return "LC"
	case 5:
		return "HE-AAC"
	case 29:
		return "HE-AACv2"
	default:
		return fmt.Sprintf("type %d", kind)
	}
}

// describe names the tracks for a log line.
func describe(tracks []track) string {
	if len(tracks) == 0 {
		return "none"
	}
	var names []string
	for i := range tracks {
		names = append(names, strings.TrimSpace(word(tracks[i].handler)+" "+word(tracks[i].codec)))
	}
	return strings.Join(names, ", ")
}

// codecName is a name that is not known here. It is never empty: no name is for no sound.
func codecName(s string) string {
	if name := word(s); name != "" {
		return name
	}
	return "unknown"
}

// word keeps the letters and digits of a name that comes from the file.
func word(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		}
		return -1
	}, s)
}
