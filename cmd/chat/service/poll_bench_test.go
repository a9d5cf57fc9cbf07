package service_test

import (
	"testing"

	"tiktok/cmd/chat/dal/db"
	"tiktok/cmd/chat/rpc"
	"tiktok/cmd/chat/service"
	"tiktok/kitex_gen/chat"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/words"
)

// BenchmarkPoll asks for what is new in a conversation in which nothing is.
func BenchmarkPoll(b *testing.B) {
	cache, err := kv.Open(b.Context(), kv.Config{Driver: kv.DriverMemory})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cache.Close() })
	filter, err := words.Open(words.Config{Mode: "mask"})
	if err != nil {
		b.Fatal(err)
	}
	svc := service.New(service.Deps{
		Store: db.New(sqldbtest.SQLite(b, "chat", db.Migrations())), Cache: cache, IDs: id.New(0), Words: filter,
		Peers: rpc.Peers{Users: users(b)}, Tel: telemetry.Discard(),
	})
	sent, err := svc.SendMessage(b.Context(), &chat.SendMessageRequest{FromUserId: 1, ToUserId: 2, Content: "hello"})
	if err != nil {
		b.Fatal(err)
	}
	req := &chat.ListMessagesRequest{UserId: 2, PeerId: 1, AfterMs: sent.Message.CreatedAtMs, FromPeerOnly: true}
	b.ReportAllocs()
	for b.Loop() {
		resp, err := svc.ListMessages(b.Context(), req)
		if err != nil || len(resp.Messages) != 0 {
			b.Fatal(resp, err)
		}
	}
}
