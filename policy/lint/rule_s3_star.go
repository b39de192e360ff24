package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// s3:* includes everything, even deleting the bucket and changing its policy.
var s3Star = rule{
	code: "s3-star", severity: Warning,
	title: "a wildcard allows more of S3 than the work needs",
	kinds: []policy.Kind{policy.PermissionsDocument, policy.BucketDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			for _, a := range s.actions() {
				known, _ := expand(a.Text)
				if !strings.ContainsAny(a.Text, "*?") || !reachesS3(a.Text) {
					continue
				}
				var extra []*action
				var needed []string
				severity := Note
				for _, k := range known {
					switch {
					case slices.Contains(p.needed(), k.name):
						if s.reaches(k) {
							needed = append(needed, k.name)
						}
					case strings.HasPrefix(k.name, "s3:") && !p.optional(k.name):
						extra = append(extra, k)
						if k.level != "read" && k.level != "list" {
							severity = Warning
						}
					}
				}
				if len(extra) == 0 {
					continue
				}
				slices.SortStableFunc(extra, func(a, b *action) int { return a.weight() - b.weight() })
				var worst []string
				for _, k := range extra[:min(3, len(extra))] {
					worst = append(worst, k.name)
				}
				f := found{
					at: a, severity: severity,
					message: quote(a.Text) + " also allows " + strings.Join(worst, ", "),
					hint:    "name the actions that the work needs: " + strings.Join(p.needed(), ", "),
				}
				if len(needed) > 0 && p.kit() != nil && p.withinConnection(s) {
					f.fix = func() { s.Set("Action", s.Get("Action").Without(a).Add(needed...)) }
				}
				p.report(f)
			}
		}
	},
}

// reachesS3 reports whether the value of Action is of S3, or of everything.
func reachesS3(value string) bool {
	return value == "*" || value == "*:*" || strings.HasPrefix(strings.ToLower(value), "s3:")
}

// reaches reports whether the action works on one of the statement's resources.
func (s *statement) reaches(a *action) bool {
	resources := s.resources()
	for _, r := range resources {
		t := targetOf(r.Text)
		if t.other || t.object && !a.onlyOnBuckets() || t.bucket && !a.onlyOnObjects() {
			return true
		}
	}
	return len(resources) == 0
}

// weight orders actions by how much they can break.
func (a *action) weight() int {
	switch {
	case a.name == "s3:PutBucketPolicy" || a.name == "s3:DeleteBucket" || a.name == "s3:DeleteObject":
		return 0
	case a.level == "permissions":
		return 1
	case a.level == "write":
		return 2
	default:
		return 3
	}
}
