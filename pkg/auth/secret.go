package auth

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// LoadOrCreateSecrets reads the keys from the file, one a line, or makes one of 256 random bits the first time. The first one
// signs, the others verify what they signed before: they are NewTokens' old keys. The file is readable by its owner only and
// holds keys as text: a key is its line without surrounding white space, so that it may be copied into a configuration. When
// two processes start at once, both get the key of the one that was first. A line of fewer than MinSecretBytes is an error,
// and so is a file without a key; it is never overwritten: to replace a key would log everybody out.
func LoadOrCreateSecrets(path string) ([][]byte, error) {
	secrets, err := loadSecrets(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return secrets, err
	}
	if err := createSecret(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create secret file: %w", err)
	}
	return loadSecrets(path) // what is in the file counts, whoever wrote it
}

func loadSecrets(path string) (secrets [][]byte, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read secret file: %w", err)
	}
	for line := range bytes.Lines(data) {
		secret := bytes.TrimSpace(line)
		switch {
		case len(secret) == 0:
		case len(secret) < MinSecretBytes:
			return nil, fmt.Errorf("secret file %s has a line of %d bytes, at least %d are needed", path, len(secret), MinSecretBytes)
		default:
			secrets = append(secrets, secret)
		}
	}
	if len(secrets) == 0 {
		return nil, fmt.Errorf("secret file %s holds no secret", path)
	}
	return secrets, nil
}

// createSecret writes a new key beside path and then gives it its name with link, which, unlike rename, fails when the
// name is taken: the first process wins, and nobody ever sees half a key.
func createSecret(path string) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, ".secret-*") // made with 0600
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, os.Remove(temp.Name()))
	}()

	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	_, err = temp.WriteString(hex.EncodeToString(key) + "\n")
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return err
		}
		// A file system without links: there a race of two first starts can be lost, everything else still holds.
		data, err := os.ReadFile(temp.Name())
		if err != nil {
			return err
		}
		return os.WriteFile(path, data, 0o600)
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
