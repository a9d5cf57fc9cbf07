package main

import (
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"

	"tiktok/pkg/errno"
)

// doc is the document while it is made.
type doc struct {
	api, mobile *surface
	schemas     schemas
	paths       object
	// codes are those of the problems that operations answer.
	codes map[int32]bool
}

// document describes both surfaces and the few paths beside them.
func document(idl string) (object, error) {
	api, err := parse(filepath.Join(idl, "v1.thrift"), "")
	if err != nil {
		return nil, err
	}
	mobile, err := parse(filepath.Join(idl, "api.thrift"), "Douyin")
	if err != nil {
		return nil, err
	}
	d := &doc{api: api, mobile: mobile, codes: map[int32]bool{}}
	d.schemas.answer(api, "Problem")
	for _, call := range api.calls {
		if err := d.v1(call); err != nil {
			return nil, err
		}
	}
	d.schemas.all.set("DouyinStatusCode", statusCode())
	for _, call := range mobile.calls {
		if err := d.douyin(call); err != nil {
			return nil, err
		}
	}
	d.paths = append(d.paths, otherPaths()...)
	if d.schemas.err != nil {
		return nil, d.schemas.err
	}
	return object{
		{"openapi", "3.1.1"},
		{"info", object{
			{"title", "tiktok"},
			{"version", "1.0.0"},
			{"summary", "Short videos: publish, watch, like, comment, follow, chat."},
			{"description", "## /api/v1\n\n" + api.about + "\n\n## /douyin\n\n" + mobile.about},
			{"license", object{{"name", "Apache 2.0"}, {"identifier", "Apache-2.0"}}},
		}},
		{"servers", []object{{{"url", "http://localhost:10001"}, {"description", "make run, or make start"}}}},
		{"tags", tags()},
		{"x-tagGroups", tagGroups()},
		{"paths", d.paths},
		{"components", object{
			{"securitySchemes", securitySchemes()},
			{"schemas", d.schemas.all},
			{"headers", headers()},
			{"responses", generalResponses()},
			{"examples", d.problemExamples()},
		}},
	}, nil
}

// add puts an operation where it belongs.
func (d *doc) add(path, method string, op object) {
	item := d.paths.get(path)
	item.set(method, op)
	d.paths.set(path, item)
}

func generalResponses() object {
	var all object
	named := components()
	for _, name := range slices.Sorted(maps.Keys(named)) {
		all.set(name, problem(named[name]))
	}
	return all
}

// problemExamples are the problems of all codes that some operation of /api/v1 answers.
func (d *doc) problemExamples() object {
	var all object
	for _, e := range errno.All() {
		if !d.codes[e.Code] {
			continue
		}
		value := d.api.nothing("Problem")
		value.set("type", fmt.Sprintf("urn:tiktok:error:%d", e.Code))
		value.set("title", e.Msg)
		value.set("status", e.Status())
		value.set("code", e.Code)
		id, _ := d.api.structs["Problem"].GetField("request_id")
		value.set("request_id", annotation(id.Annotations, "api.example"))
		all.set(strconv.Itoa(int(e.Code)), object{{"summary", http.StatusText(e.Status())}, {"value", value}})
	}
	return all
}
