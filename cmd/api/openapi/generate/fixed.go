package main

// What no IDL has: how a client shows who it is, headers, groups, and the paths beside the two surfaces.

func securitySchemes() object {
	return object{
		{"bearer", object{
			{"type", "http"},
			{"scheme", "bearer"},
			{"description", "The token of a session, from POST /api/v1/sessions or /api/v1/users. It is opaque."},
		}},
		{"session", object{
			{"type", "apiKey"},
			{"in", "cookie"},
			{"name", "session"},
			{"description", "The cookie of a web session, HttpOnly. A request that changes something needs an Origin header of this server."},
		}},
		{"token", object{
			{"type", "apiKey"},
			{"in", "query"},
			{"name", "token"},
			{"description", "The mobile client's, from /douyin/user/login/ or /douyin/user/register/. In the query or in the form; /douyin only."},
		}},
	}
}

func headers() object {
	text := object{{"type", "string"}}
	return object{
		{"RequestId", object{
			{"description", "The id of the request in the logs: that which the client sent, or a new one."},
			{"required", true},
			{"schema", text},
			{"example", "0b9f3c1e-7d1e-4a57-9f5b-2f1f0c7ad001"},
		}},
		{"RetryAfter", object{
			{"description", "Seconds until it is worth asking again."},
			{"required", true},
			{"schema", object{{"type", "integer"}, {"minimum", 0}}},
			{"example", 3},
		}},
		{"SessionCookie", object{
			{"description", "The session for a browser that asked for a cookie (HttpOnly, SameSite=Lax, Secure under https), or its end."},
			{"schema", text},
			{"example", "session=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.signature; path=/; HttpOnly; SameSite=Lax"},
		}},
		{"Authenticate", object{
			{"description", "How to say who asks."},
			{"schema", text},
			{"example", "Bearer"},
		}},
	}
}

// group is a heading of the page of the API, with the tags below it.
type group struct {
	name string
	tags [][2]string
}

func groups() []group {
	return []group{
		{"API v1", [][2]string{
			{"users", "Accounts, and what they publish, like and follow"},
			{"sessions", "Log in, log out, and where else one is logged in"},
			{"me", "The account that asks"},
			{"feed", "All videos, newest first"},
			{"feeds", "Videos that are chosen, each with why"},
			{"videos", "Videos, likes and comments"},
			{"search", "Videos, users and tags by what is typed"},
			{"tags", "The tags of titles"},
			{"watches", "What was watched"},
			{"conversations", "Chat"},
			{"notices", "Notices, and what one wants to hear of"},
			{"push", "Web Push"},
			{"events", "Hints of what is new, as they come"},
		}},
		{"Mobile client", [][2]string{
			{"douyin feed", "The mobile client: its home screen"},
			{"douyin user", "The mobile client: accounts"},
			{"douyin publish", "The mobile client: videos"},
			{"douyin favorite", "The mobile client: likes"},
			{"douyin comment", "The mobile client: comments"},
			{"douyin relation", "The mobile client: follows and friends"},
			{"douyin message", "The mobile client: chat"},
		}},
		{"Beside", [][2]string{
			{"files", "Videos and pictures"},
			{"state", "For load balancers"},
		}},
	}
}

func tags() []object {
	var all []object
	for _, g := range groups() {
		for _, t := range g.tags {
			all = append(all, object{{"name", t[0]}, {"description", t[1]}})
		}
	}
	return all
}

func tagGroups() []object {
	var all []object
	for _, g := range groups() {
		var names []string
		for _, t := range g.tags {
			names = append(names, t[0])
		}
		all = append(all, object{{"name", g.name}, {"tags", names}})
	}
	return all
}

func otherPaths() object {
	id := object{{"X-Request-Id", ref("headers/RequestId")}}
	file := object{{"*/*", object{{"schema", object{{"type", "string"}, {"format", "binary"}}}}}}
	text := object{{"text/plain", object{{"schema", object{{"type", "string"}}}}}}
	report := object{{"application/json", object{{"schema", object{
		{"type", "object"},
		{"additionalProperties", object{{"type", "string"}}},
	}}}}}
	answer := func(description string, content object) object {
		return object{{"description", description}, {"headers", id}, {"content", content}}
	}
	get := func(id, tag, summary, description string, responses object) object {
		op := object{{"operationId", id}, {"tags", []string{tag}}, {"summary", summary}}
		if description != "" {
			op.set("description", description)
		}
		op.set("security", []object{})
		op.set("responses", responses)
		return op
	}
	media := get("getMedia", "files", "A video, a cover, a segment of a stream",
		"The addresses in answers (play_url and so on) lead here; a key has slashes. HEAD, one Range, ETag and If-None-Match are answered. "+
			"A server may be set up so that the addresses lead to an object store instead.",
		object{
			{"200", answer("The file.", file)},
			{"206", answer("The part that the Range asked for.", file)},
			{"304", object{{"description", "The client has it already."}, {"headers", id}}},
			{"404", answer("There is no such file.", text)},
			{"416", answer("The file is shorter.", text)},
		})
	media.set("parameters", []object{
		{
			{"name", "key"},
			{"in", "path"},
			{"required", true},
			{"description", "The name of the file in the store."},
			{"schema", object{{"type", "string"}}},
			{"example", "videos/ab/1180591620717568.mp4"},
		},
		{
			{"name", "Range"},
			{"in", "header"},
			{"required", false},
			{"description", "A part of the file."},
			{"schema", object{{"type", "string"}}},
			{"example", "bytes=0-1023"},
		},
	})
	return object{
		{"/media/{key}", object{{"get", media}}},
		{"/healthz", object{{"get", get("getHealth", "state", "The process lives", "", object{{"200", answer("It does.", report)}})}}},
		{"/readyz", object{{"get", get("getReadiness", "state", "The process can answer", "The state of each part by its name.", object{
			{"200", answer("It can.", report)},
			{"503", answer("It cannot: one of its parts is away.", report)},
		})}}},
	}
}
