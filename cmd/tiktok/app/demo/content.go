// Package demo is the content that shows what the product does: accounts, videos, likes, comments, follows and a chat. The
// all-in-one starts with it; the command demo gives it to any deployment.
package demo

import "embed"

// clips are this project's own: make-clips.sh draws them.
//
//go:embed clips
var clips embed.FS

// Password is that of all accounts in the all-in-one; it is printed at start.
const Password = "tiktok-demo"

// Video is one of the videos. Its file is clips/CLIP.mp4, its cover clips/CLIP.jpg.
type Video struct{ Author, Clip, Title string }

// videos are in the order in which they are published.
func videos() []Video {
	return []Video{
		{"alice", "tide", "The sun goes, the sea keeps the light"},
		{"carol", "moss", "A garden that plays Life"},
		{"bob", "ripples", "Two drops of gold"},
		{"dave", "vortex", "Don't look away"},
		{"erin", "silk", "Silk in slow motion"},
		{"bob", "fireflies", "Summer night, out of focus 夏夜萤火"},
		{"carol", "hills", "Morning train"},
		{"alice", "aurora", "Northern lights over the ridge 北极光"},
	}
}

// Users are the names of the accounts.
func Users() []string { return []string{"alice", "bob", "carol", "dave", "erin"} }

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
	}
}

// likes tells whether the user likes the video, both by their index, so that the counts differ.
func likes(user, video int) bool { return (user*3+video)%4 != 0 }

// comments are users and what they say. A video has one to three of them.
func comments() [][2]string {
	return [][2]string{
		{"bob", "I could watch this all day"},
		{"carol", "How did you make this?"},
		{"dave", "so calm 🌊"},
		{"erin", "再来一个！"},
	}
}

// messages is what alice and bob write to each other.
func messages() [][2]string {
	return [][2]string{
		{"alice", "hi Bob, did you see the new clip?"},
		{"bob", "yes! the colours are great"},
		{"alice", "more tomorrow :)"},
	}
}
