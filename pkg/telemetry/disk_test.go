//go:build linux || darwin

package telemetry_test

import (
	"path/filepath"
	"testing"

	"tiktok/pkg/telemetry"
)

func TestDisk(t *testing.T) {
	tel := telemetry.Discard()
	if err := tel.WatchDisk(filepath.Join(t.TempDir(), "not", "yet")); err != nil {
		t.Fatal(err)
	}
	families, err := tel.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, f := range families {
		values[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue()
	}
	size, avail := values["tiktok_disk_size_bytes"], values["tiktok_disk_avail_bytes"]
	if len(values) != 2 || size < 1<<20 || avail <= 0 || avail > size {
		t.Errorf("%v", values)
	}
}
