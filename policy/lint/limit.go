package lint

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
)

// limits say by which keys a condition can limit who is meant, and which of
// their values do: those that are fixed to an account, a network or an
// organization. A name, a tag or a header is anyone's to have.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
var limits = map[string]func(string) bool{
	"aws:principalaccount": fixed, "aws:sourceaccount": fixed, "aws:sourceowner": fixed, "kms:calleraccount": fixed,
	"s3:dataaccesspointaccount": fixed, "aws:vpceaccount": fixed,
	"aws:principalorgid": fixed, "aws:sourceorgid": fixed, "aws:vpceorgid": fixed,
	"aws:principalorgpaths": fixedOrganization, "aws:sourceorgpaths": fixedOrganization, "aws:vpceorgpaths": fixedOrganization,
	"aws:sourcevpc": fixed, "aws:sourcevpce": fixed, "aws:ec2instancesourcevpc": fixed,
	"aws:principalarn": fixedAccount, "aws:sourcearn": fixedAccount, "aws:sourcevpcarn": fixedAccount, "aws:federatedprovider": fixedAccount,
	"s3:dataaccesspointarn": fixedAccount, "s3:accessgrantsinstancearn": fixedAccount, "lambda:sourcefunctionarn": fixedAccount,
	"ec2:sourceinstancearn": fixedAccount, "ssm:sourceinstancearn": fixedAccount,
	"s3:x-amz-server-side-encryption-aws-kms-key-id": fixed,
	"aws:userid":   fixedIdentity,
	"aws:sourceip": someAddresses,
}

// limited reports whether conditions say which principals, accounts, networks
// or organizations are meant. Values are alternatives, so each must.
func (s *statement) limited() bool {
	return slices.ContainsFunc(s.conditions(), func(c condition) bool {
		limit := limits[strings.ToLower(c.key)]
		return limit != nil && c.matches() && !slices.ContainsFunc(c.values.Strings(), func(v string) bool { return !limit(v) })
	})
}

// matches reports whether the condition holds for the values that it names, and
// for nothing else.
func (c condition) matches() bool {
	switch c.base() {
	case "StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike", "IpAddress":
		return !c.holdsWithout()
	default:
		return false
	}
}

// fixed reports whether a value stands for itself only, or for what owns the
// resource.
func fixed(value string) bool {
	return value == "${aws:ResourceAccount}" || value == "${aws:ResourceOrgID}" || value != "" && !strings.ContainsAny(value, "*?$")
}

// fixedAccount reports whether an ARN is in one account, or is fixed whole.
func fixedAccount(arn string) bool {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 && rolecall.IsAccountID(parts[4]) {
		return true
	}
	return fixed(arn)
}

// fixedOrganization reports whether the path of an account is in one organization.
func fixedOrganization(path string) bool {
	organization, _, _ := strings.Cut(path, "/")
	return fixed(organization)
}

// fixedIdentity reports whether an identity's unique id is fixed; of a role it
// is followed by a session's name, which the caller chooses.
func fixedIdentity(id string) bool {
	id, _, _ = strings.Cut(id, ":")
	return fixed(id)
}

// someAddresses reports whether a network is a part of the internet: AWS takes
// one of more than a 256th of it for all. Private addresses are in every network.
func someAddresses(value string) bool {
	if address, err := netip.ParseAddr(value); err == nil {
		return !address.IsPrivate()
	}
	network, err := netip.ParsePrefix(value)
	if err != nil {
		return true // it is never met, as another rule says
	}
	if network.Addr().Is4() {
		return network.Bits() >= 8
	}
	return network.Bits() >= 32
}
