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
	case strings.Contains(name, "://"):
		if inside := located(name); inside != "" {
			right = head + ":::" + inside
		}
		return "has a location inside of an ARN, so it matches nothing", right
	case strings.Count(bucket, ":") == 1 && !slash && bucketName(strings.Split(bucket, ":")[0]):
		return message, head + ":::" + strings.Replace(bucket, ":", "/", 1)
	case strings.Count(bucket, ":") == 1 && slash && strings.HasSuffix(bucket, ":"):
		return message, head + ":::" + strings.TrimSuffix(bucket, ":") + "/" + key
	}
	return message, ""
}

// hostForms are how S3's addresses begin: with the bucket, or with S3 alone.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
var hostForms = []*regexp.Regexp{
	regexp.MustCompile(`^(?:[a-z0-9-]+@)?([a-z0-9.-]+)\.s3[a-z0-9.-]*\.amazonaws\.com(?:\.cn)?(/.*)?$`),
	regexp.MustCompile(`^s3[a-z0-9.-]*\.amazonaws\.com(?:\.cn)?/([a-z0-9.*-]+)(/.*)?$`),
}

// located returns the bucket and key of a location, s3://bucket/key or one of
// HTTP, empty if it has none.
func located(location string) string {
	scheme, rest, _ := strings.Cut(location, "://")
	if scheme != "s3" && scheme != "https" && scheme != "http" {
		return ""
	}
	host := ""
	for _, form := range hostForms {
		if m := form.FindStringSubmatch(rest); m != nil && scheme != "s3" && host == "" {
			host, rest = rest, m[1]+m[2]
		}
	}
	if strings.HasSuffix(rest, "/") {
		rest += "*"
	}
	bucket, _, _ := strings.Cut(rest, "/")
	if !bucketName(bucket) || host == "" && scheme != "s3" && strings.Contains(bucket, ".") {
		return "" // another host, perhaps
	}
	return rest
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
