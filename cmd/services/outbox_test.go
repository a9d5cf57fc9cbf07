package services_test

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"

	"tiktok/cmd/services"
	"tiktok/pkg/outbox/outboxtest"
)

// Every service whose topics somebody consumes has an outbox, as pkg/outbox is tested with.
func TestOutboxes(t *testing.T) {
	producers := map[string]bool{}
	for _, c := range services.Consumers() {
		for _, topic := range c.Topics {
			producer, _, _ := strings.Cut(topic, ".")
			producers[producer] = true
		}
	}
	if len(producers) == 0 {
		t.Error("nobody consumes anything")
	}
	for name := range producers {
		s, ok := services.Find(name)
		if !ok || s.Migrations == nil {
			t.Errorf("there is no service %s that could write its topics", name)
			continue
		}
		for _, dialect := range []string{"mysql", "sqlite"} {
			want, err := fs.ReadFile(outboxtest.Migrations(), "migrations/"+dialect+"/00001_outbox.sql")
			if err != nil {
				t.Fatal(err)
			}
			files, err := fs.Glob(s.Migrations(), "migrations/"+dialect+"/*_outbox.sql")
			if err != nil || len(files) != 1 {
				t.Errorf("%s has %v for %s, %v, want one file", name, files, dialect, err)
				continue
			}
			got, err := fs.ReadFile(s.Migrations(), files[0])
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %s is not as outboxtest has it, %v", name, files[0], err)
			}
		}
	}
}
