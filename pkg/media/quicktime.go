package media

import (
	"encoding/binary"
	"slices"
)

// convert makes a box of a QuickTime track into what an mp4 file has in its place. The two formats are the same but for a
// few boxes; what is not known to be the same is left out or refused.
func (e *edit) convert(t *track, parent string, b box) ([]byte, error) {
	switch parent + "/" + b.name {
	case "edts/elst", "minf/vmhd", "minf/smhd",
		"stbl/stts", "stbl/ctts", "stbl/cslg", "stbl/stsc", "stbl/stsz", "stbl/stss", "stbl/sdtp", "stbl/sgpd", "stbl/sbgp":
		return newBox(b.name, b.body), nil
	case "mdia/hdlr":
		name := map[string]string{"vide": "VideoHandler", "soun": "SoundHandler"}[t.handler]
		return newBox("hdlr", make([]byte, 8), []byte(t.handler), make([]byte, 12), []byte(name+"\x00")), nil
	case "stbl/stsd":
		return e.convertEntry(t, b)
	}
	return nil, nil
}

// convertEntry makes a table of one sample entry.
func (e *edit) convertEntry(t *track, stsd box) ([]byte, error) {
	if len(stsd.body) < 8 {
		return nil, damaged("an empty stsd")
	}
	entries, err := (&counter{left: maxBoxes}).children(stsd.body[8:])
	if err != nil {
		return nil, err
	}
	if len(entries) != 1 {
		return nil, refuse(Unsupported, "%d sample entries", len(entries))
	}
	var entry []byte
	if t.handler == "vide" {
		entry, err = t.convertVideo()
	} else {
		entry, err = t.convertSound()
	}
	return newBox("stsd", []byte{0, 0, 0, 0, 0, 0, 0, 1}, entry), err
}

func (t *track) convertVideo() ([]byte, error) {
	if t.codec != "avc1" {
		return nil, refuse(Unsupported, "pictures of %q in a QuickTime file", word(t.codec))
	}
	boxes, err := (&counter{left: maxBoxes}).children(t.entry.body[visualHead:])
	if err != nil {
		return nil, err
	}
	fixed := slices.Clone(t.entry.body[:visualHead])
	binary.BigEndian.PutUint16(fixed[6:], 1) // the only reference
	parts := [][]byte{fixed}
	for _, b := range boxes {
		switch {
		case b.name == "avcC", b.name == "pasp", b.name == "clap", b.name == "btrt":
			parts = append(parts, newBox(b.name, b.body))
		case b.name == "colr" && len(b.body) == 10 && string(b.body[:4]) == "nclc":
			parts = append(parts, newBox("colr", []byte("nclx"), b.body[4:], []byte{0})) // limited range, as is QuickTime's
		case b.name == "colr" && len(b.body) == 11 && string(b.body[:4]) == "nclx":
			parts = append(parts, newBox("colr", b.body))
		}
	}
	return newBox("avc1", parts...), nil
}

// convertSound shortens the entry to what mp4 files have. QuickTime's version 2, of more than two channels, is left to
// ffmpeg.
func (t *track) convertSound() ([]byte, error) {
	version, boxes, ok := t.soundBoxes()
	esds := find(boxes, "esds")
	if !ok || t.codec != "mp4a" || version > 1 || esds.name == "" {
		return nil, refuse(Unsupported, "sound of %q in a QuickTime file", word(t.codec))
	}
	fixed := slices.Clone(t.entry.body[:auralHead])
	binary.BigEndian.PutUint16(fixed[6:], 1)   // the only reference
	clear(fixed[8:16])                         // version, revision, vendor
	binary.BigEndian.PutUint16(fixed[18:], 16) // bits of a sample
	binary.BigEndian.PutUint32(fixed[20:], 0)  // kinds of compression
	return newBox("mp4a", fixed, newBox("esds", esds.body)), nil
}
