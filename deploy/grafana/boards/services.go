package boards

import "fmt"

// extra is what the dashboard of a service has beside calls, SQL and process. A new service gets its caches.
func extra(name string) (help string, rows []Row) {
	switch name {
	case "user":
		return "Accounts and logins.", []Row{accounts(), cached(name)}
	case "video":
		return "Videos, feeds and uploads.", []Row{cached(name)}
	case "interaction":
		return "Likes and comments; see also the queue.", []Row{writer(), cached(name)}
	case "social":
		return "Follows and friends.", []Row{cached(name)}
	case "chat":
		return "Messages between two users.", []Row{messages()}
	case "notice":
		return "What people are told.", []Row{notices(), pushes(), cached(name)}
	case "discovery":
		return "Search, feeds, and what was watched.", []Row{found(), chosen(), watched(), cached(name)}
	}
	return "", []Row{cached(name)}
}

func accounts() Row {
	return Row{"Accounts", []Panel{
		graph("Registrations and logins", "ops", "",
			q("registered",
				`sum(rate(tiktok_rpc_requests_total{%s,service="user",method="Register",code="0"}[$__rate_interval]))`, tiktok),
			mayBeEmpty("nobody logs in again",
				q("logged in",
					`sum(rate(tiktok_rpc_requests_total{%s,service="user",method="Login",code="0"}[$__rate_interval]))`, tiktok)),
			mayBeEmpty("nobody mistypes a password",
				q("refused",
					`sum(rate(tiktok_rpc_requests_total{%s,service="user",method="Login",code!="0"}[$__rate_interval]))`, tiktok))),
		graph("Latency with a password", "s", "A hash is slow by design; more logins than auth.hash_parallel wait.",
			q("p50 {{method}}",
				"%s", quantile("0.5", "tiktok_rpc_duration_seconds", `service="user",method=~"Register|Login"`, "method")),
			q("p99 {{method}}",
				"%s", quantile("0.99", "tiktok_rpc_duration_seconds", `service="user",method=~"Register|Login"`, "method"))),
	}}
}

func writer() Row {
	return Row{"Writer", []Panel{
		graph("Messages", "ops", "", q("{{result}}", "%s", rate("tiktok_queue_published_total", `queue!=""`, "result")),
			q("stored", "sum(rate(tiktok_queue_applied_total{%s}[$__rate_interval]))", tiktok)),
		graph("Age of the oldest message", "s", "How far the writer is behind.",
			q("{{queue}}", "max by (queue) (tiktok_queue_oldest_seconds{%s})", tiktok)),
		graph("Clock offset", "s", "How far the database's clock is ahead.",
			q("{{instance}}", `tiktok_clock_offset_seconds{%s}`, tiktok)),
	}}
}

func pushes() Row {
	return Row{"Web Push", []Panel{
		graph("Sent", "ops", "gone: the subscription has ended; later: tried again; failed: given up.",
			mayBeEmpty("push.private_key is not set", q("{{result}}", "%s", rate("tiktok_webpush_sends_total", `result!=""`, "result")))),
		graph("Dropped", "ops", "",
			mayBeEmpty("nothing is dropped", q("{{reason}}", "%s", rate("tiktok_webpush_dropped_total", `reason!=""`, "reason")))),
		graph("Queued", "short", "Pushes that wait for their push service, or for another attempt.",
			q("{{instance}}", `tiktok_webpush_queued{%s}`, tiktok)),
	}}
}

func messages() Row {
	return Row{"Messages", []Panel{
		graph("Sent", "ops", "", q("stored", "sum(rate(tiktok_chat_messages_total{%s}[$__rate_interval]))", tiktok)),
		graph("Polls", "ops", "Most polls of a conversation find nothing new.",
			q("{{result}}", "%s", rate("tiktok_chat_polls_total", `result!=""`, "result"))),
		graph("Refused", "ops", "Too long, to nobody, a refused word.",
			mayBeEmpty("every message is taken",
				q("{{code}}", "%s", rate("tiktok_rpc_requests_total", `service="chat",method="SendMessage",code!="0"`, "code")))),
	}}
}

func notices() Row {
	return Row{"Notices", []Panel{
		graph("Changes", "ops", "added: somebody did something. other: taken back. old: a message that came again.",
			mayBeEmpty("nobody does anything", q("{{result}}", "%s", rate("tiktok_notice_changes_total", `result!=""`, "result")))),
		graph("Delay", "s", "From what happened to its notice.",
			q("p50", "%s", quantile("0.5", "tiktok_notice_delay_seconds", `le!=""`, "")),
			q("p99", "%s", quantile("0.99", "tiktok_notice_delay_seconds", `le!=""`, ""))),
		graph("Hints", "ops", "Lost hints cost time only: pages read by themselves.",
			mayBeEmpty("nobody is told anything", q("{{result}}", "%s", rate("tiktok_notice_hints_total", `result!=""`, "result")))),
	}}
}

func found() Row {
	const method = `service="discovery",method=~"Search|Suggest"`
	return Row{"Search", []Panel{
		stat("Indexes", "none", "1: this process can search. 0: its index is missing, or being built.", 0, 0,
			fmt.Sprintf("min(tiktok_discovery_index_present{%s})", tiktok)),
		stat("Index lag", "s", "Since when an index has lacked a change of the catalogue.", 5, 60,
			fmt.Sprintf("max(tiktok_discovery_index_lag_seconds{%s})", tiktok)),
		stat("Events lag", "s", "Age of the oldest event that is not in the catalogue.", 5, 60,
			fmt.Sprintf(`max(tiktok_outbox_lag_seconds{%s,consumer="discovery"})`, tiktok)),
		stat("Index building", "percentunit", "0: no index is built.", 0, 0,
			fmt.Sprintf("max(tiktok_discovery_index_build_progress{%s})", tiktok)),
		graph("Answers by code", "reqps", "10801: there is no index.",
			q("{{method}} {{code}}", "%s", rate("tiktok_rpc_requests_total", method, "method, code"))),
		graph("Latency of searches", "s", "",
			q("p50 {{method}}", "%s", quantile("0.5", "tiktok_rpc_duration_seconds", method, "method")),
			q("p99 {{method}}", "%s", quantile("0.99", "tiktok_rpc_duration_seconds", method, "method"))),
		graph("Searches by result", "ops", "none: nothing fits.",
			q("{{kind}} {{result}}", "%s", rate("tiktok_discovery_search_seconds_count", `kind!=""`, "kind, result"))),
		graph("Changes of the catalogue", "ops", "old: a message that came again, or late.",
			mayBeEmpty("nobody does anything", q("{{kind}}", "%s", rate("tiktok_discovery_changes_total", `kind!=""`, "kind")))),
		graph("Delay of the catalogue", "s", "From what happened until it is there.",
			q("p50", "%s", quantile("0.5", "tiktok_discovery_delay_seconds", `le!=""`, "")),
			q("p99", "%s", quantile("0.99", "tiktok_discovery_delay_seconds", `le!=""`, ""))),
		graph("Changes that the index lacks", "short", "", q("{{instance}}", "tiktok_discovery_index_lag_changes{%s}", tiktok)),
		graph("Documents", "short", "", q("{{instance}}", "tiktok_discovery_index_docs{%s}", tiktok)),
		graph("Size on disk", "bytes", "", q("{{instance}}", "tiktok_discovery_index_bytes{%s}", tiktok)),
		graph("Applied", "ops", "Documents added to, replaced in or removed from the index; failed steps are tried again.",
			q("{{instance}}", "rate(tiktok_discovery_index_applied_total{%s}[$__rate_interval])", tiktok),
			q("failed {{instance}}", "rate(tiktok_discovery_index_failures_total{%s}[$__rate_interval])", tiktok)),
		graph("Indexes built", "short", "lost: it was missing or damaged. ahead: the catalogue was restored.",
			mayBeEmpty("no index was built since the start", q("{{why}} {{result}}",
				"sum by (why, result) (increase(tiktok_discovery_index_rebuilds_total{%s}[$__rate_interval]))", tiktok))),
	}}
}

func chosen() Row {
	const method = `service="discovery",method="MRecommend"`
	return Row{"Feeds", []Panel{
		graph("Pages", "ops", "ranked: chosen anew. run, shelf: chosen before. newest: without the cache.",
			mayBeEmpty("nobody asks for a feed", q("{{feed}} {{from}}", "%s", rate("tiktok_discovery_feed_pages_total", `feed!=""`, "feed, from")))),
		graph("Latency of a choice", "s", "One call chooses for all requests that waited for it.",
			mayBeEmpty("nobody asks for a feed", q("p50", "%s", quantile("0.5", "tiktok_rpc_duration_seconds", method, ""))),
			mayBeEmpty("nobody asks for a feed", q("p99", "%s", quantile("0.99", "tiktok_rpc_duration_seconds", method, "")))),
		graph("Newest instead of chosen", "reqps", "Pages that the gateway served without discovery.",
			mayBeEmpty("discovery answers",
				q("{{missing}}", "%s", rate("tiktok_http_degraded_total", `missing=~"recommendations|views"`, "missing")))),
	}}
}

func watched() Row {
	return Row{"Watches", []Panel{
		graph("Applied", "ops", "view: a session that began to count. repeated: told again. skimmed: too short.",
			mayBeEmpty("nobody watches", q("{{result}}", "%s", rate("tiktok_discovery_watches_total", `result!=""`, "result")))),
		graph("Ignored", "ops", "Of own videos, or of missing ones.",
			mayBeEmpty("nobody watches own videos",
				q("{{reason}}", "%s", rate("tiktok_discovery_watches_ignored_total", `reason!=""`, "reason")))),
		graph("Delay", "s", "From accepted to applied.",
			mayBeEmpty("nobody watches", q("p50", "%s", quantile("0.5", "tiktok_discovery_watches_delay_seconds", `le!=""`, ""))),
			mayBeEmpty("nobody watches", q("p99", "%s", quantile("0.99", "tiktok_discovery_watches_delay_seconds", `le!=""`, "")))),
		graph("Queue", "short", "Batches in RabbitMQ, events in the processes.",
			mayBeEmpty("the all-in-one has no RabbitMQ", q("depth", `max(tiktok_queue_depth{%s,queue="watches"})`, tiktok)),
			mayBeEmpty("nobody watches", q("waiting", `sum(tiktok_queue_waiting{%s,queue="watches"})`, tiktok))),
	}}
}

func queue() Board {
	by := func(metric string) string { return rate(metric, `queue!=""`, "queue") }
	return Board{UID: "tiktok-queue", Title: "tiktok: queue", Help: "Likes and comments, from the request to the store.", Rows: []Row{
		{"Now", []Panel{
			stat("Dead letters", "none", "Acknowledged writes that could not be stored.", 1, 1,
				fmt.Sprintf("max(tiktok_queue_dead_letters{%s})", tiktok)),
			stat("Writer lag", "s", "Age of the oldest event that is not stored.", 5, 30,
				fmt.Sprintf("max(tiktok_queue_oldest_seconds{%s})", tiktok)),
			stat("In RabbitMQ", "none", "Messages that no writer has taken.", 10000, 100000,
				fmt.Sprintf("max(tiktok_queue_depth{%s})", tiktok)),
			stat("In the processes", "none", "Events that wait for a batch or a confirm.", 0, 0,
				fmt.Sprintf("sum(tiktok_queue_waiting{%s})", tiktok)),
		}},
		{"Flow", []Panel{
			graph("Published", "ops", "applied: stored before the answer. accepted: confirmed by RabbitMQ. failed: refused.",
				q("{{queue}} {{result}}", "%s", rate("tiktok_queue_published_total", `queue!=""`, "queue, result"))),
			graph("Stored", "ops", "", q("{{queue}}", "%s", by("tiktok_queue_applied_total"))),
			graph("Batch size", "short", "One transaction each.",
				q("{{queue}} p50", "%s", quantile("0.5", "tiktok_queue_batch_size", `queue!=""`, "queue")),
				q("{{queue}} p99", "%s", quantile("0.99", "tiktok_queue_batch_size", `queue!=""`, "queue"))),
			graph("Age of the oldest event", "s", "", q("{{queue}}", "max by (queue) (tiktok_queue_oldest_seconds{%s})", tiktok)),
			graph("Depth", "short", "", q("{{queue}}", "max by (queue) (tiktok_queue_depth{%s})", tiktok)),
			graph("Waiting in the processes", "short", "", q("{{instance}} {{queue}}", "tiktok_queue_waiting{%s}", tiktok)),
		}},
		{"Errors", []Panel{
			graph("Written to the database directly", "ops", "RabbitMQ does not accept writes, by reason.",
				mayBeEmpty("RabbitMQ takes every write",
					q("{{queue}} {{reason}}", "%s", rate("tiktok_queue_degraded_total", `queue!=""`, "queue, reason")))),
			graph("Redelivered", "ops", "A writer or its connection died.",
				q("{{queue}}", "%s", by("tiktok_queue_redelivered_total"))),
			graph("Failures", "ops", "",
				q("{{queue}} writer failed", "%s", by("tiktok_queue_apply_errors_total")),
				q("{{queue}} dead-lettered", "%s", by("tiktok_queue_dead_total"))),
		}},
	}}
}

func events() Board {
	const inProcess, healthy = "there is no broker in the all-in-one", "nothing fails"
	by := func(metric string) string { return rate(metric, `consumer!=""`, "consumer") }
	return Board{UID: "tiktok-events", Title: "tiktok: events", Help: "What happened, from the outboxes to the consumers.", Rows: []Row{
		{"Now", []Panel{
			stat("Dead letters", "none", "Messages that a consumer gave up.", 1, 1,
				fmt.Sprintf("max(tiktok_outbox_dead_letters{%s}) or vector(0)", tiktok)),
			stat("Oldest in an outbox", "s", "Age of what the bus does not have yet.", 10, 60,
				fmt.Sprintf("max(tiktok_outbox_oldest_seconds{%s})", tiktok)),
			stat("Consumers' lag", "s", "Age of the oldest message in a consumer's hand.", 10, 60,
				fmt.Sprintf("max(tiktok_outbox_lag_seconds{%s})", tiktok)),
		}},
		{"Outboxes", []Panel{
			graph("Handed over", "ops", "", q("{{outbox}}", "%s", rate("tiktok_outbox_published_total", `outbox!=""`, "outbox"))),
			graph("Waiting", "short", "100000 stands for more.", q("{{outbox}}", "max by (outbox) (tiktok_outbox_waiting{%s})", tiktok)),
			graph("Age of the oldest", "s", "", q("{{outbox}}", "max by (outbox) (tiktok_outbox_oldest_seconds{%s})", tiktok)),
			graph("Leader", "short", "1 while a process hands an outbox over; nobody does when there is nothing.",
				q("{{outbox}} {{instance}}", "tiktok_outbox_leader{%s}", tiktok)),
		}},
		{"Consumers", []Panel{
			graph("Applied", "ops", "", q("{{consumer}}", "%s", by("tiktok_outbox_applied_total"))),
			graph("Lag", "s", "", q("{{consumer}}", "max by (consumer) (tiktok_outbox_lag_seconds{%s})", tiktok)),
			graph("Depth", "short", "Batches of messages in RabbitMQ.",
				mayBeEmpty(inProcess, q("{{consumer}}", "max by (consumer) (tiktok_outbox_depth{%s})", tiktok))),
			graph("Failures", "ops", "",
				q("{{consumer}} failed", "%s", by("tiktok_outbox_apply_errors_total")),
				q("{{consumer}} gave up", "%s", by("tiktok_outbox_given_up_total")),
				q("{{consumer}} again", "%s", by("tiktok_outbox_redelivered_total"))),
			graph("Dead letters", "short", "outbox empty: in RabbitMQ.",
				mayBeEmpty(healthy, q("{{outbox}} {{consumer}}", "max by (outbox, consumer) (tiktok_outbox_dead_letters{%s})", tiktok))),
		}},
	}}
}

func mediaJobs() Board {
	const noTools = "no video needs work, or ffmpeg is not there"
	return Board{UID: "tiktok-media", Title: "tiktok: media", Help: "Uploads, and the jobs that process them.", Rows: []Row{
		{"Jobs", []Panel{
			graph("Finished", "ops", "failed is retried, given_up is not.",
				mayBeEmpty(noTools, q("{{kind}} {{result}}", "%s", rate("tiktok_media_jobs_total", `result!=""`, "kind, result")))),
			graph("Duration of a job, p90", "s", "",
				mayBeEmpty(noTools, q("{{kind}}", "%s", quantile("0.9", "tiktok_media_jobs_seconds", `kind!=""`, "kind")))),
			graph("Running", "short", "",
				mayBeEmpty(noTools, q("{{kind}}", "sum by (kind) (tiktok_media_jobs_running{%s})", tiktok))),
			graph("Waiting videos", "short", "Of all processes together.",
				mayBeEmpty(noTools, q("{{work}}", "max by (work) (tiktok_media_jobs_waiting{%s})", tiktok))),
			graph("Oldest waiting video", "s", "Due, and leased by no worker.",
				mayBeEmpty(noTools, q("{{work}}", "max by (work) (tiktok_media_jobs_oldest_seconds{%s})", tiktok))),
			graph("Rejected files", "ops", "",
				mayBeEmpty("no file is rejected by a worker",
					q("{{reason}}", "%s", rate("tiktok_media_jobs_refused_total", `reason!=""`, "reason")))),
		}},
		{"Files", []Panel{
			graph("Uploads", "ops", "By status_code.",
				q("{{code}}", "%s", rate("tiktok_http_requests_total", `route="/douyin/publish/action"`, "code"))),
			graph("Latency of an upload", "s", "Transfer, probe and cover.",
				q("p50", "%s", quantile("0.5", "tiktok_http_duration_seconds", `route="/douyin/publish/action"`, "")),
				q("p99", "%s", quantile("0.99", "tiktok_http_duration_seconds", `route="/douyin/publish/action"`, ""))),
			graph("Files served", "reqps", "By HTTP status.",
				q("{{code}}", "%s", rate("tiktok_http_requests_total", `route=~"/media/.*"`, "code"))),
			graph("Disk space left", "bytes", "", q("{{instance}} {{path}}", "tiktok_disk_avail_bytes{%s}", tiktok)),
			graph("Uploads refused for lack of disk space", "short", "1: only the reserve is left.",
				q("{{instance}}", "tiktok_media_space_low{%s}", tiktok)),
		}},
	}}
}

func runtime() Board {
	each := "{{process}} {{instance}}"
	return Board{UID: "tiktok-go", Title: "tiktok: Go runtime", Help: "CPU, memory and garbage collection of every process.", Rows: []Row{
		{"Versions", []Panel{{Kind: Table, Title: "Running versions", Queries: []Query{q("", "tiktok_build_info{%s}", tiktok)}}}},
		{"CPU and memory", []Panel{
			graph("CPU", "percentunit", "1 is one core.", q(each, "rate(process_cpu_seconds_total{%s}[$__rate_interval])", tiktok)),
			graph("Resident memory", "bytes", "", q(each, "process_resident_memory_bytes{%s}", tiktok)),
			graph("Heap in use", "bytes", "", q(each, "go_memstats_heap_inuse_bytes{%s}", tiktok)),
			graph("Allocated", "Bps", "", q(each, "rate(go_memstats_alloc_bytes_total{%s}[$__rate_interval])", tiktok)),
			graph("Garbage collections", "ops", "", q(each, "rate(go_gc_duration_seconds_count{%s}[$__rate_interval])", tiktok)),
			graph("Longest GC pause", "s", "Of the latest collections.",
				q(each, `go_gc_duration_seconds{%s,quantile="1"}`, tiktok)),
		}},
		{"Goroutines and files", []Panel{
			graph("Goroutines", "short", "", q(each, "go_goroutines{%s}", tiktok)),
			graph("Threads", "short", "", q(each, "go_threads{%s}", tiktok)),
			graph("File descriptors", "percentunit", "Share of the process's limit.",
				q(each, "process_open_fds{%s} / process_max_fds", tiktok)),
			graph("Uptime", "s", "", q(each, "time() - process_start_time_seconds{%s}", tiktok)),
		}},
	}}
}
