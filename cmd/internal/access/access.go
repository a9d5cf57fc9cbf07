// Package access says which service may call what. Both deployments enforce it.
package access

import (
	"github.com/cloudwego/kitex/server"

	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

// ServerOptions are the options of a service's server, whichever way it is called: transport.ServerOptions, and its rules.
func ServerOptions(service string, tel *telemetry.Telemetry) []server.Option {
	return append(transport.ServerOptions(service, tel), transport.Guard(Rules(service), tel))
}

// Rules are who may call each method of a service, none of one that does not exist. A new method needs a line; a new caller
// a reason, which docs/architecture.md ("Services and calls") gives.
func Rules(service string) transport.Rules {
	gateway := []string{"api"}
	switch service {
	case "user":
		return transport.Rules{
			"Register":  gateway,
			"Login":     gateway,
			"MGetUsers": {"api", "social", "chat"}, // both check that a user exists
		}
	case "video":
		return transport.Rules{
			"Publish":        gateway,
			"CheckUpload":    gateway,
			"DeleteVideo":    gateway,
			"ListUploads":    gateway,
			"Feed":           gateway,
			"ListByAuthor":   gateway,
			"MGetVideos":     {"api", "interaction"}, // which checks that a video exists, and whose it is
			"MCountByAuthor": gateway,
		}
	case "interaction":
		return transport.Rules{
			"Favorite":      gateway,
			"Unfavorite":    gateway,
			"ListFavorites": gateway,
			"CreateComment": gateway,
			"DeleteComment": gateway,
			"ListComments":  gateway,
			"MGetStats":     gateway,
		}
	case "social":
		return transport.Rules{
			"Follow":        gateway,
			"Unfollow":      gateway,
			"ListFollowing": gateway,
			"ListFollowers": gateway,
			"ListFriends":   gateway,
			"MGetRelations": gateway,
		}
	case "chat":
		return transport.Rules{
			"SendMessage":      gateway,
			"ListMessages":     gateway,
			"MGetLastMessages": gateway,
		}
	}
	return nil
}
