package config

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// mask stands for a secret that is set.
const mask = "***"

// Masked lists every setting as "key = value", sorted, with secrets replaced. It is what a process prints at start.
func (c Config) Masked() []string {
	var out []string
	list("", reflect.ValueOf(c), &out)
	slices.Sort(out)
	return out
}

func list(prefix string, s reflect.Value, out *[]string) {
	for i := range s.NumField() {
		key := keyOf(prefix, s.Type().Field(i))
		f := s.Field(i)
		switch f.Kind() {
		case reflect.Struct:
			list(key, f, out)
			continue
		case reflect.Map:
			for _, name := range f.MapKeys() {
				list(key+"."+name.String(), f.MapIndex(name), out)
			}
			continue
		default:
		}
		*out = append(*out, fmt.Sprintf("%s = %v", key, masked(key, f)))
	}
}

// isSecret tells which settings are nobody's business as a whole.
func isSecret(key string) bool {
	return slices.ContainsFunc([]string{"password", "secret", "secrets", "secret_key", "private_key"}, func(end string) bool {
		return strings.HasSuffix(key, end)
	})
}

func masked(key string, f reflect.Value) any {
	if list, ok := f.Interface().([]string); ok && len(list) > 0 {
		if isSecret(key) {
			return mask
		}
		out := make([]string, len(list))
		for i, text := range list {
			out[i] = withoutPassword(text)
		}
		return out
	}
	text, ok := f.Interface().(string)
	if !ok || text == "" {
		return f.Interface()
	}
	if isSecret(key) {
		return mask
	}
	return withoutPassword(text)
}

// withoutPassword masks that of a URL.
func withoutPassword(text string) string {
	u, err := url.Parse(text)
	switch {
	case err == nil && u.User != nil:
		return strings.Replace(u.Redacted(), "xxxxx", mask, 1)
	case strings.Contains(text, "://") && strings.Contains(text, "@"): // one that is malformed, or several
		return mask
	}
	return text
}
