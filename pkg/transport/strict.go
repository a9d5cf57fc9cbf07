package transport

import (
	"context"
	"fmt"
	"reflect"

	"github.com/cloudwego/frugal"
	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/pkg/endpoint"
)

// Strict is for tests: it makes in-process calls behave like the wire. Requests and answers are encoded and decoded, so
// that nothing is shared by pointer, and a value that cannot be encoded fails. Put it before Local.
func Strict() client.Option {
	return client.WithMiddleware(func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, args, result any) error {
			sent := reflect.New(reflect.TypeOf(args).Elem()).Interface()
			if err := roundTrip(args, sent); err != nil {
				return err
			}
			answer := reflect.New(reflect.TypeOf(result).Elem()).Interface()
			if err := next(ctx, sent, answer); err != nil {
				return err
			}
			return roundTrip(answer, result)
		}
	})
}

func roundTrip(from, to any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("transport: %T cannot cross the wire: %v", from, r)
		}
	}()
	buf := make([]byte, frugal.EncodedSize(from))
	if _, err := frugal.EncodeObject(buf, nil, from); err != nil {
		return fmt.Errorf("transport: encode %T: %w", from, err)
	}
	if _, err := frugal.DecodeObject(buf, to); err != nil {
		return fmt.Errorf("transport: decode %T: %w", to, err)
	}
	return nil
}
