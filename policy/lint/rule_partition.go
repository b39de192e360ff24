package lint

import (
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// An ARN of another partition names nothing that is reachable from here.
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
var partitionRule = rule{
	code: "partition", severity: Error,
	title: "an ARN's partition does not fit",
	check: func(p *pass) {
		if p.root == nil {
			return
		}
		p.partitions(p.root, p.partition())
		if p.kit() == nil {
			p.mixed(p.root, new(string))
		}
	},
}

var partitions = []string{"aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"}

func (p *pass) partitions(n *tree.Node, want string) {
	for _, m := range n.Members {
		p.partitions(m.Value, want)
	}
	for _, item := range n.Items {
		p.partitions(item, want)
	}
	parts := strings.SplitN(n.Text, ":", 6)
	if n.Kind != '"' || len(parts) < 4 || parts[0] != "arn" || strings.ContainsAny(parts[1], "*?$") {
		return
	}
	right, message := "", ""
	switch {
	case !isPartition(parts[1]):
		right, message = strict.Nearest(parts[1], partitions), " is no partition of AWS's"
	case len(parts) > 4 && parts[3] != "" && !strings.ContainsAny(parts[3], "*?$") && rolecall.PartitionOf(parts[3]) != parts[1]:
		right, message = rolecall.PartitionOf(parts[3]), " is not the partition of the region "+parts[3]
	case want != "" && parts[1] != want:
		right, message = want, " is not the connection's partition"
	default:
		return
	}
	f := found{at: n, message: quote(parts[1]) + message + ", so the ARN matches nothing", hint: "write one of the partitions aws, aws-cn, aws-us-gov and aws-eusc"}
	if right != "" {
		f.hint = "write arn:" + right + ":…"
		f.widens = true
		f.fix = func() {
			parts[1] = right
			n.Become(tree.Text(strings.Join(parts, ":")))
		}
	}
	p.report(f)
}

// mixed reports the first ARN of another partition than those before it; first
// is theirs. One account, and so one document, is in one partition.
func (p *pass) mixed(n *tree.Node, first *string) (done bool) {
	for _, m := range n.Members {
		if p.mixed(m.Value, first) {
			return true
		}
	}
	for _, item := range n.Items {
		if p.mixed(item, first) {
			return true
		}
	}
	parts := strings.SplitN(n.Text, ":", 6)
	switch {
	case n.Kind != '"' || len(parts) < 4 || parts[0] != "arn" || !isPartition(parts[1]) || parts[1] == *first:
		return false
	case *first == "":
		*first = parts[1]
		return false
	}
	p.report(found{
		at: n, severity: Warning, message: "an ARN of the partition " + parts[1] + " stands beside others of " + *first + ", and matches nothing where those do",
		hint: "use the partition of the account that the document is for",
	})
	return true
}

func isPartition(partition string) bool {
	for _, k := range partitions {
		if k == partition {
			return true
		}
	}
	return false
}
