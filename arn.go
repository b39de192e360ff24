package rolecall

import (
	"regexp"
	"strings"

	"github.com/rolecall/rolecall/internal/strict"
)

// ARN is an Amazon Resource Name, split into its six parts.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
type ARN struct {
	Partition string // aws, aws-cn, aws-us-gov, aws-eusc, …
	Service   string
	Region    string // may be empty
	Account   string // twelve digits, or empty
	Resource  string // all after the fifth colon
}

// ParseARN splits an ARN into its parts. It checks that there are six, and the
// form of partition and account, but not that the service or resource exists.
func ParseARN(s string) (ARN, error) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return ARN{}, &Error{
			Code: Invalid, Message: strict.Quote(s) + " is not an ARN",
			Hint: "You: write it as arn:partition:service:region:account:resource",
		}
	}
	a := ARN{Partition: parts[1], Service: parts[2], Region: parts[3], Account: parts[4], Resource: parts[5]}
	switch {
	case !partitionForm.MatchString(a.Partition):
		return ARN{}, &Error{
			Code: Invalid, Message: strict.Quote(s) + " has an unknown partition " + strict.Quote(a.Partition),
			Hint: "You: write one of the partitions aws, aws-cn, aws-us-gov and aws-eusc",
		}
	case a.Service == "" || a.Resource == "":
		return ARN{}, &Error{Code: Invalid, Message: strict.Quote(s) + " has an empty service or resource"}
	case a.Account != "" && !IsAccountID(a.Account):
		return ARN{}, &Error{
			Code: Invalid, Message: strict.Quote(s) + " has a malformed account id " + strict.Quote(a.Account),
			Hint: "You: write an account of twelve digits",
		}
	}
	return a, nil
}

// String returns the ARN as text.
func (a ARN) String() string {
	return strings.Join([]string{"arn", a.Partition, a.Service, a.Region, a.Account, a.Resource}, ":")
}

// RoleName returns the name of an IAM role without its path; it is empty for
// other ARNs.
func (a ARN) RoleName() string {
	if a.Service != "iam" || !strings.HasPrefix(a.Resource, "role/") {
		return ""
	}
	return a.Resource[strings.LastIndexByte(a.Resource, '/')+1:]
}

// Names reports whether caller, as GetCallerIdentity returns it, is this user
// or a session of this role. A session's ARN leaves out the path of its role,
// but a role's name is unique in its account.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
func (a ARN) Names(caller ARN) bool {
	session, ok := strings.CutPrefix(caller.Resource, "assumed-role/")
	if !ok || caller.Service != "sts" {
		return caller == a
	}
	role, _, _ := strings.Cut(session, "/")
	return role != "" && role == a.RoleName() && caller.Account == a.Account && caller.Partition == a.Partition
}

// ParseRoleARN parses the ARN of an IAM role, with or without a path.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
func ParseRoleARN(s string) (ARN, error) {
	a, err := ParseARN(s)
	if err != nil {
		return ARN{}, err
	}
	bad := func(why string) (ARN, error) {
		return ARN{}, &Error{
			Code: Invalid, Message: strict.Quote(s) + " is not the ARN of an IAM role: " + why,
			Hint: "You: write it as arn:aws:iam::111122223333:role/name",
		}
	}
	switch {
	case a.Service == "sts" && strings.HasPrefix(a.Resource, "assumed-role/"):
		return bad("it is a role session; give the role itself")
	case a.Service != "iam":
		return bad("its service is " + strict.Quote(a.Service))
	case a.Region != "":
		return bad("IAM ARNs have no region")
	case a.Account == "":
		return bad("it has no account id")
	case !strings.HasPrefix(a.Resource, "role/"):
		return bad("its resource is " + strict.Quote(a.Resource))
	case len(s) > 2048 || !roleForm.MatchString(a.Resource):
		return bad("its name or path has characters that IAM does not allow")
	}
	return a, nil
}

// IsAccountID reports whether s has the form of an AWS account id.
func IsAccountID(s string) bool { return accountForm.MatchString(s) }

// IsRegion reports whether s has the form of a region. Nothing else may become
// part of a host name.
func IsRegion(s string) bool { return len(s) <= 32 && regionForm.MatchString(s) }

var (
	partitionForm = regexp.MustCompile(`^aws(-[a-z]+)*$`)
	accountForm   = regexp.MustCompile(`^[0-9]{12}$`)
	regionForm    = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]+$`)
	roleForm      = regexp.MustCompile(`^role/([\x21-\x2e\x30-\x7e]+/)*[\w+=,.@-]{1,64}$`)
)

// PartitionOf returns the partition of a region by the form of its name.
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
func PartitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(region, "eusc-"):
		return "aws-eusc"
	case strings.HasPrefix(region, "us-iso-"):
		return "aws-iso"
	case strings.HasPrefix(region, "us-isob-"):
		return "aws-iso-b"
	case strings.HasPrefix(region, "eu-isoe-"):
		return "aws-iso-e"
	case strings.HasPrefix(region, "us-isof-"):
		return "aws-iso-f"
	default:
		return "aws"
	}
}

// HomeRegion returns a region that every account of the partition has.
func HomeRegion(partition string) string {
	switch partition {
	case "aws-cn":
		return "cn-north-1"
	case "aws-us-gov":
		return "us-gov-west-1"
	case "aws-eusc":
		return "eusc-de-east-1"
	default:
		return "us-east-1"
	}
}
