package lint

import (
	"net"
	"regexp"
	"strings"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// inVariables are what variables stand for in an ARN.
var inVariables = regexp.MustCompile(`\$\{[^}]*\}`)

// bucketFault says what is wrong with the name of a bucket in an ARN, and
// returns the right ARN where it can be known.
func bucketFault(arn string) (message, right string) {
	head, name, _ := strings.Cut(arn, ":::")
	bucket, key, slash := strings.Cut(inVariables.ReplaceAllString(name, "x"), "/")
	if strings.Contains(bucket, "***") { // a placeholder of AWS's pages
		return "", ""
	}
	if !strings.ContainsAny(bucket, "*?") && (bucket == "" || strings.Contains(bucket, "..") || net.ParseIP(bucket) != nil || strings.HasSuffix(bucket, ".amazonaws.com")) {
		return "names no bucket: such a name cannot be, so it matches nothing", ""
	}
	if strings.Trim(bucket, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-*?") == "" {
		return "", ""
	}
	message = "names no bucket: such a name cannot be, so it matches nothing"
	if inVariables.MatchString(name) {
		return message, ""
	}
	switch {
	case strings.HasPrefix(name, "arn:"):
		return "has an ARN inside of an ARN, so it matches nothing", name
	case strings.HasPrefix(name, "s3://"):
		return "has a location inside of an ARN, so it matches nothing", head + ":::" + strings.TrimPrefix(name, "s3://")
	case strings.Count(bucket, ":") == 1 && !slash && bucketName(strings.Split(bucket, ":")[0]):
		return message, head + ":::" + strings.Replace(bucket, ":", "/", 1)
	case strings.Count(bucket, ":") == 1 && slash && strings.HasSuffix(bucket, ":"):
		return message, head + ":::" + strings.TrimSuffix(bucket, ":") + "/" + key
	}
	return message, ""
}

// accessPointFault says what is wrong with the ARN of an access point's objects.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-naming.html
func accessPointFault(arn string) (message, right string) {
	parts := strings.SplitN(arn, ":", 6)
	below, ok := strings.CutPrefix(parts[5], "accesspoint/")
	name, rest, slash := strings.Cut(below, "/")
	if !ok || !slash || rest == "object" || strings.HasPrefix(rest, "object/") || strings.HasPrefix(rest, "*") && strings.Contains(name, "*") {
		return "", ""
	}
	parts[5] = "accesspoint/" + name + "/object/" + rest
	return "lacks /object/ between the access point and the key, so it matches nothing", strings.Join(parts, ":")
}

// onlyObjects reports whether all actions that a statement names are on objects.
func (s *statement) onlyObjects() bool {
	for _, a := range s.actions() {
		if known := exact(a.Text); known == nil || !known.onlyOnObjects() && !known.on("accesspointobject") {
			return false
		}
	}
	return len(s.actions()) > 0
}

// accessPoint reports whether a resource is an access point itself, and not its objects.
func accessPoint(r *tree.Node) bool {
	parts := strings.SplitN(r.Text, ":", 6)
	return len(parts) == 6 && parts[2] == "s3" && strings.HasPrefix(parts[5], "accesspoint/") && strings.Count(parts[5], "/") == 1 && !strings.Contains(parts[5], "*")
}
