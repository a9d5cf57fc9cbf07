// Package boards describes Grafana's dashboards, so that all look alike and a test can run every query on a real
// Prometheus. deploy/generate writes them.
package boards

import (
	"bytes"
	"encoding/json"
)

// Board is one dashboard.
type Board struct {
	// UID names the file and the address of the dashboard.
	UID, Title, Help string
	Rows             []Row
}

// Row is a titled group of panels.
type Row struct {
	Title  string
	Panels []Panel
}

// Kind is how a panel shows its queries.
type Kind string

// Kinds of panels.
const (
	// Graph draws lines over time.
	Graph Kind = "timeseries"
	// Stat shows the newest value.
	Stat Kind = "stat"
	// Table shows the newest values with their labels.
	Table Kind = "table"
)

// Panel shows what one or more queries answer.
type Panel struct {
	Kind  Kind
	Title string
	// Help is shown at the panel's corner.
	Help string
	// Unit is Grafana's name of it: s, reqps, percentunit, bytes, short, …
	Unit string
	// Warn and Bad colour a Stat from these values on; when Bad is below Warn, from these values down. Both 0: no colours.
	Warn, Bad float64
	Queries   []Query
}

// Query is PromQL.
type Query struct {
	Expr string
	// Legend names the lines, with labels in {{ }}.
	Legend string
	// MayBeEmpty says why a healthy deployment may have no data for it; "" when there always is some.
	MayBeEmpty string
}

// Queries are all queries of the board.
func (b Board) Queries() []Query {
	var all []Query
	for _, r := range b.Rows {
		for _, p := range r.Panels {
			all = append(all, p.Queries...)
		}
	}
	return all
}

const (
	// columns is the width of Grafana's grid.
	columns = 24
	// schema is the version of Grafana's format: 10.3 and newer read it.
	schema = 39
)

type object map[string]any

// JSON is the dashboard as Grafana reads it.
func (b Board) JSON() ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	err := enc.Encode(object{
		"uid": b.UID, "title": b.Title, "description": b.Help, "tags": []string{"tiktok"}, "schemaVersion": schema,
		"editable": false, "refresh": "30s", "time": object{"from": "now-3h", "to": "now"}, "timezone": "browser",
		"graphTooltip": 1, // one cursor for all panels
		"links": []object{{
			"type": "dashboards", "tags": []string{"tiktok"}, "title": "tiktok", "asDropdown": true, "includeVars": false, "keepTime": true,
		}},
		"annotations": object{"list": []object{{
			"name": "alerts", "enable": true, "iconColor": "red", "datasource": source(), "titleFormat": "{{alertname}}",
			"expr": `ALERTS{alertstate="firing",alertname!="Watchdog"}`,
		}}},
		"panels": b.panels(),
	})
	return buf.Bytes(), err
}

func source() object { return object{"type": "prometheus", "uid": "prometheus"} }

func (b Board) panels() []object {
	var all []object
	id, y := 0, 0
	next := func() int { id++; return id }
	for _, r := range b.Rows {
		all = append(all, object{
			"id": next(), "type": "row", "title": r.Title, "collapsed": false, "panels": []object{}, "gridPos": grid(0, y, columns, 1),
		})
		y++
		x, height := 0, 0
		for _, p := range r.Panels {
			w, h := p.size()
			if x+w > columns {
				x, y = 0, y+height
			}
			all = append(all, p.object(next(), grid(x, y, w, h)))
			x, height = x+w, h
		}
		y += height
	}
	return all
}

func grid(x, y, w, h int) object { return object{"x": x, "y": y, "w": w, "h": h} }

func (p Panel) size() (w, h int) {
	switch p.Kind {
	case Stat:
		return 4, 4
	case Table:
		return columns, 8
	default:
		return 8, 8
	}
}

func (p Panel) object(id int, at object) object {
	targets := make([]object, 0, len(p.Queries))
	for i, q := range p.Queries {
		t := object{"refId": string(rune('A' + i)), "datasource": source(), "expr": q.Expr, "legendFormat": q.Legend}
		switch p.Kind {
		case Table:
			t["format"], t["instant"] = "table", true
		case Stat:
			t["instant"] = true
		case Graph:
			t["range"] = true
		}
		targets = append(targets, t)
	}
	defaults := object{"unit": p.Unit}
	o := object{
		"id": id, "type": string(p.Kind), "title": p.Title, "description": p.Help,
		"datasource": source(), "gridPos": at, "targets": targets,
		"fieldConfig": object{"defaults": defaults, "overrides": []object{}},
	}
	switch p.Kind {
	case Graph:
		defaults["min"] = 0
		defaults["custom"] = object{"fillOpacity": 8, "lineWidth": 1, "showPoints": "never", "spanNulls": false}
		o["options"] = object{
			"legend": object{"displayMode": "list", "placement": "bottom"}, "tooltip": object{"mode": "multi", "sort": "desc"},
		}
	case Stat:
		defaults["thresholds"] = p.thresholds()
		o["options"] = object{"colorMode": "value", "graphMode": "none", "reduceOptions": object{"calcs": []string{"lastNotNull"}}}
	case Table:
	}
	return o
}

func (p Panel) thresholds() object {
	steps := []object{{"color": "green", "value": nil}}
	switch {
	case p.Warn == 0 && p.Bad == 0:
		steps = []object{{"color": "text", "value": nil}}
	case p.Bad < p.Warn:
		steps = []object{{"color": "red", "value": nil}, {"color": "orange", "value": p.Bad}, {"color": "green", "value": p.Warn}}
	default:
		steps = append(steps, object{"color": "orange", "value": p.Warn}, object{"color": "red", "value": p.Bad})
	}
	return object{"mode": "absolute", "steps": steps}
}
