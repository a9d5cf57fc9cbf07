package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// step is a request of the Postman collection.
type step struct {
	// id is the operation's.
	id string
	// with are values of parameters and fields in place of their examples; "" leaves an optional one out.
	with map[string]string
	// keep are variables that later steps need, and where the answer has them.
	keep map[string]string
}

// section is a folder of the collection.
type section struct {
	name  string
	steps []step
}

// sections are all requests, in an order in which they can be played one after the other: each has what it needs from those before it.
// A new operation has to be added here: the generator fails until it is.
func sections() []section {
	name, password := map[string]string{"name": "{{name}}"}, map[string]string{"old_password": "{{password}}", "new_password": "{{password}}"}
	other := map[string]string{"user_id": "{{other_id}}", "to_user_id": "{{other_id}}"}
	return []section{
		{"Log in", []step{
			{"register", map[string]string{"name": "{{other}}"}, map[string]string{"other_id": "user.id"}},
			{"register", name, map[string]string{"token": "token", "user_id": "user.id"}},
			{"login", name, map[string]string{"session_id": "session.id"}},
		}},
		{"API v1", []step{
			{"getMe", nil, nil},
			{"listSessions", nil, nil},
			{"revokeSession", nil, nil},
			{"revokeOtherSessions", nil, nil},
			{"changePassword", password, nil},
			{"updateProfile", nil, nil},
			{"setAvatar", nil, nil},
			{"deleteAvatar", nil, nil},
			{"setBackground", nil, nil},
			{"deleteBackground", nil, nil},
			{"follow", other, nil},
			{"getUser", other, nil},
			{"getUserByName", name, nil},
			{"listFollowing", nil, nil},
			{"listFollowers", other, nil},
			{"listFriends", nil, nil},
			{"unfollow", other, nil},
			{"publish", nil, map[string]string{"video_id": "video_id"}},
			{"listUploads", nil, nil},
			{"feed", nil, nil},
			{"getVideo", nil, nil},
			{"listUserVideos", nil, nil},
			{"searchVideos", nil, nil},
			{"searchUsers", nil, nil},
			{"searchTags", nil, nil},
			{"suggest", nil, nil},
			{"listTrendingTags", nil, nil},
			{"getTag", nil, nil},
			{"listTagVideos", nil, nil},
			{"forYou", nil, nil},
			{"followingFeed", nil, nil},
			{"hotFeed", nil, nil},
			{"addWatches", map[string]string{"items": `[{"video_id":"{{video_id}}","session":"a","watched_ms":12000,"is_finished":true}]`}, nil},
			{"listHistory", nil, nil},
			{"deleteHistoryItem", nil, nil},
			{"deleteHistory", nil, nil},
			{"getStatistics", nil, nil},
			{"listVideoStatistics", nil, nil},
			{"like", nil, nil},
			{"listUserLikes", nil, nil},
			{"unlike", nil, nil},
			{"createComment", map[string]string{"reply_to_id": ""}, map[string]string{"comment_id": "id"}},
			{"createComment", map[string]string{"content": "@{{other}} so it is", "reply_to_id": "{{comment_id}}"}, nil},
			{"listComments", nil, nil},
			{"likeComment", nil, nil},
			{"unlikeComment", nil, nil},
			{"pinComment", nil, nil},
			{"unpinComment", nil, nil},
			{"listReplies", nil, nil},
			{"deleteComment", nil, nil},
			{"sendMessage", other, map[string]string{"until": "created_at", "message_id": "id"}},
			{"listConversations", nil, nil},
			{"listMessages", other, nil},
			{"markRead", map[string]string{"user_id": "{{other_id}}", "until": "{{until}}"}, nil},
			{"deleteMessage", map[string]string{"user_id": "{{other_id}}", "message_id": "{{message_id}}"}, nil},
			{"deleteConversation", other, nil},
			{"listNotices", nil, nil},
			{"markNoticesRead", map[string]string{"until": "{{until}}"}, nil},
			{"setNoticeSettings", nil, nil},
			{"getNoticeSettings", nil, nil},
			{"getPushKey", nil, nil},
			{"unsubscribe", nil, nil},
			{"deleteVideo", nil, nil},
		}},
		{"Mobile client", []step{
			{"douyinRegister", map[string]string{"username": "{{mobile}}"}, nil},
			{"douyinLogin", map[string]string{"username": "{{mobile}}"}, nil},
			{"douyinPublishAction", nil, nil},
			{"douyinPublishList", nil, map[string]string{"video_id": "video_list[0].id"}},
			{"douyinFeed", map[string]string{"latest_time": "0"}, nil},
			{"douyinUser", nil, nil},
			{"douyinFavoriteAction", nil, nil},
			{"douyinFavoriteList", nil, nil},
			{"douyinCommentAction", map[string]string{"comment_id": ""}, nil},
			{"douyinCommentList", nil, nil},
			{"douyinRelationAction", other, nil},
			{"douyinFollowList", nil, nil},
			{"douyinFollowerList", nil, nil},
			{"douyinFriendList", nil, nil},
			{"douyinMessageAction", other, nil},
			{"douyinMessageChat", other, nil},
			{"douyinPublishDelete", nil, nil},
		}},
		{"The end", []step{{"logout", nil, nil}}},
	}
}

// unplayed are operations that a collection cannot play: a stream does not end, and a subscription needs a browser and a server with keys.
func unplayed() []string { return []string{"events", "subscribe"} }

// samples are files for the operations that send one, from the repository's root.
func samples() map[string]string {
	return map[string]string{"publish": "test/testdata/tiny.mp4", "douyinPublishAction": "test/testdata/tiny.mp4", "": "docs/demo.jpg"}
}

// called is an operation with its place.
type called struct {
	method, path string
	op           object
}

// collection is a Postman collection that plays every operation of both surfaces.
func collection(doc object) (object, error) {
	ops := map[string]called{}
	for _, path := range doc.get("paths") {
		for _, op := range path.value.(object) {
			o := op.value.(object)
			if strings.HasPrefix(path.key, "/api/v1/") || strings.HasPrefix(path.key, "/douyin/") {
				ops[o.text("operationId")] = called{strings.ToUpper(op.key), path.key, o}
			}
		}
	}
	played := map[string]bool{}
	var folders []object
	for _, s := range sections() {
		var items []object
		for _, st := range s.steps {
			op, ok := ops[st.id]
			if !ok {
				return nil, fmt.Errorf("the collection plays %s, which the IDL does not have", st.id)
			}
			played[st.id] = true
			items = append(items, item(doc, op, st))
		}
		folders = append(folders, object{{"name", s.name}, {"item", items}})
	}
	for id := range ops {
		if !played[id] && !slices.Contains(unplayed(), id) {
			return nil, fmt.Errorf("the collection (collection.go) does not play %s", id)
		}
	}
	return object{
		{"info", object{
			{"name", "tiktok"},
			{"description", "Every operation, in an order that can be run as a whole: it makes two accounts and logs in first."},
			{"schema", "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
		}},
		{"auth", object{{"type", "bearer"}, {"bearer", []object{{{"key", "token"}, {"value", "{{token}}"}}}}}},
		{"event", []object{script("prerequest",
			"if (!pm.collectionVariables.get('name')) {",
			"  const id = Date.now().toString(36) + Math.floor(Math.random() * 1e6).toString(36)",
			"  for (const who of ['name', 'other', 'mobile']) pm.collectionVariables.set(who, who + id)",
			"}",
		)}},
		{"variable", []object{
			{{"key", "baseUrl"}, {"value", "http://localhost:10001"}},
			{{"key", "password"}, {"value", "a long walk by the sea"}},
		}},
		{"item", folders},
	}, nil
}

func script(listen string, lines ...string) object {
	return object{{"listen", listen}, {"script", object{{"type", "text/javascript"}, {"exec", lines}}}}
}

func item(doc object, op called, st step) object {
	headers := []object{}
	request := object{{"method", op.method}}
	if len(op.op.list("security")) == 0 {
		request.set("auth", object{{"type", "noauth"}})
	}
	value := func(name, example string) string {
		if v, ok := st.with[name]; ok {
			return v
		}
		if slices.Contains([]string{"user_id", "video_id", "comment_id", "session_id", "name", "password"}, name) {
			return "{{" + name + "}}"
		}
		return example
	}
	path, query := op.path, ""
	for _, p := range op.op.list("parameters") {
		v := value(p.text("name"), p.text("example"))
		if p.text("in") == "path" {
			path = strings.ReplaceAll(path, "{"+p.text("name")+"}", v)
		} else if v != "" {
			query += "&" + p.text("name") + "=" + v
		}
	}
	if body, kind := bodyOf(doc, op.op, st, value); body != nil {
		if kind != "" {
			headers = append(headers, object{{"key", "Content-Type"}, {"value", kind}})
		}
		request.set("body", body)
	}
	request.set("header", headers)
	request.set("url", "{{baseUrl}}"+path+strings.Replace(query, "&", "?", 1))
	if d := op.op.text("description"); d != "" {
		request.set("description", d)
	}
	return object{
		{"name", op.op.text("summary")},
		{"event", []object{script("test", checks(op, st)...)}},
		{"request", request},
	}
}

// checks are what a step expects of its answer, and keeps of it.
func checks(op called, st step) []string {
	status := op.op.get("responses")[0].key
	lines := []string{fmt.Sprintf("pm.test('%s', () => pm.response.to.have.status(%s))", status, status)}
	if strings.HasPrefix(op.path, "/douyin/") {
		lines = append(lines, "pm.test('success', () => pm.expect(pm.response.json().status_code).to.eql(0))")
	}
	names := make([]string, 0, len(st.keep))
	for name := range st.keep {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		lines = append(lines, fmt.Sprintf("pm.collectionVariables.set('%s', pm.response.json().%s)", name, st.keep[name]))
	}
	return lines
}

// bodyOf is the body of a request, and its Content-Type where Postman does not set it.
func bodyOf(doc, op object, st step, value func(name, example string) string) (body object, kind string) {
	content := op.get("requestBody").get("content")
	if content == nil {
		return nil, ""
	}
	media, schema := content[0].key, content[0].value.(object).get("schema")
	sample := cmp.Or(samples()[st.id], samples()[""])
	if strings.HasPrefix(media, "image/") {
		return object{{"mode", "file"}, {"file", object{{"src", sample}}}}, media
	}
	properties := doc.get("components").get("schemas").get(strings.TrimPrefix(schema.text("$ref"), "#/components/schemas/")).get("properties")
	switch media {
	case "application/json":
		return object{{"mode", "raw"}, {"raw", jsonBody(properties, value)}}, media
	case "multipart/form-data":
		return object{{"mode", "formdata"}, {"formdata", form(properties, sample, value)}}, ""
	}
	return object{{"mode", "urlencoded"}, {"urlencoded", form(properties, sample, value)}}, ""
}

// jsonBody is the text of a JSON object with a value for each property.
func jsonBody(properties object, value func(name, example string) string) string {
	var fields object
	var numbers []string // variables that stand for a number
	for _, p := range properties {
		schema := p.value.(object)
		v := value(p.key, exampleOf(schema))
		switch kind := schema.text("type"); {
		case kind == "boolean" || kind == "integer" && v == "": // absent is the default
		case kind == "string":
			fields.set(p.key, v)
		case strings.HasPrefix(v, "{{"):
			fields.set(p.key, v)
			numbers = append(numbers, v)
		default:
			fields.set(p.key, json.RawMessage(v))
			numbers = append(numbers, "{{video_id}}") // in a list
		}
	}
	b, _ := json.MarshalIndent(fields, "", "  ") // strings, and examples that are JSON
	body := string(b)
	for _, v := range numbers {
		body = strings.ReplaceAll(body, `"`+v+`"`, v)
	}
	return body
}

func form(properties object, sample string, value func(name, example string) string) (fields []object) {
	for _, p := range properties {
		schema := p.value.(object)
		if schema.text("format") == "binary" {
			fields = append(fields, object{{"key", p.key}, {"type", "file"}, {"src", sample}})
			continue
		}
		if v := value(p.key, exampleOf(schema)); v != "" {
			fields = append(fields, object{{"key", p.key}, {"type", "text"}, {"value", v}})
		}
	}
	return fields
}

// exampleOf is the first example of a schema, as text.
func exampleOf(schema object) string {
	for _, m := range schema {
		if examples, ok := m.value.([]any); ok && m.key == "examples" {
			return text(examples[0])
		}
	}
	return ""
}

func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.RawMessage:
		return string(v)
	case nil:
		return ""
	}
	return fmt.Sprint(v)
}
