package params

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"

	"tiktok/pkg/errno"
)

// maxParts bounds the fields of a body; the client sends five at most.
const maxParts = 64

// ReadBody adds the parameters of the body, which may have at most maxBody bytes. A body of another type than a form has
// none. The error is an InvalidArgument; part of the body may then still be unread.
func (v *Values) ReadBody(r io.Reader, contentType string, maxBody int64) error {
	tooLarge := errno.InvalidArgument.With("the request is too large")
	body, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if err != nil {
		return errno.InvalidArgument.With("the request was cut off")
	}
	if int64(len(body)) > maxBody {
		return tooLarge
	}
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
		if !bytes.Contains(body, []byte("--"+attrs["boundary"]+"--")) { // multipart takes some cuts for the end
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
