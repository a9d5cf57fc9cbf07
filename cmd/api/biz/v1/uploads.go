package v1

import (
	"context"

	"tiktok/cmd/api/biz/call"
	model "tiktok/cmd/api/biz/model/v1"
	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/params"
	"tiktok/kitex_gen/video"
)

// Publish publishes the file of a form. Its fields are those of the form only, none of the address.
func (a *API) Publish(ctx context.Context, in *call.Call) (any, error) {
	in.Params = &params.Values{}
	work, err := a.shared.Publish(ctx, in)
	if err != nil {
		return nil, err
	}
	return renderUpload(a.now(ctx, in.Viewer, work)), nil
}

// now is the work on an upload as it stands now. Without an answer it is as it was.
func (a *API) now(ctx context.Context, author int64, work *video.Upload) *video.Upload {
	uploads, known := a.view.Uploads(ctx, author)
	if !known {
		return work
	}
	for _, u := range uploads {
		if u.VideoId == work.VideoId {
			return u
		}
	}
	done := *work // READY ones are left out
	done.State, done.Progress, done.Listed = video.UploadState_READY, 100, true
	return &done
}

// ListUploads is the viewer's uploads that are being worked on or have failed, newest first.
func (a *API) ListUploads(ctx context.Context, in *call.Call) (any, error) {
	r, err := a.shared.Clients.Video.ListUploads(ctx, &video.ListUploadsRequest{AuthorId: in.Viewer})
	if err != nil {
		return nil, err
	}
	return &model.UploadPage{Items: pack.Each(r.Uploads, func(u **video.Upload) *model.Upload { return renderUpload(*u) })}, nil
}
