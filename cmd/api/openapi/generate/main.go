// Command generate writes the OpenAPI document of both surfaces of the gateway, made of idl/v1.thrift, idl/api.thrift and pkg/errno:
//
//	go run ./cmd/api/openapi/generate DIR
//
// It writes cmd/api/openapi/openapi.json, its copy .postman/tiktok.openapi.json and .postman/tiktok.postman_collection.json below DIR
// (default: the repository's root, where it has to be run).
package main

import (
	"bytes"
	"encoding/json"
	"log"
	"os"
	"path/filepath"
)

func main() {
	log.SetFlags(0)
	out := "."
	if len(os.Args) > 1 {
		out = os.Args[1]
	}
	if err := run("idl", out); err != nil {
		log.Fatal("generate: ", err)
	}
}

func run(idl, out string) error {
	doc, err := document(idl)
	if err != nil {
		return err
	}
	requests, err := collection(doc)
	if err != nil {
		return err
	}
	for file, content := range map[string]object{
		"cmd/api/openapi/openapi.json": doc, ".postman/tiktok.openapi.json": doc, ".postman/tiktok.postman_collection.json": requests,
	} {
		if err := write(filepath.Join(out, file), content); err != nil {
			return err
		}
	}
	return nil
}

func write(file string, doc object) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}
