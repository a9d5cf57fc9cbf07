package mention_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/api/biz/mention"
)

// known are the accounts of the tests.
func known() map[string]int64 {
	return map[string]int64{
		"ann": 1, "bob": 2, "bob.": 3, "Ann Li": 4, "ann li": 5, "小明": 6, "小明同学": 7, "张三 🎬": 8, "o'brien": 9, "José": 10, "алиса": 11,
		"민수": 12, "user_01": 13, "สมชาย": 14, "b": 15, "qq": 16, "❤️": 17, "さくら": 18, strings.Repeat("x", 32): 19, "a@b": 20,
	}
}

func TestUsers(t *testing.T) {
	for text, want := range map[string][]int64{
		"":                                      nil,
		"nobody is here":                        nil,
		"@":                                     nil,
		"@ ann":                                 nil,
		"@@":                                    nil,
		"@ann":                                  {1},
		"@Ann":                                  nil, // names are compared byte for byte
		"hello @ann":                            {1},
		"hello @ann!":                           {1},
		"hello (@ann)":                          {1},
		"hello,@ann,@bob;@小明。":                  {1, 2, 6},
		"@ann, look":                            {1},
		"@ann: look":                            {1},
		"@ann's video":                          {1},
		"@ann\nlook":                            {1},
		"@ann\tlook":                            {1},
		"@ann…":                                 {1},
		"@ann？":                                 {1},
		"@ann @bob":                             {1, 2},
		"@ann@bob":                              {1},    // the second one is as that of an address
		"@@ann":                                 {1},    //
		"@anna":                                 nil,    // a longer word is another name
		"@ann_":                                 nil,    //
		"@ann1":                                 nil,    //
		"@annä":                                 nil,    //
		"@ann\u0308":                            nil,    // an accent belongs to its letter
		"@annсмотри":                            nil,    // also of another script
		"@bob.":                                 {3},    // the longest that exists
		"@bob..":                                {3},    //
		"@bob.smith":                            {3},    //
		"@bob, and @bob again":                  {2},    // once
		"@ann li":                               {5},    // a name with a space
		"@ann lives":                            {1},    //
		"@ann  li":                              {1},    // of two spaces one is not the name's
		"@Ann Li wrote":                         {4},    //
		"@小明你好":                                 {6},    // without a space
		"@小明同学你好":                               {7},    // the longest that exists
		"@小明hello":                              {6},    //
		"你好@小明":                                 {6},    //
		"@ann你好":                                {1},    // another script that is written without spaces
		"@张三 🎬 come":                            {8},    //
		"@o'brien":                              {9},    //
		"@José":                                 {10},   //
		"@Jose\u0301":                           nil,    // written in another way, it is another name
		"@алиса, привет":                        {11},   //
		"@민수가 왔다":                               {12},   //
		"@user_01":                              {13},   //
		"@user_0":                               nil,    //
		"@สมชายสวัสดี":                          {14},   //
		"@さくらちゃん":                               {18},   //
		"@❤️!":                                  {17},   //
		"mail a@b.c":                            nil,    // an address
		"mail 12345@qq.com":                     nil,    //
		"mail a.b-@b.c":                         nil,    //
		"mail ann+x@b":                          nil,    //
		"mail é@b":                              nil,    //
		"see http://localhost/@ann":             nil,    // a link
		"@b.c":                                  {15},   // no address
		"well...@ann":                           {1},    //
		"@" + strings.Repeat("x", 32):           {19},   //
		"@" + strings.Repeat("x", 33):           nil,    //
		"@" + strings.Repeat("x", 32) + " more": {19},   //
		"@a@b":                                  nil,    // an @ in a name cannot be told from the next mention
		"@ann\x00@bob":                          {1, 2}, //
		"\xff@ann\xff":                          {1},    //
		"@nobody @ann @no-one @bob":             {1, 2}, //
	} {
		parsed := mention.Parse(text)
		if got := parsed.Users(known(), 0); !slices.Equal(got, want) {
			t.Errorf("%q mentions %v, want %v, of %q", text, got, want, parsed)
		}
	}
}

func TestAuthorIsNotMentioned(t *testing.T) {
	if got := mention.Parse("@ann @bob, I").Users(known(), 1); !slices.Equal(got, []int64{2}) {
		t.Errorf("mentioned %v", got)
	}
	if got := mention.Parse("@bob.").Users(known(), 3); got != nil { // it is the author who is meant, not whose name is shorter
		t.Errorf("mentioned %v", got)
	}
}

// What is looked up is bounded, whatever the text is.
func TestNames(t *testing.T) {
	if diff := cmp.Diff([]string{"ann li is", "ann li", "ann", "bob"}, mention.Parse("@ann li is, @bob").Names()[1:]); diff != "" {
		t.Error(diff)
	}
	ids := map[string]int64{}
	var text strings.Builder
	for i := range 50 {
		name := fmt.Sprint("user", i)
		ids[name] = int64(i + 1)
		fmt.Fprintf(&text, "@%s%s ", name, strings.Repeat("长", 30))
	}
	parsed := mention.Parse(text.String())
	if n := len(parsed.Names()); n > mention.Max*32 || n < mention.Max {
		t.Errorf("%d names", n)
	}
	if got := parsed.Users(ids, 0); len(got) != mention.Max || got[0] != 1 || got[9] != 10 {
		t.Errorf("mentioned %v", got)
	}
	if n := len(mention.Parse(strings.Repeat("@ann ", 100)+"@bob").Users(known(), 0)); n != 2 { // again is no other mention
		t.Errorf("%d users", n)
	}
	for _, name := range mention.Parse("@a b  c @" + strings.Repeat("很 ", 40)).Names() {
		if strings.TrimSpace(name) != name || len([]rune(name)) > 32 {
			t.Errorf("%q is no name", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("hi @ann, @小明你好 a@b.c @@ @\xff")
	f.Fuzz(func(t *testing.T, text string) {
		for _, names := range mention.Parse(text) {
			for i, name := range names {
				if name == "" || !strings.Contains(text, "@"+name) || i > 0 && !strings.HasPrefix(names[i-1], name) {
					t.Errorf("%q in %q", names, text)
				}
			}
		}
	})
}
