package main

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"os"
)

const (
	// rangeBytes is what a player asks for at once, publishBytes the size of an upload.
	rangeBytes, publishBytes = 64 << 10, 1 << 20
	// uploaders is the number of connections that upload: each upload runs programs of its own.
	uploaders = 4
)

// mediaRange reads parts of a video file as a player does.
func mediaRange() scenario {
	return scenario{
		name: "media-range", about: "64 KiB of a video file", conns: readers,
		build: func(_ *dataset, host string) request {
			whole := "GET /media/" + playKey + target(host, fmt.Sprintf("Range: bytes=0-%d\r\n", rangeBytes-1))
			return func(dst []byte, _ uint64) []byte { return append(dst, whole...) }
		},
		check: func(*dataset) judge {
			return func(_ uint64, status int, body []byte) verdict {
				if status != http.StatusPartialContent || len(body) != rangeBytes {
					return failed
				}
				return accepted
			}
		},
	}
}

// publish uploads a video of 1 MiB.
func publish() scenario {
	return scenario{
		name: "publish", about: "uploads of a video of 1 MiB", conns: uploaders, audited: true,
		needs: func(*dataset) error {
			_, err := uploadFile()
			return err
		},
		build: func(d *dataset, host string) request {
			const edge = "bench-2b7c1f"
			file, _ := uploadFile() // needs has told
			body := "--" + edge + "\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nbench upload\r\n" +
				"--" + edge + "\r\nContent-Disposition: form-data; name=\"data\"; filename=\"clip.mp4\"\r\nContent-Type: video/mp4\r\n\r\n" +
				string(file) + "\r\n--" + edge + "--\r\n"
			end := target(host, fmt.Sprintf("Content-Type: multipart/form-data; boundary=%s\r\nContent-Length: %d\r\n", edge, len(body))) + body
			return func(dst []byte, n uint64) []byte {
				dst = append(dst, "POST /douyin/publish/action/?token="...)
				dst = append(dst, d.user(n*7919).token...)
				return append(dst, end...)
			}
		},
	}
}

// uploadFile is the clip, made 1 MiB long by a box that players skip.
func uploadFile() ([]byte, error) {
	file, err := os.ReadFile(clip + ".mp4")
	if err != nil {
		return nil, err
	}
	rest := publishBytes - len(file)
	if rest < 8 {
		return file, nil
	}
	free := make([]byte, rest)
	binary.BigEndian.PutUint32(free, uint32(rest))
	copy(free[4:], "free")
	return append(file, free...), nil
}
