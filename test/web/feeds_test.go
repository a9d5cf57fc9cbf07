package web_test

// tab opens one of the feeds.
func (p *page) tab(feed string) { p.t.Helper(); p.click("tab", p.named("feed."+feed)) }
