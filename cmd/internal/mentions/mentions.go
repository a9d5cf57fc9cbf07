// Package mentions keeps the users whom a text mentions in one column of its row.
package mentions

import (
	"slices"
	"strconv"
	"strings"

	"tiktok/pkg/errno"
)

// Max is how many users a text mentions at most.
const Max = 10

// Check returns the ids to store with a text of author: each once, and not the author's own. It fails with InvalidArgument for
// more than Max ids, and for what cannot be one.
func Check(ids []int64, author int64) ([]int64, error) {
	if len(ids) > Max {
		return nil, errno.InvalidArgument.With("too many users are mentioned")
	}
	var kept []int64
	for _, id := range ids {
		if id <= 0 {
			return nil, errno.InvalidArgument.With("an id must be greater than 0")
		}
		if id != author && !slices.Contains(kept, id) {
			kept = append(kept, id)
		}
	}
	return kept, nil
}

// Join makes the value of a column of ids: at most 200 bytes for Max of them.
func Join(ids []int64) string {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(id, 10))
	}
	return b.String()
}

// Split reads what Join has made; what is no id is left out. None is nil.
func Split(column string) []int64 {
	if column == "" {
		return nil
	}
	var ids []int64
	for part := range strings.SplitSeq(column, ",") {
		if id, err := strconv.ParseInt(part, 10, 64); err == nil && id > 0 {
			ids = append(ids, id)
		}
	}
	return ids
}
