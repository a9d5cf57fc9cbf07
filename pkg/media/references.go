package media

import (
	"encoding/binary"
	"slices"
)

// selfContained reports whether a dinf box says that the samples are in the file, and nothing else.
func selfContained(count *counter, dinf box) bool {
	list, err := count.children(dinf.body)
	if err != nil || len(list) != 1 || list[0].name != "dref" || len(list[0].body) < 8 || binary.BigEndian.Uint32(list[0].body[4:]) != 1 {
		return false
	}
	refs, err := count.children(list[0].body[8:])
	return err == nil && len(refs) == 1 && refs[0].name == "url " && len(refs[0].body) == 4 && refs[0].body[3]&1 != 0
}

// ownReferences is a dinf box that says that the samples are in the file.
func ownReferences() []byte {
	url := newBox("url ", []byte{0, 0, 0, 1})
	return newBox("dinf", newBox("dref", []byte{0, 0, 0, 0, 0, 0, 0, 1}, url))
}

// ownEntries reports whether the sample entries point at the first reference, the only one that there will be.
func ownEntries(entries []box) bool {
	return !slices.ContainsFunc(entries, func(e box) bool { return len(e.body) < 8 || binary.BigEndian.Uint16(e.body[6:]) != 1 })
}

// withOwnEntries is a copy of an stsd box whose entries do.
func withOwnEntries(stsd box) ([]byte, error) {
	entries, err := (&counter{left: maxBoxes}).children(stsd.body[8:])
	if err != nil {
		return nil, err
	}
	parts := [][]byte{binary.BigEndian.AppendUint32([]byte{0, 0, 0, 0}, uint32(len(entries)))}
	for _, e := range entries {
		if len(e.body) < 8 {
			return nil, damaged("a sample entry of %d bytes", len(e.body))
		}
		body := slices.Clone(e.body)
		binary.BigEndian.PutUint16(body[6:], 1)
		parts = append(parts, newBox(e.name, body))
	}
	return newBox("stsd", parts...), nil
}
