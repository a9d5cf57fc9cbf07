package call

import (
	"tiktok/pkg/errno"
	"tiktok/pkg/idempotency"
)

// RequestKey is the key by which the client may repeat the request, as services take it: nil without one. Only operations that say so
// look at it. It fails with errno.InvalidArgument.
func (c *Call) RequestKey() (*string, error) {
	values := c.Request.Request.Header.GetAll("Idempotency-Key")
	if len(values) == 0 {
		return nil, nil
	}
	switch key := values[0]; {
	case len(values) > 1:
		return nil, errno.InvalidArgument.With("Idempotency-Key is there twice")
	case key == "":
		return nil, errno.InvalidArgument.With("Idempotency-Key is empty")
	default:
		return &key, idempotency.Check(key)
	}
}
