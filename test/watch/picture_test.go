package watch_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"

	"tiktok/deploy/grafana/boards"
	"tiktok/test/harness"
)

// Environment of TestPicture: the PNG file to write, and how long to use the product before.
const (
	envPicture = "TIKTOK_PICTURE"
	envFor     = "TIKTOK_PICTURE_FOR"
)

// Sizes of the picture, pixels.
const (
	panelWidth, panelHeight = 520, 310
	tileWidth, tileHeight   = 260, 90
	perRow, tilesPerRow     = 3, 6
	legendWidth             = 170
)

// TestPicture draws the panels of the overview for the docs, from what a real Prometheus answers about the running product:
//
//	TIKTOK_PICTURE=$PWD/docs/overview.png TIKTOK_PICTURE_FOR=2m go test ./test/watch -run Picture -timeout 10m
//
// Load comes from four clients at a time that do everything, each as soon as its last request is answered.
func TestPicture(t *testing.T) {
	path := os.Getenv(envPicture)
	if path == "" {
		t.Skipf("%s is not set", envPicture)
	}
	length, err := time.ParseDuration(os.Getenv(envFor))
	if err != nil {
		t.Fatal(err)
	}
	bin := tool(t, "prometheus")
	d := harness.Distributed(t, options(withMedia())...)
	v := newDriver(d)
	p := startPrometheus(t, bin, d)
	begin := time.Now()
	for time.Since(begin) < length {
		harness.Parallel(t, 4, func(t testing.TB, i int) {
			for range 1 + i { // not all do the same at the same time
				person := newDriver(d)
				person.round = v.round + i*1000
				person.drive(t)
			}
		})
		v.round += 10
	}
	var tiles, graphs []image.Image
	for _, row := range boards.Overview().Rows {
		for _, panel := range row.Panels {
			if panel.Kind == boards.Stat {
				tiles = append(tiles, drawTile(t, p, panel))
			} else {
				graphs = append(graphs, drawGraph(t, p, panel, begin))
			}
		}
	}
	rows := (len(graphs) + perRow - 1) / perRow
	all := image.NewRGBA(image.Rect(0, 0, perRow*panelWidth, tileHeight+rows*panelHeight))
	draw.Draw(all, all.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	place := func(img image.Image, x, y int) {
		draw.Draw(all, img.Bounds().Add(image.Pt(x, y)), img, image.Point{}, draw.Src)
	}
	for i, img := range tiles {
		place(img, i%tilesPerRow*tileWidth, 0)
	}
	for i, img := range graphs {
		place(img, i%perRow*panelWidth, tileHeight+i/perRow*panelHeight)
	}
	var file bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&file, all); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func decoded(t *testing.T, b *bytes.Buffer) image.Image {
	t.Helper()
	img, err := png.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func drawTile(t *testing.T, p *prometheus, panel boards.Panel) image.Image {
	t.Helper()
	var data struct{ Result []struct{ Value [2]any } }
	p.get(t, "/api/v1/query", url.Values{"query": {panel.Queries[0].Expr}}, &data)
	text := "no data"
	if len(data.Result) > 0 {
		value, err := strconv.ParseFloat(fmt.Sprint(data.Result[0].Value[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		text = format(panel.Unit)(value)
	}
	r, err := chart.PNG(tileWidth, tileHeight)
	if err != nil {
		t.Fatal(err)
	}
	font, err := chart.GetDefaultFont()
	if err != nil {
		t.Fatal(err)
	}
	r.SetFont(font)
	r.SetDPI(96)
	write := func(s string, size float64, y int) {
		r.SetFontColor(drawing.ColorBlack)
		r.SetFontSize(size)
		r.Text(s, 14, y)
	}
	write(panel.Title, 10, 26)
	write(text, 20, 68)
	var out bytes.Buffer
	if err := r.Save(&out); err != nil {
		t.Fatal(err)
	}
	return decoded(t, &out)
}

func drawGraph(t *testing.T, p *prometheus, panel boards.Panel, begin time.Time) image.Image {
	t.Helper()
	c := chart.Chart{
		Title: panel.Title, TitleStyle: chart.Style{FontSize: 10}, Width: panelWidth, Height: panelHeight, DPI: 96,
		Background: chart.Style{Padding: chart.Box{Top: 40, Left: legendWidth, Right: 16, Bottom: 8}},
		XAxis:      chart.XAxis{ValueFormatter: chart.TimeValueFormatterWithFormat("15:04:05"), Style: chart.Style{FontSize: 7}},
	}
	top := 0.0
	for _, q := range panel.Queries {
		for _, s := range queryRange(t, p, q, begin) {
			for _, y := range s.YValues {
				top = max(top, y)
			}
			s.Style = chart.Style{StrokeWidth: 1.5, StrokeColor: chart.GetDefaultColor(len(c.Series))}
			c.Series = append(c.Series, s)
		}
	}
	ticks := roundTicks(top, format(panel.Unit))
	c.YAxis = chart.YAxis{
		Ticks: ticks, Range: &chart.ContinuousRange{Min: 0, Max: ticks[len(ticks)-1].Value}, Style: chart.Style{FontSize: 7},
		GridMajorStyle: chart.Style{StrokeColor: drawing.ColorFromHex("dddddd"), StrokeWidth: 1},
	}
	c.Elements = []chart.Renderable{chart.LegendLeft(&c, chart.Style{
		FontSize:  6,
		FillColor: drawing.Color{R: 255, G: 255, B: 255, A: 190},
	})}
	if len(c.Series) == 0 {
		t.Fatalf("no data for %s", panel.Title)
	}
	var out bytes.Buffer
	if err := c.Render(chart.PNG, &out); err != nil {
		t.Fatalf("%s: %v", panel.Title, err)
	}
	return decoded(t, &out)
}

// roundTicks are labels of round numbers from 0 to top or a little more.
func roundTicks(top float64, label func(float64) string) []chart.Tick {
	if top == 0 {
		top = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(top)))
	for _, part := range []float64{0.2, 0.5} {
		if top <= 5*step*part {
			step *= part
			break
		}
	}
	ticks := []chart.Tick{{Label: label(0)}}
	for n := 1.0; ticks[len(ticks)-1].Value < top; n++ {
		ticks = append(ticks, chart.Tick{Value: n * step, Label: label(n * step)})
	}
	return ticks
}

// queryRange is a query's answer since begin, a line for each series.
func queryRange(t *testing.T, p *prometheus, q boards.Query, begin time.Time) []chart.TimeSeries {
	t.Helper()
	var data struct {
		Result []struct {
			Metric map[string]string
			Values [][2]any
		}
	}
	p.get(t, "/api/v1/query_range", url.Values{
		"query": {strings.ReplaceAll(q.Expr, "$__rate_interval", rateInterval)},
		"start": {strconv.FormatInt(begin.Unix(), 10)}, "end": {strconv.FormatInt(time.Now().Unix(), 10)}, "step": {"2"},
	}, &data)
	var all []chart.TimeSeries
	for _, r := range data.Result {
		// There is one process of each kind, and the folder is the test's.
		delete(r.Metric, "instance")
		delete(r.Metric, "path")
		s := chart.TimeSeries{Name: regexp.MustCompile(`\{\{(\w+)\}\}`).ReplaceAllStringFunc(q.Legend,
			func(l string) string { return r.Metric[strings.Trim(l, "{}")] })}
		s.Name = strings.Join(strings.Fields(s.Name), " ")
		for _, v := range r.Values {
			at, isTime := v[0].(float64)
			y, err := strconv.ParseFloat(fmt.Sprint(v[1]), 64)
			if isTime && err == nil && !math.IsNaN(y) { // a gap
				s.XValues, s.YValues = append(s.XValues, time.UnixMilli(int64(at*1000))), append(s.YValues, y)
			}
		}
		if len(s.XValues) > 1 {
			all = append(all, s)
		}
	}
	return all
}

// format writes values of one of Grafana's units.
func format(unit string) func(float64) string {
	switch unit {
	case "percentunit":
		return func(v float64) string { return fmt.Sprintf("%.4g %%", v*100) }
	case "s":
		return func(v float64) string {
			if v >= 1 {
				return fmt.Sprintf("%.4g s", v)
			}
			return fmt.Sprintf("%.4g ms", v*1000)
		}
	case "bytes":
		return func(v float64) string { return fmt.Sprintf("%.0f MB", v/1e6) }
	case "reqps", "ops":
		return func(v float64) string { return fmt.Sprintf("%.3g/s", v) }
	default:
		return func(v float64) string { return fmt.Sprintf("%.4g", v) }
	}
}
