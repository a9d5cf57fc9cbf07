package dataset

import (
	"math/rand/v2"
	"strings"
)

// Words of titles, the most common ones first. What is searched for is made of them, too.
const (
	latin = "light night water slow morning city green music sky summer street garden train winter ocean coffee dancing rain mountain loop " +
		"river bridge window market kitchen island desert forest thunder lantern paper glass silver copper velvet marble cotton amber " +
		"ivory crimson harbour valley meadow canyon glacier lagoon volcano orchard vineyard lighthouse railway tunnel station airport stadium " +
		"library museum theatre gallery workshop bakery pottery origami calligraphy juggling skating surfing climbing cycling kayaking " +
		"archery fencing drumming whistling knitting weaving carving painting sketching folding baking brewing roasting grilling steaming"
	han = "夜晚 日落 城市 音乐 早餐 旅行 猫咪 跳舞 下雨 海边 山顶 火车 春天 雪景 街头 灯笼 咖啡 厨房 手工 陶艺 书法 滑板 冲浪 骑行 露营 钓鱼 " +
		"萤火 极光 瀑布 沙漠 森林 草原 古镇 夜市 烟花 彩虹 云海 星空 麦田 花园"
	tagged = "sea sunset slow loop city music green travel 夜晚 音乐 旅行 美食 dance cat rain sky food diy 手工 sport 运动 art 海边 snow train " +
		"猫咪 coffee street garden winter 日落 城市 skate surf camp hike bike craft 书法 陶艺"
	syllables = "ba be bo da de do fa fi fo ga go ha hi ho ka ke ko la le li lo lu ma me mi mo mu na ne ni no pa pe pi po ra re ri ro ru " +
		"sa se si so su ta te ti to tu va ve vi vo wa we wo ya yo za ze zo"
)

const (
	// wordPower is the power law by which words come: a few are in many titles, most in few.
	wordPower = 0.9
	// nameSyllables make a name that few videos share: some 200,000 there are.
	nameSyllables = 3
)

// titles are what videos are called: some words, a name, and tags; a third of them in Chinese, too.
type titles struct {
	words, han, tags, syllables []string
	word, hanWord, tag          sampler
}

func newTitles() titles {
	t := titles{
		words: strings.Fields(latin), han: strings.Fields(han), tags: strings.Fields(tagged), syllables: strings.Fields(syllables),
	}
	t.word, t.hanWord, t.tag = newSampler(len(t.words), wordPower), newSampler(len(t.han), wordPower), newSampler(len(t.tags), wordPower)
	return t
}

// title is that of a video by its index; it has no more than 50 characters.
func (t titles) title(i int) string {
	r := rand.New(rand.NewPCG(seed<<8|useTitles, uint64(i)))
	parts := []string{t.words[t.word.draw(r)], t.name(r)}
	if r.IntN(3) == 0 {
		parts = append(parts, t.han[t.hanWord.draw(r)]+t.han[t.hanWord.draw(r)])
	} else {
		parts = append(parts, t.words[t.word.draw(r)])
	}
	for range r.IntN(3) {
		parts = append(parts, "#"+t.tags[t.tag.draw(r)])
	}
	return strings.Join(parts, " ")
}

// name is a word of a few syllables.
func (t titles) name(r *rand.Rand) string {
	var name strings.Builder
	for range nameSyllables {
		name.WriteString(t.syllables[r.IntN(len(t.syllables))])
	}
	return name.String()
}

// Titles are what the first n videos are called.
func Titles(n int) []string {
	t, all := newTitles(), make([]string, n)
	for i := range all {
		all[i] = t.title(i)
	}
	return all
}

// Searches are texts that people search for, of one kind each: the n-th of them, around again.
type Searches struct {
	// Words are one common word, two of them; Names are words of few titles, Typos the same with a letter wrong; Han are Chinese words, and
	// single characters; Tags are tags without #; Begun are the beginnings of words, as somebody types them.
	Words, Pairs, Names, Typos, Han, Characters, Tags, Begun []string
}

// SearchesOf makes searches for what videos are called.
func SearchesOf(called []string) (s Searches) {
	t := newTitles()
	s.Words, s.Han, s.Tags = t.words, t.han, t.tags
	for i, w := range t.words {
		s.Pairs = append(s.Pairs, w+" "+t.words[(i*7+1)%len(t.words)])
		s.Begun = append(s.Begun, w[:min(2+i%3, len(w))])
	}
	for _, w := range t.han {
		s.Characters = append(s.Characters, string([]rune(w)[:1]))
	}
	for _, title := range called {
		if words := strings.Fields(title); len(words) > 1 && len(words[1]) == 2*nameSyllables {
			s.Names = append(s.Names, words[1])
			s.Typos = append(s.Typos, words[1][:3]+"x"+words[1][4:])
		}
	}
	return s
}
