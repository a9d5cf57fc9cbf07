// Package demo is the content that shows what the product does: accounts, videos, likes, comments, follows and chats. The
// all-in-one starts with it; the command demo gives it to any deployment.
package demo

import "embed"

// clips are this project's own: make-clips.sh and the program in draw make them.
//
//go:embed clips
var clips embed.FS

// Password is that of all accounts in the all-in-one; it is printed at start.
const Password = "tiktok-demo"

// Author is one of the accounts.
type Author struct{ Name, DisplayName, Signature string }

// Authors are the accounts.
func Authors() []Author {
	return []Author{
		{"alice", "Alice 爱丽丝", "Sea, sky and slow light. 海与天之间"},
		{"bob", "Bob Ripple", "Small things, seen from close up"},
		{"carol", "Carol 卡罗", "我拍会自己生长的东西"},
		{"dave", "Dave Spins", "If it turns, I film it"},
		{"erin", "Erin 艾琳", "灯火、丝绸，和一点点音乐 ✨"},
	}
}

// Users are the names of the accounts.
func Users() []string {
	var names []string
	for _, a := range Authors() {
		names = append(names, a.Name)
	}
	return names
}

// Video is one of the videos. Its file is clips/CLIP.mp4, its cover clips/CLIP.jpg.
type Video struct{ Author, Clip, Title string }

// videos are in the order in which they are published.
func videos() []Video {
	return []Video{
		{"carol", "moss", "A garden that plays Life #generative #green"},
		{"dave", "vortex", "Don't look away #hypnotic"},
		{"bob", "ripples", "Two drops of gold #water #slow"},
		{"erin", "silk", "Silk in slow motion #丝绸 #slow"},
		{"bob", "fireflies", "Summer night, out of focus 夏夜萤火 #夜晚"},
		{"dave", "fifth", "This is what a perfect fifth looks like 五度音程的样子 #music #音乐"},
		{"carol", "hills", "Morning train #mist #travel"},
		{"alice", "tide", "The sun goes, the sea keeps the light #sea #sunset"},
		{"dave", "cradle", "Click, clack. Physics, but pretty #物理 #loop"},
		{"alice", "aurora", "Northern lights over the ridge 北极光 #sky #夜晚"},
		{"alice", "skyline", "The city puts its lights on #city #sunset"},
		{"erin", "lanterns", "一盏灯，一个愿望 One lantern, one wish #元宵 #夜晚"},
	}
}

// follows are pairs of a follower and whom they follow.
func follows() [][2]string {
	return [][2]string{
		{"alice", "bob"},
		{"bob", "alice"},
		{"alice", "carol"},
		{"carol", "alice"},
		{"dave", "alice"},
		{"bob", "carol"},
		{"erin", "bob"},
		{"dave", "erin"},
		{"erin", "dave"},
		{"alice", "erin"},
		{"erin", "alice"},
	}
}

// likes tells whether the user likes the video, both by their index, so that the counts differ.
func likes(user, video int) bool { return (user*3+video)%4 != 0 }

// watches tells whether the user has watched the video, both by their index: few, so that most are new in what is chosen for them.
func watches(user, video int) bool { return (2*user+video)%5 == 0 }

// line is what somebody says.
type line struct{ Author, Text string }

// comments are what people say about videos. A video has some that follow each other, never of its author.
func comments() []line {
	return []line{
		{"bob", "I could watch this all day"},
		{"carol", "How did you make this?"},
		{"erin", "再来一个！"},
		{"dave", "so calm 🌊"},
		{"alice", "The sound makes it"},
		{"carol", "好美，循环看了十遍"},
		{"erin", "wallpaper, please 🙏"},
		{"bob", "Wait for the second half…"},
		{"alice", "看完心情都变好了"},
		{"dave", "10/10 would loop again"},
	}
}

// chats are what two people have written to each other, in order.
func chats() [][]line {
	return [][]line{
		{
			{"erin", "你的北极光太好看了！"},
			{"alice", "谢谢！灯笼那条也很美"},
			{"erin", "周末一起去拍日落吗？"},
		},
		{
			{"carol", "The moss is growing over frame 3 again 🌱"},
			{"alice", "Let it. It knows what it does."},
		},
		{
			{"alice", "hi Bob, did you see the new clip?"},
			{"bob", "yes! the colours are great"},
			{"alice", "more tomorrow :)"},
			{"bob", "can't wait. Coffee before?"},
			{"bob", "I bring the snow globe"},
		},
	}
}
