package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Over both ARNs, each action works on the one that fits. It says more than it
// means, and hides which of the two is limited to a prefix.
var s3MixedResources = rule{
	code: "s3-mixed-resources", severity: Note,
	title: "the bucket and its objects are resources of the same actions",
	kinds: []policy.Kind{policy.PermissionsDocument, policy.BucketDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			var onBuckets, onObjects, buckets, objects []string
			plain := true
			for _, a := range s.actions() {
				switch known := actionMeant(a.Text); {
				case known != nil && known.onlyOnBuckets():
					onBuckets = append(onBuckets, a.Text)
				case known != nil && known.onlyOnObjects():
					onObjects = append(onObjects, a.Text)
				default:
					plain = false
				}
			}
			for _, r := range s.resources() {
				switch targetOf(r.Text) {
				case target{bucket: true}:
					buckets = append(buckets, r.Text)
				case target{object: true}:
					objects = append(objects, r.Text)
				default:
					plain = false
				}
			}
			if len(onBuckets)+len(onObjects) == 0 || len(buckets) == 0 || len(objects) == 0 {
				continue
			}
			f := found{
				at: s.Node, message: "both the bucket and its objects are resources of " + names(onBuckets, onObjects),
				hint: "write two statements: actions on the bucket with its ARN, actions on objects with the ARN and /*",
			}
			switch {
			case !plain:
			case len(onBuckets) == 0:
				f.fix = func() { s.Set("Resource", single(objects)) }
			case len(onObjects) == 0:
				f.fix = func() { s.Set("Resource", single(buckets)) }
			default:
				f.fix = func() {
					second := s.copyWith(single(onBuckets), single(buckets))
					s.Set("Action", single(onObjects))
					s.Set("Resource", single(objects))
					s.insertAfter(second)
				}
			}
			p.report(f)
		}
	},
}

func names(onBuckets, onObjects []string) string {
	switch {
	case len(onBuckets) == 0:
		return onObjects[0] + ", which works on objects only"
	case len(onObjects) == 0:
		return onBuckets[0] + ", which works on buckets only"
	default:
		return onBuckets[0] + " and " + onObjects[0] + ", which each work on one of the two"
	}
}

// actionMeant returns the known action that a value of Action is or stands for.
func actionMeant(value string) *action {
	if name, found := strings.CutPrefix(strings.ToLower(value), "s3:"); found {
		if name == "headbucket" {
			name = "listbucket"
		}
		if right := s3Operations[name]; right != "" {
			name = right
		}
		return exact("s3:" + name)
	}
	return exact(value)
}

// single returns a list, or the value itself if it is alone.
func single(values []string) *tree.Node {
	if len(values) == 1 {
		return tree.Text(values[0])
	}
	return tree.List(values...)
}
