package boards

import "fmt"

func user() Board {
	return service("user", "Accounts and logins.", Row{"Accounts", []Panel{
		graph("Registered, logged in", "ops", "", q("registered", `sum(rate(tiktok_rpc_requests_total{%s,service="user",method="Register",code="0"}[$__rate_interval]))`, tiktok),
			calm("nobody logs in again", q("logged in", `sum(rate(tiktok_rpc_requests_total{%s,service="user",method="Login",code="0"}[$__rate_interval]))`, tiktok)),
			calm("nobody mistypes a password", q("refused", `sum(rate(tiktok_rpc_requests_total{%s,service="user",method="Login",code!="0"}[$__rate_interval]))`, tiktok))),
		graph("Time of a password", "s", "A hash is meant to be slow; more logins than auth.hash_parallel wait.",
			q("p50 {{method}}", "%s", quantile("0.5", "tiktok_rpc_duration_seconds", `service="user",method=~"Register|Login"`, "method")),
			q("p99 {{method}}", "%s", quantile("0.99", "tiktok_rpc_duration_seconds", `service="user",method=~"Register|Login"`, "method"))),
	}}, cached("user"))
}

func video() Board { return service("video", "Videos, feeds and uploads.", cached("video")) }

func interaction() Board {
	return service("interaction", "Likes and comments; see also the queue.", Row{"Writer", []Panel{
		graph("Events", "ops", "", q("{{result}}", "%s", rate("tiktok_queue_published_total", `queue!=""`, "result")), q("stored", "sum(rate(tiktok_queue_applied_total{%s}[$__rate_interval]))", tiktok)),
		graph("Age of the oldest event", "s", "How far the writer is behind.", q("{{queue}}", "max by (queue) (tiktok_queue_oldest_seconds{%s})", tiktok)),
		graph("Clock", "s", "How far the database's clock is ahead.", q("{{instance}}", `tiktok_clock_offset_seconds{%s}`, tiktok)),
	}}, cached("interaction"))
}

func social() Board { return service("social", "Follows and friends.", cached("social")) }

func chat() Board {
	return service("chat", "Messages between two users.", Row{"Messages", []Panel{
		graph("Sent", "ops", "", q("stored", "sum(rate(tiktok_chat_messages_total{%s}[$__rate_interval]))", tiktok)),
		graph("Conversations read", "ops", "Most polls find nothing new.", q("{{result}}", "%s", rate("tiktok_chat_polls_total", `result!=""`, "result"))),
		graph("Refused", "ops", "Too long, to nobody, a refused word.",
			calm("every message is taken", q("{{code}}", "%s", rate("tiktok_rpc_requests_total", `service="chat",method="SendMessage",code!="0"`, "code")))),
	}})
}

func queue() Board {
	by := func(metric string) string { return rate(metric, `queue!=""`, "queue") }
	return Board{UID: "tiktok-queue", Title: "tiktok: queue", Help: "From the tap on a heart to the row in the database.", Rows: []Row{
		{"Now", []Panel{
			stat("Dead letters", "none", "Accepted writes that were given up: each one is a promise that was not kept.", 1, 1, fmt.Sprintf("max(tiktok_queue_dead_letters{%s})", tiktok)),
			stat("Behind", "s", "Age of the oldest event in the writer's hand.", 5, 30, fmt.Sprintf("max(tiktok_queue_oldest_seconds{%s})", tiktok)),
			stat("In RabbitMQ", "none", "Parcels that no writer has taken.", 10000, 100000, fmt.Sprintf("max(tiktok_queue_depth{%s})", tiktok)),
			stat("In the processes", "none", "Events that wait for a batch or a confirm.", 0, 0, fmt.Sprintf("sum(tiktok_queue_waiting{%s})", tiktok)),
		}},
		{"Flow", []Panel{
			graph("Published", "ops", "applied: stored when answered. accepted: safe in RabbitMQ. failed: refused.", q("{{queue}} {{result}}", "%s", rate("tiktok_queue_published_total", `queue!=""`, "queue, result"))),
			graph("Stored", "ops", "", q("{{queue}}", "%s", by("tiktok_queue_applied_total"))),
			graph("Events in a batch", "short", "One transaction each.", q("{{queue}} p50", "%s", quantile("0.5", "tiktok_queue_batch_size", `queue!=""`, "queue")),
				q("{{queue}} p99", "%s", quantile("0.99", "tiktok_queue_batch_size", `queue!=""`, "queue"))),
			graph("Age of the oldest", "s", "", q("{{queue}}", "max by (queue) (tiktok_queue_oldest_seconds{%s})", tiktok)),
			graph("Depth", "short", "", q("{{queue}}", "max by (queue) (tiktok_queue_depth{%s})", tiktok)),
			graph("Waiting in the processes", "short", "", q("{{instance}} {{queue}}", "tiktok_queue_waiting{%s}", tiktok)),
		}},
		{"Trouble", []Panel{
			graph("Written to the database directly", "ops", "RabbitMQ does not take writes: why.",
				calm("RabbitMQ takes every write", q("{{queue}} {{reason}}", "%s", rate("tiktok_queue_degraded_total", `queue!=""`, "queue, reason")))),
			graph("Handed out again", "ops", "A writer or its connection died.", q("{{queue}}", "%s", by("tiktok_queue_redelivered_total"))),
			graph("Failures", "ops", "", q("{{queue}} writer failed", "%s", by("tiktok_queue_apply_errors_total")), q("{{queue}} given up", "%s", by("tiktok_queue_dead_total"))),
		}},
	}}
}

func mediaJobs() Board {
	const noTools = "no video needs work, or ffmpeg is not there"
	return Board{UID: "tiktok-media", Title: "tiktok: media", Help: "Uploads and what is made of them.", Rows: []Row{
		{"Jobs", []Panel{
			graph("Ended", "ops", "failed is tried again, given_up is not.", calm(noTools, q("{{kind}} {{result}}", "%s", rate("tiktok_media_jobs_total", `result!=""`, "kind, result")))),
			graph("Time of a job, p90", "s", "", calm(noTools, q("{{kind}}", "%s", quantile("0.9", "tiktok_media_jobs_seconds", `kind!=""`, "kind")))),
			graph("Under way", "short", "", calm(noTools, q("{{kind}}", "sum by (kind) (tiktok_media_jobs_running{%s})", tiktok))),
			graph("Videos that wait", "short", "Of all processes together.", calm(noTools, q("{{work}}", "max by (work) (tiktok_media_jobs_waiting{%s})", tiktok))),
			graph("Oldest that waits", "s", "Due, and taken up by nobody.", calm(noTools, q("{{work}}", "max by (work) (tiktok_media_jobs_oldest_seconds{%s})", tiktok))),
			graph("Given up for what is in the file", "ops", "", calm("no file is refused by a worker", q("{{reason}}", "%s", rate("tiktok_media_jobs_refused_total", `reason!=""`, "reason")))),
		}},
		{"Files", []Panel{
			graph("Uploads", "ops", "By status_code.", q("{{code}}", "%s", rate("tiktok_http_requests_total", `route="/douyin/publish/action"`, "code"))),
			graph("Time of an upload", "s", "Transfer, probe and cover.", q("p50", "%s", quantile("0.5", "tiktok_http_duration_seconds", `route="/douyin/publish/action"`, "")),
				q("p99", "%s", quantile("0.99", "tiktok_http_duration_seconds", `route="/douyin/publish/action"`, ""))),
			graph("Files served", "reqps", "By HTTP status.", q("{{code}}", "%s", rate("tiktok_http_requests_total", `route=~"/media/.*"`, "code"))),
			graph("Disk left", "bytes", "", q("{{instance}} {{path}}", "tiktok_disk_avail_bytes{%s}", tiktok)),
			graph("No room for uploads", "short", "1: they are refused, the rest of the disk is the reserve.", q("{{instance}}", "tiktok_media_space_low{%s}", tiktok)),
		}},
	}}
}

func runtime() Board {
	each := "{{process}} {{instance}}"
	return Board{UID: "tiktok-go", Title: "tiktok: Go runtime", Help: "Processor, memory and garbage of every process.", Rows: []Row{
		{"What runs", []Panel{{Kind: Table, Title: "Programs", Queries: []Query{q("", "tiktok_build_info{%s}", tiktok)}}}},
		{"Processor and memory", []Panel{
			graph("Processor", "percentunit", "1 is one core.", q(each, "rate(process_cpu_seconds_total{%s}[$__rate_interval])", tiktok)),
			graph("Resident memory", "bytes", "", q(each, "process_resident_memory_bytes{%s}", tiktok)),
			graph("Heap in use", "bytes", "", q(each, "go_memstats_heap_inuse_bytes{%s}", tiktok)),
			graph("Allocated", "Bps", "", q(each, "rate(go_memstats_alloc_bytes_total{%s}[$__rate_interval])", tiktok)),
			graph("Garbage collections", "ops", "", q(each, "rate(go_gc_duration_seconds_count{%s}[$__rate_interval])", tiktok)),
			graph("Longest pause", "s", "Of the latest collections.", q(each, `go_gc_duration_seconds{%s,quantile="1"}`, tiktok)),
		}},
		{"Handles", []Panel{
			graph("Goroutines", "short", "", q(each, "go_goroutines{%s}", tiktok)),
			graph("Threads", "short", "", q(each, "go_threads{%s}", tiktok)),
			graph("File descriptors", "percentunit", "Of those that the process may open.", q(each, "process_open_fds{%s} / process_max_fds", tiktok)),
			graph("Age", "s", "Since the start.", q(each, "time() - process_start_time_seconds{%s}", tiktok)),
		}},
	}}
}
