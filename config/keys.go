package config

import (
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/viper"
)

// anyName stands in a key for a name that the operator chooses, as that of a service in db.services.*.addr.
const anyName = "*"

// keySet are the keys of all settings.
type keySet map[string]struct{}

// collect notes the keys of a config struct, and sets the default of each that has one.
func (k keySet) collect(v *viper.Viper, prefix string, s reflect.Value) {
	for i := range s.NumField() {
		key := keyOf(prefix, s.Type().Field(i))
		switch f := s.Field(i); {
		case f.Kind() == reflect.Struct:
			k.collect(v, key, f)
		case f.Kind() == reflect.Map:
			k.collect(nil, key+"."+anyName, reflect.Zero(f.Type().Elem()))
		default:
			k[key] = struct{}{}
			if v != nil {
				v.SetDefault(key, f.Interface())
			}
		}
	}
}

// has tells whether there is such a key.
func (k keySet) has(key string) bool {
	if _, ok := k[key]; ok {
		return !strings.Contains(key, anyName)
	}
	for pattern := range k {
		before, after, ok := strings.Cut(pattern, anyName)
		name, fits := between(key, before, after)
		if ok && fits && !strings.Contains(name, ".") {
			return true
		}
	}
	return false
}

// byEnv finds the key that a variable sets.
func (k keySet) byEnv() func(variable string) (key string, ok bool) {
	exact, patterns := make(map[string]string, len(k)), []string(nil)
	for key := range k {
		if strings.Contains(key, anyName) {
			patterns = append(patterns, key)
			continue
		}
		exact[EnvName(key)] = key
	}
	// The longest first: …_USER_READ_ADDR is read_addr of user, not addr of user_read.
	slices.SortFunc(patterns, func(a, b string) int { return len(b) - len(a) })
	return func(variable string) (string, bool) {
		if key, ok := exact[variable]; ok {
			return key, true
		}
		for _, pattern := range patterns {
			before, after, _ := strings.Cut(pattern, anyName)
			if name, ok := between(variable, EnvName(before), strings.ToUpper(strings.ReplaceAll(after, ".", "_"))); ok {
				return before + strings.ToLower(name) + after, true
			}
		}
		return "", false
	}
}

// between is what stands between two texts, and is not empty.
func between(s, before, after string) (string, bool) {
	s, ok := strings.CutPrefix(s, before)
	if !ok {
		return "", false
	}
	s, ok = strings.CutSuffix(s, after)
	return s, ok && s != ""
}
