package sandbox

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// constraints collects the faults of parameters, in AWS's words.
type constraints []string

func (v *constraints) add(name, value, must string) {
	*v = append(*v, "Value "+value+" at '"+strings.ToLower(name[:1])+name[1:]+"' failed to satisfy constraint: Member must "+must)
}

func (v *constraints) text(form url.Values, name string, shortest, longest int, chars *regexp.Regexp) {
	value := form.Get(name)
	if !form.Has(name) {
		v.add(name, "null", "not be null")
		return
	}
	shown := "'" + cut(value) + "'"
	if chars != nil && !chars.MatchString(value) {
		v.add(name, shown, "satisfy regular expression pattern: "+strings.Trim(chars.String(), "^$"))
	}
	if n := utf8.RuneCountInString(value); n < shortest {
		v.add(name, shown, fmt.Sprintf("have length greater than or equal to %d", shortest))
	} else if n > longest {
		v.add(name, shown, fmt.Sprintf("have length less than or equal to %d", longest))
	}
}

func (v *constraints) duration(form url.Values, otherwise, most int) int {
	if !form.Has("DurationSeconds") {
		return otherwise
	}
	given := form.Get("DurationSeconds")
	n, err := strconv.Atoi(given)
	switch {
	case err != nil:
		v.add("DurationSeconds", "'"+cut(given)+"'", "be a number")
	case n < minDuration:
		v.add("DurationSeconds", "'"+given+"'", fmt.Sprintf("have value greater than or equal to %d", minDuration))
	case n > most:
		v.add("DurationSeconds", "'"+given+"'", fmt.Sprintf("have value less than or equal to %d", most))
	}
	return n
}

func (v *constraints) err() *serviceError {
	switch n := len(*v); n {
	case 0:
		return nil
	case 1:
		return invalidInput("1 validation error detected: " + (*v)[0])
	default:
		return invalidInput(fmt.Sprintf("%d validation errors detected: %s", n, strings.Join(*v, "; ")))
	}
}

// cut limits how much of a caller's text is repeated.
func cut(s string) string {
	if len(s) > 256 {
		return strings.ToValidUTF8(s[:256], "")
	}
	return s
}
