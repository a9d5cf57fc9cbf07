package contract_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// Shapes are what an answer must look like, exactly: every key, no other key, the JSON type, never null.
type (
	object map[string]any // of key to object, listOf or leaf
	listOf struct{ item any }
	leaf   func(v any) error
)

// maxID is the first number that a float64, and so JavaScript and the official tests, may not hold exactly.
const maxID = 1 << 53

func whole(v any, least, below int64) error {
	n, ok := v.(json.Number)
	if !ok {
		return fmt.Errorf("is a %T, want a number", v)
	}
	i, err := strconv.ParseInt(n.String(), 10, 64)
	if err != nil {
		return fmt.Errorf("is %s, want a whole number", n)
	}
	if i < least || i >= below {
		return fmt.Errorf("is %d, want %d..%d", i, least, below-1)
	}
	return nil
}

func id(v any) error    { return whole(v, 1, maxID) }
func count(v any) error { return whole(v, 0, maxID) }
func zero(v any) error  { return whole(v, 0, 1) }

func text(v any) error {
	if _, ok := v.(string); !ok {
		return fmt.Errorf("is a %T, want a string", v)
	}
	return nil
}

func filled(v any) error {
	if s, ok := v.(string); !ok || s == "" {
		return fmt.Errorf("is %#v, want a string that is not empty", v)
	}
	return nil
}

func empty(v any) error {
	if s, ok := v.(string); !ok || s != "" {
		return fmt.Errorf("is %#v, want an empty string", v)
	}
	return nil
}

func boolean(v any) error {
	if _, ok := v.(bool); !ok {
		return fmt.Errorf("is a %T, want true or false", v)
	}
	return nil
}

func off(v any) error {
	if b, ok := v.(bool); !ok || b {
		return fmt.Errorf("is %v, want false", v)
	}
	return nil
}

// link is a URL that a phone can open: absolute.
func link(v any) error {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("is a %T, want a URL", v)
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" || u.Host == "" || len(u.Path) < 2 {
		return fmt.Errorf("is %q, want an absolute URL", s)
	}
	return nil
}

// optionalLink is one, or nothing yet.
func optionalLink(v any) error {
	if empty(v) == nil {
		return nil
	}
	return link(v)
}

func matching(pattern string) leaf {
	re := regexp.MustCompile(pattern)
	return func(v any) error {
		if s, ok := v.(string); !ok || !re.MatchString(s) {
			return fmt.Errorf("is %#v, want a string like %s", v, pattern)
		}
		return nil
	}
}

func userShape() object {
	return object{
		"id": leaf(id), "name": leaf(filled), "follow_count": leaf(count), "follower_count": leaf(count),
		"is_follow": leaf(boolean), "avatar": leaf(link), "background_image": leaf(link), "signature": leaf(filled),
		"total_favorited": leaf(count), "work_count": leaf(count), "favorite_count": leaf(count),
	}
}

// noUserShape is the user in an answer about nobody.
func noUserShape() object {
	return object{
		"id": leaf(zero), "name": leaf(empty), "follow_count": leaf(zero), "follower_count": leaf(zero),
		"is_follow": leaf(off), "avatar": leaf(empty), "background_image": leaf(empty), "signature": leaf(empty),
		"total_favorited": leaf(zero), "work_count": leaf(zero), "favorite_count": leaf(zero),
	}
}

func videoShape() object {
	return object{
		"id": leaf(id), "author": userShape(), "play_url": leaf(link), "cover_url": leaf(link),
		"favorite_count": leaf(count), "comment_count": leaf(count), "is_favorite": leaf(boolean), "title": leaf(filled),
		"hls_url": leaf(optionalLink), "preview_url": leaf(optionalLink),
	}
}

// ownVideoShape is a video in its author's own list.
func ownVideoShape() object {
	v := videoShape()
	v["state"], v["progress"] = matching("^(processing|ready|failed)$"), leaf(func(v any) error { return whole(v, 0, 101) })
	v["reason"] = leaf(text)
	return v
}

// nothing is an empty list.
func nothing(v any) error {
	if l, ok := v.([]any); !ok || len(l) > 0 {
		return fmt.Errorf("is %v, want an empty list", v)
	}
	return nil
}

func commentShape() object {
	return object{
		"id":          leaf(id),
		"user":        userShape(),
		"content":     leaf(filled),
		"create_date": matching(`^(0[1-9]|1[0-2])-([0-2][0-9]|3[01])$`),
	}
}

func friendShape() object {
	f := userShape()
	f["message"], f["msgType"] = leaf(text), leaf(func(v any) error { return whole(v, 0, 2) })
	return f
}

func messageShape() object {
	return object{
		"id": leaf(id), "to_user_id": leaf(id), "from_user_id": leaf(id), "content": leaf(filled),
		"create_time": matching(`^[1-9][0-9]{12}$`), // milliseconds
	}
}

// enveloped adds what every answer has.
func enveloped(o object) object {
	all := object{"status_code": leaf(count), "status_msg": leaf(filled)}
	maps.Copy(all, o)
	return all
}

// requireShape fails the test when got is not of that shape. A list must have something in it when filled is asked for,
// or nothing about its items was checked.
func requireShape(t testing.TB, want object, got map[string]any, some bool) {
	t.Helper()
	for _, problem := range compare("answer", want, got, some) {
		t.Error(problem)
	}
	if t.Failed() {
		raw, err := json.MarshalIndent(got, "", "  ")
		if err == nil {
			t.Logf("%s", raw)
		}
		t.FailNow()
	}
}

func compare(at string, want, got any, some bool) (problems []string) {
	bad := func(format string, args ...any) { problems = append(problems, at+": "+fmt.Sprintf(format, args...)) }
	switch want := want.(type) {
	case leaf:
		if err := want(got); err != nil {
			bad("%v", err)
		}
	case object:
		o, ok := got.(map[string]any)
		if !ok {
			bad("is a %T, want an object", got)
			return problems
		}
		for _, key := range slices.Sorted(maps.Keys(want)) {
			v, ok := o[key]
			if !ok {
				bad("no key %q", key)
				continue
			}
			problems = append(problems, compare(at+"."+key, want[key], v, some)...)
		}
		for key := range o {
			if _, ok := want[key]; !ok {
				bad("unknown key %q", key)
			}
		}
	case listOf:
		l, ok := got.([]any)
		if !ok {
			bad("is a %T, want a list", got)
			return problems
		}
		if some && len(l) == 0 {
			bad("is empty")
		}
		for i, v := range l {
			problems = append(problems, compare(fmt.Sprintf("%s[%d]", at, i), want.item, v, some)...)
		}
	default:
		bad("no shape %T", want)
	}
	return problems
}
