package policy

import (
	"strings"
)

// DenialLayer is the kind of policy that an AWS denial sentence names.
type DenialLayer string

// The kinds of policy that AWS's denial sentences name; the empty layer means
// that the sentence does not say.
const (
	DeniedByIdentity DenialLayer = "identity"
	DeniedByResource DenialLayer = "resource" // bucket, key or role trust policy
	DeniedBySession  DenialLayer = "session"
	DeniedByBoundary DenialLayer = "boundary"
	DeniedBySCP      DenialLayer = "scp"
	DeniedByRCP      DenialLayer = "rcp"
	DeniedByVPCE     DenialLayer = "vpce"
)

// Denial is what the message of an AWS AccessDenied error says. The zero
// Denial is the bare "Access Denied" with which S3 answers outsiders.
//
// AWS names the layer only to callers of the resource's own account or
// organization, and only one layer even where several refuse.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
type Denial struct {
	Principal string      `json:"principal,omitempty"` // ARN of the caller, as AWS shows it
	Action    string      `json:"action,omitempty"`
	Resource  string      `json:"resource,omitempty"` // without S3's quotes; empty when not said
	Explicit  bool        `json:"explicit,omitempty"` // a Deny statement, not a missing Allow
	Layer     DenialLayer `json:"layer,omitempty"`    // empty when not said
	Policy    string      `json:"policy,omitempty"`   // ARN of the denying policy, where AWS names it
}

// layerWords are AWS's words for a layer after "because no …" and, with their
// article, after "with an explicit deny in …".
var layerWords = []struct {
	layer          DenialLayer
	noun, explicit string
}{
	{DeniedByIdentity, "identity-based policy", "an identity-based policy"},
	{DeniedByResource, "resource-based policy", "a resource-based policy"},
	{DeniedByResource, "role trust policy", "the role trust policy"},
	{DeniedBySession, "session policy", "a session policy"},
	{DeniedByBoundary, "permissions boundary", "a permissions boundary"},
	{DeniedBySCP, "service control policy", "a service control policy"},
	{DeniedByRCP, "resource control policy", "a resource control policy"},
	{DeniedByVPCE, "VPC endpoint policy", "a VPC endpoint policy"},
}

const (
	bareDenial     = "Access Denied"
	userWord       = "User: "
	performWords   = " is not authorized to perform: "
	resourceWords  = " on resource: "
	becauseWords   = " because no "
	explicitWords  = " with an explicit deny"
	outsiderAtKMS  = " on this resource" + outsiderClause
	outsiderClause = " because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"
	ciphertext     = " on the resource associated with this ciphertext" + outsiderClause // of Decrypt, which need not name a key
	maxDenialBytes = 16 << 10
)

// String returns the sentence in AWS's words, as the service of the action
// writes it: S3 quotes the resource, STS calls the resource's policy the role
// trust policy, and KMS answers callers of other accounts without naming the
// key.
func (d Denial) String() string {
	if d.Action == "" {
		return bareDenial
	}
	service, _, _ := strings.Cut(d.Action, ":")
	var b strings.Builder
	b.WriteString(userWord + d.Principal + performWords + d.Action)
	switch {
	case d.Resource == "" && service == "kms" && d.Layer == DeniedByResource && !d.Explicit:
		b.WriteString(outsiderAtKMS)
		return b.String()
	case d.Resource != "" && service == "s3":
		b.WriteString(resourceWords + `"` + d.Resource + `"`)
	case d.Resource != "":
		b.WriteString(resourceWords + d.Resource)
	}
	noun, explicit := d.words(service)
	switch {
	case d.Explicit && d.Layer == "":
		b.WriteString(explicitWords)
	case d.Explicit:
		b.WriteString(explicitWords + " in " + explicit)
		if d.Policy != "" {
			b.WriteString(": " + d.Policy)
		}
	case d.Layer != "":
		b.WriteString(becauseWords + noun + " allows the " + d.Action + " action")
	}
	return b.String()
}

func (d Denial) words(service string) (noun, explicit string) {
	for _, w := range layerWords {
		trust := w.noun == "role trust policy"
		if w.layer == d.Layer && (d.Layer != DeniedByResource || trust == (service == "sts")) {
			return w.noun, w.explicit
		}
	}
	return "", ""
}

// CallerSide reports whether the sentence blames a policy of the caller's own
// side: such a denial says nothing about the policies of the resource.
func (d Denial) CallerSide() bool {
	switch d.Layer {
	case DeniedByIdentity, DeniedBySession, DeniedByBoundary, DeniedBySCP, DeniedByVPCE:
		return true
	default:
		return false
	}
}

// NamesAction reports whether what the sentence calls the action has the form of
// one of S3's or KMS's: a server that a tenant chose may say anything.
func (d Denial) NamesAction() bool {
	service, name, _ := strings.Cut(d.Action, ":")
	return (service == "s3" || service == "kms") && name != "" && len(name) <= 64 &&
		strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == ""
}

// ReadDenial reads AWS's denial sentence out of an error message. It is false
// when there is none. What the sentence says is a help to people: names of
// keys and sessions in it are chosen by others.
func ReadDenial(message string) (Denial, bool) {
	if len(message) > maxDenialBytes {
		return Denial{}, false
	}
	_, text, found := strings.Cut(message, userWord)
	if !found {
		bare := strings.TrimSuffix(strings.TrimSpace(message), ".")
		return Denial{}, strings.EqualFold(bare, bareDenial)
	}
	principal, text, found := strings.Cut(text, performWords)
	if !found || principal == "" || strings.Contains(principal, " ") {
		return Denial{}, false
	}
	action, _, _ := strings.Cut(text, " ")
	if !strings.Contains(action, ":") {
		return Denial{}, false
	}
	d := Denial{Principal: principal, Action: action}
	rest := text[len(action):]
	if strings.HasPrefix(rest, outsiderAtKMS) || strings.HasPrefix(rest, ciphertext) {
		d.Layer = DeniedByResource
		return d, true
	}
	// Keys may hold AWS's own words. Where the resource is quoted, the reason
	// is what comes after the last quote; else the last reason is AWS's.
	if after, ok := strings.CutPrefix(rest, resourceWords+`"`); ok {
		if end := strings.LastIndexByte(after, '"'); end >= 0 {
			d.Resource = after[:end]
			d.readClause(after[end+1:])
			return d, true
		}
	}
	rest = d.readClause(rest)
	if after, ok := strings.CutPrefix(rest, resourceWords); ok {
		d.Resource = after
	}
	return d, true
}

// readClause reads the reason at the end of the text and returns what is before.
func (d *Denial) readClause(text string) string {
	because, explicit := strings.LastIndex(text, becauseWords), strings.LastIndex(text, explicitWords)
	if explicit > because {
		d.Explicit = true
		clause := text[explicit+len(explicitWords):]
		in, ok := strings.CutPrefix(clause, " in ")
		if !ok {
			return text[:explicit]
		}
		for _, w := range layerWords {
			if after, ok := strings.CutPrefix(in, w.explicit); ok {
				d.Layer = w.layer
				if arn, ok := strings.CutPrefix(after, ": "); ok {
					d.Policy, _, _ = strings.Cut(arn, " ")
				}
			}
		}
		return text[:explicit]
	}
	if because < 0 {
		return text
	}
	clause := text[because+len(becauseWords):]
	for _, w := range layerWords {
		if strings.HasPrefix(clause, w.noun+" allows the ") {
			d.Layer = w.layer
			return text[:because]
		}
	}
	return text
}

// SessionActions returns the action that was refused where it comes along with
// sts:AssumeRole, for KitRequest.SessionActions; none where another was.
func (d Denial) SessionActions() []string {
	if d.Action == "sts:TagSession" || d.Action == "sts:SetSourceIdentity" {
		return []string{d.Action}
	}
	return nil
}
