package text_test

import (
	"errors"
	"strings"
	"testing"

	"tiktok/pkg/errno"
	"tiktok/pkg/text"
)

func TestClean(t *testing.T) {
	lines, line := text.Rule{What: "comment", Max: 5, Lines: true}, text.Rule{What: "title", Max: 5}
	for name, c := range map[string]struct {
		rule     text.Rule
		in, want string
		ok       bool
	}{
		"plain":                {line, "hello", "hello", true},
		"counts characters":    {line, "五个汉字吗", "五个汉字吗", true},
		"emoji":                {line, "👋", "👋", true},
		"inner space":          {line, " a b ", " a b ", true},
		"line breaks":          {lines, "a\r\nb\tc", "a\nb\tc", true},
		"no line breaks":       {line, "a\nb", "", false},
		"too long":             {line, "sixsix", "", false},
		"empty":                {line, "", "", false},
		"blank":                {lines, " \t\n ", "", false},
		"ideographic space":    {line, "\u3000", "", false},
		"zero width":           {line, "\u200b\u200b", "", false},
		"NUL":                  {lines, "a\x00b", "", false},
		"escape":               {lines, "\x1b[2J", "", false},
		"C1 control":           {lines, "a\u0085", "", false},
		"invalid UTF-8":        {lines, "a\xff", "", false},
		"long and not UTF-8":   {lines, strings.Repeat("\xff", 20000), "", false},
		"twenty kB":            {line, strings.Repeat("x", 20000), "", false},
		"carriage return only": {lines, "a\rb", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.rule.Clean(c.in)
			if (err == nil) != c.ok || got != c.want {
				t.Fatalf("got %q, %v", got, err)
			}
			if err != nil && (!errors.Is(err, errno.InvalidArgument) || !strings.Contains(errno.From(err).Msg, c.rule.What)) {
				t.Fatalf("error %v", err)
			}
		})
	}
}
