package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
)

// EnvPrefix starts every environment variable that sets a key: TIKTOK_DB_ADDR sets db.addr.
const EnvPrefix = "TIKTOK"

// envTest starts the variables that only tests read; they lie beside the settings in test/env.sh's output.
const envTest = EnvPrefix + "_TEST_"

// envTool starts the variables of test/env.sh itself.
const envTool = EnvPrefix + "_ENV_"

// envFile ends the name of a variable that holds the path of a file with a secret: TIKTOK_DB_PASSWORD_FILE sets db.password. It
// works for passwords, secrets, secret keys and the queue's URLs.
const envFile = "_FILE"

// These hold passwords.
const (
	keyQueueURL  = "queue.url"
	keyQueueURLs = "queue.urls"
)

// Load merges, later over earlier: Default, the YAML file (none if path is empty), TIKTOK_… variables from environ (in
// the form of os.Environ), and set, which flags fill (key → value). Unknown keys in any of them are errors. The result
// is not yet validated.
func Load(path string, environ []string, set map[string]any) (Config, error) {
	v := viper.New()
	keys := keySet{}
	keys.collect(v, "", reflect.ValueOf(Default()))
	if path != "" {
		f, err := os.Open(path)
		if err != nil {
			return Config{}, fmt.Errorf("config file: %w", err)
		}
		defer f.Close()
		v.SetConfigType("yaml")
		if err := v.ReadConfig(f); err != nil {
			return Config{}, fmt.Errorf("config file %s: %w", path, err)
		}
	}
	if err := readEnv(v, keys, environ); err != nil {
		return Config{}, err
	}
	for k, val := range set {
		if !keys.has(k) {
			return Config{}, fmt.Errorf("config: no key %q", k)
		}
		v.Set(k, val)
	}
	var c Config
	hook := mapstructure.ComposeDecodeHookFunc(mapstructure.StringToTimeDurationHookFunc(), mapstructure.StringToSliceHookFunc(","))
	if err := v.UnmarshalExact(&c, viper.DecodeHook(hook)); err != nil {
		return Config{}, fmt.Errorf("config: %w", err)
	}
	return c.withPaths(), nil
}

// readEnv sets the keys that TIKTOK_… variables name.
func readEnv(v *viper.Viper, keys keySet, environ []string) error {
	find := keys.byEnv()
	var unknown []string
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, EnvPrefix+"_") || strings.HasPrefix(name, envTest) || strings.HasPrefix(name, envTool) {
			continue
		}
		if k, ok := find(name); ok {
			v.Set(k, value)
			continue
		}
		k, ok := find(strings.TrimSuffix(name, envFile))
		if !ok || !strings.HasSuffix(name, envFile) || !isSecret(k) && k != keyQueueURL && k != keyQueueURLs {
			unknown = append(unknown, name)
			continue
		}
		if err := setFromFile(v, k, name, value, environ); err != nil {
			return err
		}
	}
	if len(unknown) > 0 {
		return fmt.Errorf("config: unknown variables %s", strings.Join(unknown, ", "))
	}
	return nil
}

// setFromFile sets a secret to what a file holds, without the spaces and line ends around it.
func setFromFile(v *viper.Viper, key, name, path string, environ []string) error {
	both := slices.ContainsFunc(environ, func(kv string) bool { return strings.HasPrefix(kv, EnvName(key)+"=") })
	if both {
		return fmt.Errorf("config: %s and %s are both set", EnvName(key), name)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("config: %s: %w", name, err)
	}
	v.Set(key, strings.TrimSpace(string(b)))
	return nil
}

// EnvName is the environment variable of a key.
func EnvName(key string) string {
	return EnvPrefix + "_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// keyOf is the key of a field of a config struct, or that of the struct itself for an embedded part of it.
func keyOf(prefix string, f reflect.StructField) string {
	name := f.Tag.Get("mapstructure")
	switch {
	case name == ",squash":
		return prefix
	case prefix == "":
		return name
	}
	return prefix + "." + name
}
