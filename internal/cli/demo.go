package cli

import (
	"context"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/demo"
	"github.com/rolecall/rolecall/internal/job"
)

type demoCommand struct {
	Keep    bool `help:"Keep the config files and the generated media, and print where they are."`
	Verbose bool `short:"v" help:"Log what happens on stderr."`
}

// Run runs the story and prints it. The story of a demo that failed is printed,
// too, with what went wrong.
func (c *demoCommand) Run(ctx context.Context, out *output) error {
	var bars *progress
	story, err := demo.Run(ctx, demo.Options{
		Keep: c.Keep,
		Log:  out.logger(c.Verbose),
		Ready: func(s demo.Story, plan rolecall.Plan) {
			bars = newProgress(out, plan)
			if !out.json {
				out.introduce(s)
			}
		},
		Observe: func(e job.Event) { bars.observe(e) },
	})
	out.screen.settle()
	if err != nil && len(story.Accounts) == 0 {
		return err
	}
	if out.json {
		if err := out.document(story); err != nil {
			return err
		}
	} else {
		out.story(story)
	}
	if err != nil {
		if !out.json {
			out.errors(story.Errors)
		}
		return shown(exitFailed)
	}
	return nil
}

func (o *output) introduce(s demo.Story) {
	o.printf("A local AWS on %s with three accounts:\n\n", s.Endpoint)
	var rows [][]string
	for _, a := range s.Accounts {
		var has []string
		if len(a.Principals) > 0 {
			has = append(has, "principals "+strings.Join(a.Principals, ", "))
		}
		if a.Bucket != "" {
			has = append(has, "bucket "+a.Bucket)
		}
		if a.Key != "" {
			has = append(has, "under KMS "+a.Key[strings.LastIndexByte(a.Key, ':')+1:])
		}
		if len(a.Roles) > 0 {
			has = append(has, "roles "+strings.Join(a.Roles, ", "))
		}
		rows = append(rows, []string{"   " + a.Name, a.ID, strings.Join(has, ", ")})
	}
	o.printf("%s", o.rows(rows))
	o.printf("\nA job of acme's runs, from acme's bucket to globex's:\n\n")
}

// story prints the story in chapters, for 100 columns.
func (o *output) story(s demo.Story) {
	o.chapter("1", "Each role was probed before its first use")
	o.probes(s.Roles)
	o.chapter("2", "Then assumed, for this job and its places only")
	for i, r := range s.Roles {
		if i > 0 {
			o.printf("\n")
		}
		o.session(r)
	}
	o.chapter("3", "What moved")
	var moves [][]string
	for _, m := range s.Moves {
		moves = append(moves, []string{"   " + m.Tool, fmt.Sprintf("%d files", m.Files), size(m.Bytes), fmt.Sprintf("%.2f s", m.Seconds), m.Place})
	}
	o.printf("%s", o.rows(moves))
	o.printf("\n   %d of %d %s digests match; %d objects are under globex's key\n   digest of all: %s\n",
		s.Digests.Matching, s.Digests.Objects, s.Digests.Algorithm, s.Digests.Encrypted, s.Digests.All)
	o.chapter("4", "What was tried and refused")
	for _, r := range s.Refusals {
		mark := o.onOut.paint(green, "refused")
		if !r.Refused {
			mark = o.onOut.paint(red, "NOT REFUSED")
		}
		answer := r.Answer
		if r.By != "rolecall" {
			answer = accountOfARN.ReplaceAllString(answer, "")
		}
		answer = wrapped(fmt.Sprintf("%s: %s: %s", r.By, r.Code, answer), o.prose()-12, "            ")
		o.printf("   %s  %s\n            %s\n", mark, r.Attempt, o.onOut.paint(faint, answer))
	}
	if s.Directory != "" {
		o.printf("\nThe files are kept in %s\n", s.Directory)
	}
}

// accountOfARN is what AWS's answers are shown without, to be short: the story
// as JSON has them whole.
var accountOfARN = regexp.MustCompile(`arn:aws:[a-z0-9]+:[a-z0-9-]*:[0-9]*:`)

func (o *output) chapter(number, title string) {
	o.printf("\n%s\n\n", o.onOut.paint(bold, number+"  "+title))
}

// probes writes a row for each probe, but one for all ids that are like the
// right one, and a column for each role.
func (o *output) probes(roles []demo.Role) {
	var rows []string
	cells := map[string][]map[credential.Outcome]int{} // by row and role
	for i, r := range roles {
		for _, p := range r.Probes {
			row := p.Name
			if strings.HasPrefix(row, credential.ProbeNear) {
				row = nearMisses
			}
			if cells[row] == nil {
				rows = append(rows, row)
				cells[row] = make([]map[credential.Outcome]int, len(roles))
			}
			if cells[row][i] == nil {
				cells[row][i] = map[credential.Outcome]int{}
			}
			cells[row][i][p.Outcome]++
		}
	}
	head := []string{"   external id"}
	for _, r := range roles {
		head = append(head, path.Base(r.ARN))
	}
	table := [][]string{head}
	for _, row := range rows {
		line := []string{"   " + row}
		for _, counts := range cells[row] {
			var said []string
			for _, outcome := range slices.Sorted(maps.Keys(counts)) {
				if row == nearMisses {
					said = append(said, fmt.Sprintf("%d %s", counts[outcome], outcome))
				} else {
					said = append(said, string(outcome))
				}
			}
			line = append(line, strings.Join(said, ", "))
		}
		table = append(table, line)
	}
	o.printf("%s", o.rows(table))
}

const nearMisses = "near misses"

// session prints what a session of a role was allowed.
func (o *output) session(r demo.Role) {
	o.printf("   role     %s\n   session  %s, %d AssumeRole\n   policy   %d characters\n", r.ARN, r.SessionName, r.Calls, len(r.Policy))
	denies := 0
	for _, line := range statements(r.Policy) {
		if strings.HasPrefix(line, "Deny") {
			denies++
			continue
		}
		o.printf("            %s\n", wrapped(line, o.prose()-14, "              "))
	}
	o.printf("            and %d statements that deny all else\n", denies)
}
