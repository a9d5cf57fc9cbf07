package boards

import "fmt"

// All are the dashboards, the overview first: one for each service of the list, and those of what they share.
func All(services []string) []Board {
	all := []Board{overview(), gateway()}
	for _, name := range services {
		help, rows := extra(name)
		all = append(all, service(name, help, rows...))
	}
	return append(all, queue(), events(), mediaJobs(), runtime())
}

// Overview is the first page: whether the service level objectives are met, and where to look when they are not.
func Overview() Board { return overview() }

// tiktok selects the product's own processes.
const tiktok = `job="tiktok"`

// quick selects all requests but uploads, which take as long as the client's network.
const quick = `route!~"/|/healthz|/readyz|/metrics|unmatched|/douyin/publish/action"`

func graph(title, unit, help string, q ...Query) Panel {
	return Panel{Kind: Graph, Title: title, Unit: unit, Help: help, Queries: q}
}

func stat(title, unit, help string, warn, bad float64, expr string) Panel {
	return Panel{Kind: Stat, Title: title, Unit: unit, Help: help, Warn: warn, Bad: bad, Queries: []Query{{Expr: expr}}}
}

// q is a query with its legend.
func q(legend, format string, args ...any) Query {
	return Query{Expr: fmt.Sprintf(format, args...), Legend: legend}
}

// mayBeEmpty is a query that has no data in a healthy deployment, and why.
func mayBeEmpty(why string, of Query) Query {
	of.MayBeEmpty = why
	return of
}

// rate is the sum of a counter's rate by labels.
func rate(metric, selector, by string) string {
	return fmt.Sprintf("sum by (%s) (rate(%s{%s,%s}[$__rate_interval]))", by, metric, tiktok, selector)
}

// quantile is one of a histogram by labels; by may be empty.
func quantile(p, metric, selector, by string) string {
	if by != "" {
		by += ", "
	}
	return fmt.Sprintf("histogram_quantile(%s, sum by (%sle) (rate(%s_bucket{%s,%s}[$__rate_interval])))", p, by, metric, tiktok, selector)
}

func overview() Board {
	const help = "Service level objectives, and where to look when they are missed."
	return Board{UID: "tiktok-overview", Title: "tiktok: overview", Help: help, Rows: []Row{
		{"Objectives", []Panel{
			stat("Availability, 30 days", "percentunit", "Requests without an error of ours; the objective is 99.9 %.", 0.9995, 0.999,
				"1 - job:tiktok_http_errors:ratio_rate30d"),
			stat("Error budget left, 30 days", "percentunit", "Of the 0.1 % of requests that may fail.", 0.5, 0.1,
				"1 - job:tiktok_http_errors:ratio_rate30d / 0.001"),
			stat("Error burn rate, 1 hour", "none", "1 spends the budget in exactly 30 days; 14.4 pages.", 1, 14.4,
				"job:tiktok_http_errors:ratio_rate1h / 0.001"),
			stat("Feed within 200 ms, 30 days", "percentunit", "Pages of the feed; the objective is 99 %.", 0.995, 0.99,
				"1 - job:tiktok_feed_slow:ratio_rate30d"),
			stat("Alerts firing", "none", "Without the watchdog.", 1, 3,
				`count(ALERTS{alertstate="firing",alertname!="Watchdog"}) or vector(0)`),
			stat("Processes up", "none", "Replicas that answer Prometheus.", 0, 0, `sum(up{`+tiktok+`})`),
		}},
		{"Traffic", []Panel{
			graph("Requests by route", "reqps", "",
				q("{{route}}", "%s", "topk(10, "+rate("tiktok_http_requests_total", `route!~"/healthz|/readyz"`, "route")+")")),
			graph("Responses by status_code", "reqps", "0 is success; 10007 is a rate limit, 10001, 10008 and 10013 are errors of ours.",
				q("{{code}}", "%s", rate("tiktok_http_requests_total", `route!~"/healthz|/readyz"`, "code"))),
			graph("Latency, without uploads", "s", "Without the transfer of the response.",
				q("p50", "%s", quantile("0.5", "tiktok_http_duration_seconds", quick, "")),
				q("p95", "%s", quantile("0.95", "tiktok_http_duration_seconds", quick, "")),
				q("p99", "%s", quantile("0.99", "tiktok_http_duration_seconds", quick, ""))),
			graph("Active users", "short", "Distinct users in five minutes; who uses two gateways counts twice in the sum.",
				q("busiest gateway", "max(tiktok_active_users{%s})", tiktok),
				q("sum of the gateways", "sum(tiktok_active_users{%s})", tiktok)),
			graph("Feed latency", "s", "The objective is 99 % within 0.2 s.",
				q("p50", "%s", quantile("0.5", "tiktok_http_duration_seconds", `route="/douyin/feed"`, "")),
				q("p99", "%s", quantile("0.99", "tiktok_http_duration_seconds", `route="/douyin/feed"`, ""))),
			graph("User activity", "ops", "",
				q("likes and comments stored", `sum(rate(tiktok_queue_applied_total{%s}[$__rate_interval]))`, tiktok),
				q("messages sent", `sum(rate(tiktok_chat_messages_total{%s}[$__rate_interval]))`, tiktok),
				q("uploads",
					`sum(rate(tiktok_http_requests_total{%s,route="/douyin/publish/action",code="0"}[$__rate_interval]))`, tiktok)),
		}},
		{"Services", []Panel{
			graph("Calls by service", "reqps", "",
				q("{{service}}", "%s", rate("tiktok_rpc_requests_total", `service!=""`, "service"))),
			graph("Error rate by service", "percentunit", "Share of calls with code 10001, 10008 or 10013.",
				q("{{service}}", "service:tiktok_rpc_errors:ratio_rate5m")),
			graph("Slowest methods, p99", "s", "",
				q("{{service}}.{{method}}", "topk(8, service_method:tiktok_rpc_duration_seconds:p99_5m)")),
			graph("Queue", "short", "depth: messages in RabbitMQ; waiting: events in the processes.",
				q("depth {{queue}}", "max by (queue) (tiktok_queue_depth{%s})", tiktok),
				q("waiting {{queue}}", "sum by (queue) (tiktok_queue_waiting{%s})", tiktok),
				q("dead letters {{queue}}", "max by (queue) (tiktok_queue_dead_letters{%s})", tiktok)),
			graph("Cache hit ratio", "percentunit", "", q("{{kind}}", "kind:tiktok_cache_hits:ratio_rate5m")),
			graph("SQL latency, p99", "s", "", q("{{db}}", "%s", quantile("0.99", "tiktok_sql_duration_seconds", `db!=""`, "db"))),
			graph("CPU", "percentunit", "1 is one core.",
				q("{{process}} {{instance}}", "rate(process_cpu_seconds_total{%s}[$__rate_interval])", tiktok)),
			graph("Memory", "bytes", "Resident.", q("{{process}} {{instance}}", "process_resident_memory_bytes{%s}", tiktok)),
			graph("Disk space left", "percentunit", "",
				q("{{process}} {{instance}} {{path}}", "tiktok_disk_avail_bytes{%s} / tiktok_disk_size_bytes", tiktok)),
		}},
	}}
}

func gateway() Board {
	return Board{UID: "tiktok-api", Title: "tiktok: gateway (api)", Help: "What clients send and get.", Rows: []Row{
		{"Requests", []Panel{
			graph("By route", "reqps", "", q("{{route}}", "%s", rate("tiktok_http_requests_total", `route!=""`, "route"))),
			graph("By code", "reqps", "", q("{{code}}", "%s", rate("tiktok_http_requests_total", `route!=""`, "code"))),
			graph("In flight", "short", "", q("{{instance}}", "tiktok_http_requests_in_flight{%s}", tiktok)),
			graph("Latency, p50", "s", "",
				q("{{route}}", "%s", quantile("0.5", "tiktok_http_duration_seconds", `route=~"/douyin/.*|/media/.*"`, "route"))),
			graph("Latency, p99", "s", "",
				q("{{route}}", "%s", quantile("0.99", "tiktok_http_duration_seconds", `route=~"/douyin/.*|/media/.*"`, "route"))),
			graph("Active users", "short", "Distinct users in five minutes.", q("{{instance}}", "tiktok_active_users{%s}", tiktok)),
		}},
		{"Connections and request bodies", []Panel{
			graph("Connections", "short", "",
				q("{{instance}}", "tiktok_http_connections{%s}", tiktok),
				q("limit {{instance}}", "tiktok_http_connections_max{%s}", tiktok)),
			graph("Evicted and refused connections", "cps", "By bound: all connections, those of one address, file descriptors.",
				q("evicted, {{reason}}", "%s", rate("tiktok_http_connections_evicted_total", `reason!=""`, "reason")),
				q("refused, {{reason}}", "%s", rate("tiktok_http_connections_refused_total", `reason!=""`, "reason")),
				q("failed accepts", "sum(rate(tiktok_http_accept_errors_total{%s}[$__rate_interval]))", tiktok)),
			graph("Bodies in memory", "bytes", "Beyond the first 8 KiB of each request.",
				q("{{instance}}", "tiktok_http_buffered_bytes{%s}", tiktok)),
			graph("Refused bodies", "reqps", "", q("too slow", "sum(rate(tiktok_http_bodies_slow_total{%s}[$__rate_interval]))", tiktok),
				q("over the memory budget", "sum(rate(tiktok_http_bodies_refused_total{%s}[$__rate_interval]))", tiktok)),
		}},
		{"Errors", []Panel{
			graph("Error rate", "percentunit", "Share of requests.",
				q("5 minutes", "job:tiktok_http_errors:ratio_rate5m"),
				q("1 hour", "job:tiktok_http_errors:ratio_rate1h")),
			graph("Rate limited", "reqps", "Answered with 10007, and not carried out.",
				mayBeEmpty("nobody is over a limit", q("{{route}}", "%s", rate("tiktok_http_requests_total", `code="10007"`, "route")))),
			graph("Degraded pages", "reqps", "A call failed, and its part of the page is zero or empty: which part.",
				mayBeEmpty("no call has failed", q("{{missing}}", "%s", rate("tiktok_http_degraded_total", `missing!=""`, "missing")))),
		}},
		process("api"),
	}}
}

// service has what every service has; rows come before its stores.
func service(name, help string, rows ...Row) Board {
	is := fmt.Sprintf(`service=%q`, name)
	db := fmt.Sprintf(`db=%q`, name)
	all := []Row{{"Calls", []Panel{
		graph("By method", "reqps", "", q("{{method}}", "%s", rate("tiktok_rpc_requests_total", is, "method"))),
		graph("By code", "reqps", "0 is success; 10001, 10008 and 10013 are errors.",
			q("{{code}}", "%s", rate("tiktok_rpc_requests_total", is, "code"))),
		graph("Error rate", "percentunit", "Share of calls with code 10001, 10008 or 10013.",
			q(name, "service:tiktok_rpc_errors:ratio_rate5m{%s}", is)),
		graph("Latency, p50", "s", "", q("{{method}}", "%s", quantile("0.5", "tiktok_rpc_duration_seconds", is, "method"))),
		graph("Latency, p99", "s", "", q("{{method}}", "%s", quantile("0.99", "tiktok_rpc_duration_seconds", is, "method"))),
	}}}
	all = append(all, rows...)
	all = append(all, Row{"SQL", []Panel{
		graph("Statements", "ops", "", q("statements", "sum(rate(tiktok_sql_duration_seconds_count{%s,%s}[$__rate_interval]))", tiktok, db),
			q("failed: {{kind}}", "%s", rate("tiktok_sql_errors_total", db, "kind"))),
		graph("Latency of a statement", "s", "With the wait for a connection.",
			q("p50", "%s", quantile("0.5", "tiktok_sql_duration_seconds", db, "")),
			q("p99", "%s", quantile("0.99", "tiktok_sql_duration_seconds", db, ""))),
		graph("Connections", "short", "",
			q("{{instance}} {{db_name}} in use", "go_sql_in_use_connections{%s,db_name=~\"%s_.*\"}", tiktok, name),
			q("{{instance}} {{db_name}} open", "go_sql_open_connections{%s,db_name=~\"%s_.*\"}", tiktok, name),
			q("{{db_name}} requests waiting",
				"sum by (db_name) (rate(go_sql_wait_duration_seconds_total{%s,db_name=~\"%s_.*\"}[$__rate_interval]))", tiktok, name)),
	}}, process(name))
	return Board{UID: "tiktok-" + name, Title: "tiktok: " + name, Help: help, Rows: all}
}

// cached are the panels of the caches that a service's process has. In the all-in-one that is all of them.
func cached(name string) Row {
	in := fmt.Sprintf(`process=~"%s|tiktok"`, name)
	return Row{"Cache", []Panel{
		graph("Hits by level", "ops", "local is in the process, store is Redis.",
			q("{{kind}} {{level}}", "%s", rate("tiktok_cache_hits_total", in, "kind, level"))),
		graph("Misses", "ops", "joined: shared the load of a concurrent request.",
			q("{{kind}}", "%s", rate("tiktok_cache_misses_total", in, "kind")),
			q("{{kind}} joined", "%s", rate("tiktok_cache_joined_total", in, "kind"))),
		graph("Errors", "ops", "Reads then go to SQL.", q("{{kind}}", "%s", rate("tiktok_cache_errors_total", in, "kind"))),
	}}
}

// process are the panels of one process's resources.
func process(name string) Row {
	in := fmt.Sprintf(`%s,process=~"%s|tiktok"`, tiktok, name)
	return Row{"Process", []Panel{
		graph("CPU", "percentunit", "1 is one core.",
			q("{{instance}}", "rate(process_cpu_seconds_total{%s}[$__rate_interval])", in)),
		graph("Memory", "bytes", "",
			q("{{instance}} resident", "process_resident_memory_bytes{%s}", in),
			q("{{instance}} heap", "go_memstats_heap_alloc_bytes{%s}", in)),
		graph("Goroutines", "short", "", q("{{instance}}", "go_goroutines{%s}", in)),
	}}
}
