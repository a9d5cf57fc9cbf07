// Package openapi is the document of the HTTP API, both /api/v1 and /douyin, which `make gen` makes of idl/ (see generate).
package openapi

import "embed"

//go:embed openapi.json
var files embed.FS

// Document is the OpenAPI 3.1 document, as JSON.
func Document() ([]byte, error) { return files.ReadFile("openapi.json") }
