package lint

import "strings"

// An action on objects never matches the ARN of a bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html
var s3ObjectActionOnBucket = rule{
	code: "s3-object-action-on-bucket", severity: Error,
	title: "an action on objects has only buckets as resources",
	kinds: []Kind{Permissions, Bucket},
	check: func(p *pass) {
		p.misplaced((*action).onlyOnObjects, func(t target) bool { return t.object || t.other },
			" works on objects, and the statement names only buckets, so it allows nothing",
			"give the objects: the bucket's ARN, a slash, and a prefix with a star",
			func(resource string) string { return p.objectsOf(strings.TrimSuffix(resource, "/")) })
	},
}

// objectsOf gives the objects of a bucket, those below the prefix if it is the
// connection's.
func (p *pass) objectsOf(bucket string) string {
	if home, objects := p.home(); home == bucket {
		return objects
	}
	return bucket + "/*"
}

// misplaced reports the actions of a sort none of whose statement's resources
// fits. The fix gives them resources that do, in a statement of their own if
// others stand beside them.
func (p *pass) misplaced(sort func(*action) bool, fits func(target) bool, message, hint string, right func(string) string) {
	for _, s := range p.statements {
		resources := s.resources()
		fitting := len(resources) == 0
		for _, r := range resources {
			fitting = fitting || fits(targetOf(r.text))
		}
		var wrong []*node
		for _, a := range s.actions() {
			if known := exact(a.text); known != nil && strings.HasPrefix(known.name, "s3:") && sort(known) && !fitting {
				wrong = append(wrong, a)
			}
		}
		for i, a := range wrong {
			f := found{at: a, message: quote(a.text) + message, hint: hint, widens: true, fix: func() {}}
			if i == 0 {
				f.fix = func() { s.give(wrong, resources, right) }
			}
			p.report(f)
		}
	}
}

// give gives the actions other resources than the statement has.
func (s *statement) give(actions, resources []*node, right func(string) string) {
	var arns *node
	for _, r := range resources {
		arns = arns.add(right(r.text))
	}
	if len(arns.items) == 1 {
		arns = arns.items[0]
	}
	left := s.get("Action").without(actions...)
	if left == nil {
		s.set("Resource", arns)
		return
	}
	var names []string
	for _, a := range actions {
		names = append(names, a.text)
	}
	moved := s.like(list(names...), arns)
	s.set("Action", left)
	s.after(moved)
}
