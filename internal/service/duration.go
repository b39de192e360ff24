package service

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
)

// Duration is a time.Duration that is written as Go's, or in days: 90d.
type Duration time.Duration

// UnmarshalJSON reads a duration that is positive and at most ten years.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return &rolecall.Error{Code: rolecall.Invalid, Message: "a duration is a string", Hint: "You: write for example 90d or 12h"}
	}
	parsed, err := ParseDuration(text)
	*d = parsed
	return err
}

// ParseDuration reads a duration.
func ParseDuration(text string) (Duration, error) {
	parsed, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		parsed = time.Duration(min(n, 1e5)) * 24 * time.Hour
	}
	const most = 10 * 366 * 24 * time.Hour
	if err != nil || parsed <= 0 || parsed > most {
		return 0, &rolecall.Error{Code: rolecall.Invalid, Message: "not a duration of at most ten years", Hint: "You: write for example 90d or 12h"}
	}
	return Duration(parsed), nil
}
