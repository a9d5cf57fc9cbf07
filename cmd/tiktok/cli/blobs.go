package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"tiktok/cmd/internal/boot"
	"tiktok/cmd/video/service"
	"tiktok/config"
	"tiktok/pkg/blob"
)

func blobs(environ []string) *cobra.Command {
	cmd := &cobra.Command{Use: "blobs", Short: "Copy the blob store to a folder and back; make what videos lack"}
	cmd.AddCommand(
		copyBlobs(environ, &cobra.Command{
			Use:   "export FOLDER",
			Short: "Copy the objects that FOLDER does not have yet from the blob store to it",
		}, func(store, folder blob.Store) (from, to blob.Store) { return store, folder }),
		copyBlobs(environ, &cobra.Command{
			Use:   "import FOLDER",
			Short: "Copy the objects that the blob store does not have yet from FOLDER to it",
		}, func(store, folder blob.Store) (from, to blob.Store) { return folder, store }),
		backfill(environ),
	)
	return cmd
}

// copyBlobs copies between the blob store and a folder, in the direction that order says.
func copyBlobs(environ []string, cmd *cobra.Command, order func(store, folder blob.Store) (from, to blob.Store)) *cobra.Command {
	cmd.Long = cmd.Short + ".\nUploads under way (tmp/) are left out. Nothing is deleted. Run it again after a failure: it goes on where " +
		"it was."
	cmd.Args = exactly("FOLDER")
	s := addSettings(cmd, environ)
	s.data(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := s.load(config.AllInOneProcess())
		if err != nil {
			return err
		}
		store, err := blob.Open(cmd.Context(), cfg.Blob)
		if err != nil {
			return fmt.Errorf("blob store: %w", err)
		}
		folder, err := blob.Open(cmd.Context(), blob.Config{Driver: blob.DriverLocal, Dir: args[0]})
		if err != nil {
			return fmt.Errorf("folder: %w", err)
		}
		from, to := order(store, folder)
		done, err := copyAll(cmd.Context(), from, to)
		printer(cmd)("%d objects, %d of them new, %d bytes copied", done.seen.Load(), done.copied.Load(), done.bytes.Load())
		return err
	}
	return cmd
}

func backfill(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backfill",
		Short: "Queue what could not be made of videos when they were uploaded: covers, previews, HLS ladders",
		Long: "Queue what could not be made of videos when they were uploaded, because there was no ffmpeg: covers, previews, HLS ladders. " +
			"The video service works\n" +
			"on them when nothing else waits. It fails on a machine without ffmpeg.",
	}
	s := addSettings(cmd, environ)
	s.data(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p := config.AllInOneProcess()
		cfg, err := s.load(p)
		if err != nil {
			return err
		}
		return s.process(cmd, p, cfg, func(ctx context.Context, p *boot.Process) error {
			say := printer(cmd)
			n, err := service.Backfill(ctx, p.Config, p.Telemetry, func(queued int64) { say("%d videos queued …", queued) })
			if err != nil {
				return fmt.Errorf("%d videos queued, then: %w", n, err)
			}
			say("%d videos queued; the video service works on them when nothing else waits", n)
			return nil
		})
	}
	return cmd
}
