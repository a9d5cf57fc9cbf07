package handler

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"

	"tiktok/cmd/api/biz/middleware"
	"tiktok/cmd/api/biz/params"
	"tiktok/pkg/blob"
	"tiktok/pkg/errno"
)

const (
	// formOverhead is what a form may have beside the file: boundaries, headers, token, title.
	formOverhead = 1 << 20
	// maxUploadParts bounds the parts of an upload's form; the client sends three.
	maxUploadParts = 64
	// readAhead is how much is asked of the connection at once.
	readAhead = 64 << 10
)

// receive reads the form: it streams the file to the blob store and adds the fields to the parameters. They may come in any order,
// beside parameters of the query. It admits the user as soon as the token is there, before it reads on.
func (u *upload) receive(ctx context.Context) error {
	in := u.in
	kind, attrs, err := mime.ParseMediaType(string(in.Request.ContentType()))
	if err != nil || kind != "multipart/form-data" || attrs["boundary"] == "" || in.Body.Size == 0 {
		return errno.VideoFileMissing
	}
	if in.Body.Size > u.h.MaxUploadBytes+formOverhead {
		return u.h.tooLarge()
	}
	body := &io.LimitedReader{R: in.Body, N: u.h.MaxUploadBytes + formOverhead + 1} // also for one of unknown size
	form := multipart.NewReader(bufio.NewReaderSize(body, readAhead), attrs["boundary"])
	for range maxUploadParts {
		part, err := form.NextPart()
		if params.EndOfForm(err) {
			return nil
		}
		switch {
		case err != nil && body.N <= 0:
			return u.h.tooLarge()
		case err != nil:
			return errno.InvalidArgument.With("the upload is broken or was cut off")
		case part.FormName() == "data" && u.temp == "" && u.size == 0:
			err = u.store(ctx, u.hashed(part))
		case part.FileName() == "":
			err = addField(in.Params, part)
			if err == nil && !u.admitted && middleware.Token(in) != "" {
				err = u.admit(ctx)
			}
		}
		if err != nil {
			return err
		}
	}
	return errno.InvalidArgument.With("the upload has too many parts")
}

// addField adds a part that is a parameter.
func addField(p *params.Values, part *multipart.Part) error {
	value, err := io.ReadAll(io.LimitReader(part, params.MaxText+1))
	if err != nil {
		return errno.InvalidArgument.With("the upload is broken or was cut off")
	}
	p.Add(part.FormName(), string(value)) // a longer one is refused when it is used
	return nil
}

// tooLarge names the limit.
func (h *Handler) tooLarge() error {
	const mib = 1 << 20
	limit := fmt.Sprintf("%d bytes", h.MaxUploadBytes)
	if h.MaxUploadBytes%mib == 0 {
		limit = fmt.Sprintf("%d MiB", h.MaxUploadBytes/mib)
	}
	return errno.VideoTooLarge.With("the file is larger than " + limit)
}

// store streams the file to the blob store.
func (u *upload) store(ctx context.Context, file io.Reader) (err error) {
	key := TempPrefix + u.id
	r := &limited{r: file, left: u.h.MaxUploadBytes}
	r.checkCapacity = u.h.checkCapacity
	if u.first != nil {
		u.size, err = io.Copy(io.Discard, r)
		return u.received(r, err)
	}
	if !u.admitted {
		if u.lease, err = u.h.spool.lease(u.in.Addr); err != nil {
			return err
		}
		r.reserve = u.lease.reserve
	}
	size, err := u.h.Blobs.Put(ctx, key, r, "application/octet-stream")
	if err == nil {
		u.temp, u.size = key, size
	}
	return u.received(r, err)
}

// received says what is wrong with a file that was not received.
func (u *upload) received(r *limited, err error) error {
	var refused *errno.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(r.err, errTooLarge):
		return u.h.tooLarge()
	case errors.As(r.err, &refused):
		return refused
	case r.err != nil:
		return errno.InvalidArgument.With("the upload is broken or was cut off")
	case errors.Is(err, blob.ErrFull):
		return errors.Join(errStoreFull(), err)
	}
	return err
}

var errTooLarge = errors.New("more bytes than allowed")

// checkEvery is how many bytes of a file are stored between two checks of the disk.
const checkEvery = 8 << 20

// limited is a reader that fails at a limit and remembers why. It fills the buffers that it is given: multipart reads 4 KiB at
// a time, which would be as many writes.
type limited struct {
	r             io.Reader
	left          int64
	reserve       func(n int64) error // called for all bytes; nil for none
	checkCapacity func() error        // called every checkEvery bytes
	passed        int64
	err           error
}

func (l *limited) Read(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = l.r.Read(p[n:])
		n += m
	}
	if lerr := l.allow(int64(n)); lerr != nil {
		l.err = lerr
		return 0, lerr
	}
	if err != nil && !errors.Is(err, io.EOF) {
		l.err = err
	}
	if errors.Is(err, io.EOF) && n > 0 {
		return n, nil // and io.EOF next time
	}
	return n, err
}

// allow fails if n more bytes may not be passed on.
func (l *limited) allow(n int64) error {
	if l.left -= n; l.left < 0 {
		return errTooLarge
	}
	if l.reserve != nil {
		if err := l.reserve(n); err != nil {
			return err
		}
	}
	before := l.passed / checkEvery
	if l.passed += n; l.passed/checkEvery > before {
		return l.checkCapacity()
	}
	return nil
}
