package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"
)

// plot draws what there are results for into PNG files of a folder: latency against offered load, and each scenario's
// rate and cost beside its floor.
func plot(dir, deployment string, all []result) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if c := latencyChart(all); len(c.Series) > 0 {
		if err := render(filepath.Join(dir, "latency.png"), c); err != nil {
			return err
		}
	}
	for name, c := range map[string]chart.BarChart{"rate": rateChart(deployment, all), "floor": floorChart(deployment, all)} {
		if len(c.Bars) > 0 {
			if err := render(filepath.Join(dir, deployment+"-"+name+".png"), c); err != nil {
				return err
			}
		}
	}
	return nil
}

// drawn is a chart that can be written.
type drawn interface {
	Render(as chart.RendererProvider, w io.Writer) error
}

func render(path string, c drawn) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	return c.Render(chart.PNG, f)
}

// rateChart is requests per second.
func rateChart(deployment string, all []result) chart.BarChart {
	return bars(deployment+": requests per second (log scale)", all, func(r result) float64 { return r.PerSecond })
}

// floorChart is the processor time of a request as a multiple of what Hertz needs for the same bytes.
func floorChart(deployment string, all []result) chart.BarChart {
	return bars(deployment+": CPU of a request ÷ CPU of Hertz serving the same bytes (log scale)", all, func(r result) float64 {
		ratio := 0.0
		for _, f := range r.Floors {
			switch {
			case f.Name == floorHash:
				return 0 // where a password is hashed nothing else counts
			case f.Name == floorHTTP && f.CPU > 0:
				ratio = r.cost() / f.CPU
			}
		}
		return ratio
	})
}

// bars has one for each scenario of a closed loop that has a value.
func bars(title string, all []result, value func(result) float64) chart.BarChart {
	c := chart.BarChart{
		Title: title, TitleStyle: chart.Style{FontSize: 12}, Width: 1300, Height: 560, DPI: 96, BarWidth: 30, BarSpacing: 16,
		Background: chart.Style{Padding: chart.Box{Top: 60, Left: 20, Right: 20, Bottom: 95}},
		XAxis:      chart.Style{FontSize: 8, TextRotationDegrees: 60, TextWrap: chart.TextWrapNone, TextHorizontalAlign: chart.TextHorizontalAlignLeft},
	}
	least, most := math.Inf(1), math.Inf(-1)
	for _, r := range all {
		v := value(r)
		if r.Plan.Conns == 0 || r.open() || r.Queue != "" || v <= 0 {
			continue
		}
		y := math.Log10(v)
		least, most = min(least, y), max(most, y)
		c.Bars = append(c.Bars, chart.Value{
			Label: fmt.Sprintf("%s %.3g", r.Scenario, v), Value: y, Style: chart.Style{FillColor: chart.ColorBlue, StrokeColor: chart.ColorBlue},
		})
	}
	if len(c.Bars) == 0 {
		return c
	}
	least, most = math.Floor(least), math.Ceil(most+0.01)
	c.UseBaseValue, c.BaseValue = true, least
	c.YAxis = chart.YAxis{Range: &chart.ContinuousRange{Min: least, Max: most}, Ticks: decades(least, most)}
	return c
}

func latencyChart(all []result) chart.Chart {
	type curve struct {
		way, name string
		value     func(latencies) float64
		style     chart.Style
	}
	var lines []curve
	for i, w := range ways() {
		color := []drawing.Color{chart.ColorBlue, chart.ColorGreen, chart.ColorRed}[i]
		lines = append(lines,
			curve{w.name, "p50", func(l latencies) float64 { return l.P50 }, line(color, false)},
			curve{w.name, "p99", func(l latencies) float64 { return l.P99 }, line(color, true)})
	}
	c := chart.Chart{
		Title:      "Likes of one hot video: latency against offered load",
		TitleStyle: chart.Style{FontSize: 14},
		Width:      1000, Height: 560, DPI: 96,
		Background: chart.Style{Padding: chart.Box{Top: 90, Left: 30, Right: 30, Bottom: 20}},
		XAxis:      chart.XAxis{Name: "offered likes per second (open loop)"},
	}
	least, most, right := math.Inf(1), math.Inf(-1), 0.0
	for _, l := range lines {
		s := chart.ContinuousSeries{Name: l.name + " " + l.way, Style: l.style}
		for _, r := range all {
			if r.Queue != l.way {
				continue
			}
			// The library's own logarithmic axis is wrong for ranges that do not begin at 1, so the logarithm is taken here.
			y := math.Log10(max(l.value(r.Latency), 0.1))
			s.XValues, s.YValues = append(s.XValues, r.Plan.Rate), append(s.YValues, y)
			least, most, right = min(least, y), max(most, y), max(right, r.Plan.Rate)
		}
		if len(s.XValues) > 0 {
			c.Series = append(c.Series, s)
		}
	}
	if len(c.Series) == 0 {
		return c
	}
	least, most = math.Floor(least), math.Ceil(most)
	c.XAxis.Ticks = rounds(right)
	c.XAxis.Range = &chart.ContinuousRange{Min: 0, Max: c.XAxis.Ticks[len(c.XAxis.Ticks)-1].Value}
	c.YAxis = chart.YAxis{
		Name: "latency in ms (log scale)", AxisType: chart.YAxisSecondary, Range: &chart.ContinuousRange{Min: least, Max: most},
		Ticks: decades(least, most), GridMajorStyle: chart.Style{StrokeColor: drawing.ColorFromHex("dddddd"), StrokeWidth: 1},
	}
	c.Elements = []chart.Renderable{chart.LegendThin(&c, chart.Style{FontSize: 9})}
	return c
}

// line is solid for medians and dashed for the slowest hundredth.
func line(color drawing.Color, dashed bool) chart.Style {
	s := chart.Style{StrokeColor: color, StrokeWidth: 2, DotColor: color, DotWidth: 3}
	if dashed {
		s.StrokeDashArray = []float64{6, 4}
	}
	return s
}

// decades are the labels 1, 2, 5, 10, … between two powers of ten.
func decades(least, most float64) []chart.Tick {
	var ticks []chart.Tick
	for e := least; e <= most; e++ {
		for _, m := range []float64{1, 2, 5} {
			if v := math.Log10(m) + e; v <= most+1e-9 {
				ticks = append(ticks, chart.Tick{Value: v, Label: fmt.Sprintf("%g", math.Round(m*math.Pow(10, e)*100)/100)})
			}
		}
	}
	return ticks
}

// rounds are about ten labels of round numbers from 0 to most or a little more.
func rounds(most float64) []chart.Tick {
	step := math.Pow(10, math.Floor(math.Log10(most)))
	for _, part := range []float64{0.1, 0.2, 0.5} {
		if most <= 10*step*part {
			step *= part
			break
		}
	}
	var ticks []chart.Tick
	for v := 0.0; ; v += step {
		ticks = append(ticks, chart.Tick{Value: v, Label: fmt.Sprintf("%.0f", v)})
		if v >= most {
			return ticks
		}
	}
}
