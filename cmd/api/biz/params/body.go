package params

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"os"

	"tiktok/cmd/api/hertzfix"
	"tiktok/pkg/errno"
)

// maxParts bounds the fields of a body; the client sends five at most.
const maxParts = 64

const (
	// firstBuffer is what is allocated for a body before any of it has come.
	firstBuffer = 1 << 10
	// freeBuffer of each body is not counted.
	freeBuffer = 8 << 10
)

// TooLarge is the error of a body under /douyin that has more bytes than it may have.
func TooLarge() error { return errno.InvalidArgument.With("the request is too large") }

// ReadBody adds the parameters of the body, which may have at most maxBody bytes. A body that is not a form has none. held
// is how many bytes of the budget it holds, to be released when the request ends; the first 8 KiB of each body are free, so
// that small requests are always accepted. The error is an InvalidArgument, or TooManyRequests when the budget is
// exhausted; part of the body may then be unread.
func (v *Values) ReadBody(r io.Reader, contentType string, maxBody int64, budget *Budget) (held int64, err error) {
	body, held, err := ReadAll(r, maxBody, budget)
	if errors.Is(err, errno.BodyTooLarge) {
		err = TooLarge()
	}
	if err != nil {
		return held, err
	}
	return held, v.parseBody(body, contentType)
}

// ReadAll reads a body of at most limit bytes; held is as that of ReadBody. It reserves in the budget what it allocates, and doubles its
// buffer only when that is full. Errors are BodyTooLarge, InvalidArgument, and TooManyRequests when the budget is exhausted.
func ReadAll(r io.Reader, limit int64, budget *Budget) (body []byte, held int64, err error) {
	body = make([]byte, 0, firstBuffer)
	for {
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return nil, held, errno.BodyTooLarge
		case errors.Is(err, io.EOF):
			return body, held, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, held, hertzfix.TooSlow()
		case err != nil:
			return nil, held, errno.InvalidArgument.With("the request was cut off")
		}
		if len(body) < cap(body) {
			continue
		}
		size := min(2*int64(cap(body)), max(limit, firstBuffer)+1) // one byte more shows that the body is larger
		more := size - max(int64(cap(body)), freeBuffer)
		if more > 0 {
			if !budget.reserve(more) {
				return nil, held, errno.TooManyRequests.With("the server has too many large requests in hand, try again")
			}
			held += more
		}
		body = append(make([]byte, 0, size), body...)
	}
}

// parseBody adds the parameters of a body.
func (v *Values) parseBody(body []byte, contentType string) error {
	kind, attrs, err := mime.ParseMediaType(contentType)
	if err != nil && contentType != "" {
		return errno.InvalidArgument.With("the request's content type is not readable")
	}
	switch kind {
	case "", "application/x-www-form-urlencoded":
		if bytes.Count(body, []byte("&")) > maxParts {
			return errno.InvalidArgument.With("the request's form has too many fields")
		}
		v.form.ParseBytes(body)
	case "multipart/form-data":
		if !bytes.Contains(body, []byte("--"+attrs["boundary"]+"--")) { // multipart takes some truncated bodies for complete ones
			return errno.InvalidArgument.With("the request's form is broken")
		}
		return v.addMultipart(multipart.NewReader(bytes.NewReader(body), attrs["boundary"]))
	}
	return nil
}

// addMultipart adds the parts that are not files.
func (v *Values) addMultipart(r *multipart.Reader) error {
	broken := errno.InvalidArgument.With("the request's form is broken")
	for range maxParts {
		part, err := r.NextPart()
		if EndOfForm(err) {
			return nil
		}
		if err != nil {
			return broken
		}
		if part.FileName() != "" {
			continue
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return broken
		}
		v.Add(part.FormName(), string(value))
	}
	return errno.InvalidArgument.With("the request's form has too many parts")
}

// EndOfForm reports whether multipart.Reader.NextPart ended as it should. A form that is cut off ends in an error that
// wraps io.EOF.
func EndOfForm(err error) bool {
	return err == io.EOF //nolint:errorlint // see above
}
