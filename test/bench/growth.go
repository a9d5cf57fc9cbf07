package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// growthTarget is how many times the cost of a request on the smallest data set it may be on a larger one.
const growthTarget = 1.3

// growth prints what a request costs on data sets of several sizes, from the kept results of each, smallest first. It
// also writes that between the markers of a Markdown file, when one is named.
func growth(files []string, doc string, out io.Writer) error {
	sets := make([][]result, len(files))
	for i, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(b, &sets[i]); err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		if len(sets[i]) == 0 {
			return fmt.Errorf("%s holds no results", f)
		}
	}
	text := growthTable(sets)
	fmt.Fprint(out, "\n"+text)
	if doc == "" {
		return nil
	}
	return replaceSection(doc, "growth of "+sets[0][0].Deployment, text)
}

func growthTable(sets [][]result) string {
	var b strings.Builder
	head, line := "| scenario |", "|---|"
	for i, set := range sets {
		head += fmt.Sprintf(" CPU s/1000 at %g×", set[0].Scale)
		if i > 0 && set[0].Users != sets[0][0].Users {
			head += fmt.Sprintf(", %d users", set[0].Users)
		}
		head += " |"
		line += "--:|"
		if i > 0 {
			head += fmt.Sprintf(" ÷ %g× |", sets[0][0].Scale)
			line += "--:|"
		}
	}
	fmt.Fprintf(&b, "%s\n%s\n", head, line)
	for _, first := range sets[0] {
		if first.cost() <= 0 || first.Plan.Conns == 0 {
			continue
		}
		fmt.Fprintf(&b, "| %s | %.3f |", first.Scenario, first.cost())
		for _, set := range sets[1:] {
			i := slices.IndexFunc(set, func(r result) bool { return r.Scenario == first.Scenario })
			if i < 0 {
				fmt.Fprint(&b, " | |")
				continue
			}
			ratio, note := set[i].cost()/first.cost(), ""
			if ratio > growthTarget {
				note = " !"
			}
			fmt.Fprintf(&b, " %.3f | %.2f%s |", set[i].cost(), ratio, note)
		}
		fmt.Fprintln(&b)
	}
	fmt.Fprintf(&b, "\nMeasured: %s, commit %s, %s; ! is more than %.1f.\n", sets[0][0].Date, sets[0][0].Commit, sets[0][0].Machine, growthTarget)
	return b.String()
}
