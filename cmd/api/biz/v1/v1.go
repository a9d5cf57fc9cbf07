// Package v1 answers the operations of /api/v1: it reads typed parameters, calls the services, and renders the views that /douyin shows
// too as models of idl/v1.thrift. What both APIs do alike is in package handler.
package v1

import (
	"tiktok/cmd/api/biz/handler"
	"tiktok/cmd/api/biz/view"
)

// API has one method per operation. Make one with New and share it.
type API struct {
	// shared is what both APIs do, and what it needs: clients, view, stores.
	shared *handler.Handler
	// view is the shared one, with how often videos were watched.
	view *view.View
}

// New makes an API on what /douyin has, too.
func New(shared *handler.Handler) *API { return &API{shared: shared, view: shared.View.WithViews()} }
