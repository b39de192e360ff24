package lint

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
)

// A value that no request can have makes a condition that never holds, or, if
// it is negated, one that always does.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html
var conditionValue = rule{
	code: "condition-value", severity: Error,
	title: "a condition's value is none that its key can have",
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, c := range s.conditions() {
				p.values(s, c)
			}
		}
	},
}

func (p *pass) values(s *statement, c condition) {
	key := strings.ToLower(c.key)
	addresses := key == "aws:sourceip" || key == "aws:vpcsourceip"
	if addresses && c.base() != "IpAddress" && c.base() != "NotIpAddress" && c.base() != "Null" {
		right := "IpAddress"
		if c.negated() {
			right = "NotIpAddress"
		}
		p.report(found{
			at: c.values, message: c.operator + " compares texts, and " + c.key + " is a single address: a network is never equal to it",
			hint: "use the operator " + right,
		})
		return
	}
	if c.base() == "Bool" && slices.Contains(c.values.Strings(), "true") && slices.Contains(c.values.Strings(), "false") {
		p.report(found{
			at: c.values, message: c.key + " is always true or false, so the condition only asks that it be there",
			hint: "write one of the two",
		})
	}
	for _, v := range c.values.Each() {
		if strings.Contains(v.Text, "${") {
			continue
		}
		if strings.HasPrefix(c.base(), "Date") && isNumber(v.Text) && len(v.Text) != len("2027") && !equalKey(c, "aws:EpochTime") {
			p.report(found{at: v, severity: Note, message: "a date is written as seconds since 1970, and reads as another to most people", hint: "write it as 2027-01-31T00:00:00Z"})
		}
		if message, hint := valueFault(c, key, v.Text); message != "" {
			p.report(found{at: v, message: quote(v.Text) + " " + message, hint: hint})
		}
	}
}

// valueFault says why no request has a value, and what to write.
func valueFault(c condition, key, value string) (message, hint string) {
	switch base := c.base(); {
	case base == "IpAddress" || base == "NotIpAddress":
		return addressFault(key, value)
	case strings.HasPrefix(base, "Date") && !isDate(value):
		return "is no date", "write it as 2027-01-31T00:00:00Z"
	case strings.HasPrefix(base, "Numeric") && !isNumber(value):
		return "is no number", "write a number, in digits"
	case (base == "Bool" || base == "Null") && value != "true" && value != "false":
		return "is neither true nor false", "write true or false"
	case strings.HasPrefix(base, "Arn") && strings.Count(value, ":") < 5:
		return "has fewer than the six parts of an ARN, and " + c.operator + " compares each of them, so no request has it",
			"write all six parts, such as arn:aws:iam::111122223333:role/name, with a star for what is open"
	case arnKeys[key] && arnOperator(base):
		return arnFault(key, value)
	case accountKeys[key] && textOperator(base) && !accountForm.MatchString(value):
		return "is no account, so no request has it", "write the twelve digits of the account"
	}
	return formFault(c, key, value)
}

func textOperator(base string) bool { return strings.HasPrefix(base, "String") }

func arnOperator(base string) bool { return textOperator(base) || strings.HasPrefix(base, "Arn") }

// addressFault says what is wrong with an address or network. S3, STS and KMS
// are asked from public addresses; what comes by a VPC endpoint has no
// aws:SourceIp.
func addressFault(key, value string) (message, hint string) {
	network, err := netip.ParsePrefix(value)
	if err != nil {
		address, err := netip.ParseAddr(value)
		if err != nil {
			return "is no address or network, so no request comes from it", "write it as 203.0.113.7 or 203.0.113.0/24"
		}
		network = netip.PrefixFrom(address, address.BitLen())
	}
	address := network.Addr()
	if key == "aws:sourceip" && (address.IsPrivate() || address.IsLoopback() || address.IsLinkLocalUnicast() || shared.Contains(address)) {
		return "is a private address, and aws:SourceIp is a public one", "give the public addresses, or the VPC endpoint by aws:SourceVpce"
	}
	return "", ""
}

var shared = netip.MustParsePrefix("100.64.0.0/10")

// arnFault says what is wrong with a pattern of ARNs.
func arnFault(key, value string) (message, hint string) {
	parts := strings.SplitN(value, ":", 6)
	switch {
	case strings.Trim(value, "*") == "" || len(parts) < 6 && strings.HasSuffix(value, "*"):
		return "", ""
	case len(parts) < 6 || parts[0] != "arn" && !strings.ContainsAny(parts[0], "*?"):
		return "is no ARN, so no request has it", "write the whole ARN, such as arn:aws:iam::111122223333:role/name"
	case key == "aws:principalarn" && parts[2] == "sts" && strings.HasPrefix(parts[5], "assumed-role/"):
		role, _, _ := strings.Cut(strings.TrimPrefix(parts[5], "assumed-role/"), "/")
		right := rolecall.ARN{Partition: parts[1], Service: "iam", Account: parts[4], Resource: "role/" + role}.String()
		return "is a session, and aws:PrincipalArn of a session is its role's ARN", "write " + right + ", with the role's path if it has one"
	}
	return "", ""
}

var (
	accountForm = regexp.MustCompile(`^(?:[0-9]{12}|[0-9?]*[*?][0-9*?]*)$`)

	arnKeys = map[string]bool{
		"aws:principalarn": true, "aws:sourcearn": true, "s3:dataaccesspointarn": true, "aws:sourcevpcarn": true, "lambda:sourcefunctionarn": true,
	}
	accountKeys = map[string]bool{
		"aws:principalaccount": true, "aws:resourceaccount": true, "aws:sourceaccount": true, "kms:calleraccount": true, "s3:resourceaccount": true,
		"s3:dataaccesspointaccount": true, "aws:vpceaccount": true,
	}
)

// isDate reports whether a text is a date as W3C writes it, or seconds since 1970.
func isDate(text string) bool {
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly, "2006-01", "2006"} {
		if _, err := time.Parse(form, text); err == nil {
			return true
		}
	}
	return isNumber(text)
}

func isNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}
