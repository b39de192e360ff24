package policy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// foldKey returns the form that a condition key's names share, which differ
// only in case. Keys can hold the names of tags, so this is about the letters
// of all alphabets. Outside of ASCII no letter stands for one of ASCII: the long
// s is none of the s in aws:SourceIp.
// id_tags.html and reference_policies_variables.html
func foldKey(name string) string {
	if isASCII(name) {
		return strings.ToLower(name)
	}
	return strings.Map(foldRune, name)
}

func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		return unicode.ToLower(r)
	}
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		if f >= utf8.RuneSelf {
			least = min(least, f)
		}
	}
	return least
}

// isASCII reports whether the text is ASCII.
func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// contextKey is a key that the request was given.
type contextKey struct {
	name   string
	folded string // empty: the name is ASCII
	values []string
}

// is reports whether the key is the one of the folded name.
func (k *contextKey) is(folded string) bool {
	if k.folded != "" {
		return k.folded == folded
	}
	return equalFold(k.name, folded)
}

// add adds a key that the request was given.
func (r *request) add(name string, values []string) {
	k := contextKey{name: name, values: values}
	if !isASCII(name) {
		k.folded = foldKey(name)
	}
	r.keys = append(r.keys, k)
	if r.index == nil {
		return
	}
	last, folded := len(r.keys)-1, foldKey(name)
	if i, ok := r.index[folded]; !ok || name < r.keys[i].name {
		r.index[folded] = last
	}
}

// values returns the values of a condition key, given by its folded name: those
// that the request was given, else what the principal or the owner of the resource
// decides. It is nil when the key is not there.
func (r *request) values(key string) []string {
	if k := r.given(key); k != nil && k.values != nil {
		return k.values
	}
	if value := r.derived(key); value != "" {
		return []string{value}
	}
	return nil
}

// given returns the key that the request was given, or nil. Should a context
// hold a key twice in different case, the first in byte order counts.
func (r *request) given(key string) *contextKey {
	if r.index != nil {
		if i, ok := r.index[key]; ok {
			return &r.keys[i]
		}
		return nil
	}
	var found *contextKey
	for i := range r.keys {
		if k := &r.keys[i]; k.is(key) && (found == nil || k.name < found.name) {
			found = k
		}
	}
	return found
}

// The keys that are derived, folded.
const (
	keyPrincipalARN      = "aws:principalarn"
	keyPrincipalAccount  = "aws:principalaccount"
	keyPrincipalType     = "aws:principaltype"
	keyPrincipalService  = "aws:principalisawsservice"
	keyServiceName       = "aws:principalservicename"
	keyFederatedProvider = "aws:federatedprovider"
	keyUserName          = "aws:username"
	keyUserID            = "aws:userid"
	keyCallerAccount     = "kms:calleraccount"
	keyResourceAccount   = "aws:resourceaccount"
)

// derived returns the value that a key has by what the principal and the owner
// of the resource are. It is empty where they do not decide it: a user's or role's
// unique id, which is in aws:userid, is in no ARN.
//
// reference_policies_condition-keys.html and, for the values of
// aws:PrincipalType, aws:userid and aws:username, reference_policies_variables.html
func (r *request) derived(key string) string {
	q := &r.requester
	switch key {
	case keyResourceAccount:
		return r.Account
	case keyPrincipalARN:
		// Of a role the ARN is the role's, not the session's.
		if q.kind == asSession {
			return q.role
		}
		if q.inAccount() {
			return q.arn
		}
	case keyPrincipalAccount:
		if q.kind == asAnonymous {
			return anonymous
		}
		if q.inAccount() {
			return q.account
		}
	case keyPrincipalType:
		return principalTypes[q.kind]
	case keyPrincipalService:
		switch {
		case q.kind == asService:
			return "true"
		case q.inAccount():
			return "false"
		}
	case keyServiceName:
		if q.kind == asService {
			return q.arn
		}
	case keyFederatedProvider:
		if q.kind == asProvider && !strings.Contains(q.arn, ":saml-provider/") {
			return q.arn
		}
	case keyUserName:
		if q.kind == asUser {
			return q.arn[strings.LastIndexByte(q.arn, '/')+1:]
		}
	case keyUserID:
		return q.userID()
	case keyCallerAccount:
		// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
		if q.inAccount() && hasPrefix(r.Action, "kms:", true) {
			return q.account
		}
	}
	return ""
}

// anonymous is the account and the id of an anonymous caller.
const anonymous = "anonymous"

// principalTypes are the values of aws:PrincipalType. AWS's pages give none for
// services and identity providers.
var principalTypes = map[requesterKind]string{
	asAnonymous: "Anonymous", asUser: "User", asRole: "AssumedRole", asSession: "AssumedRole",
	asFederatedUser: "FederatedUser", asRoot: "Account",
}

// userID returns the requester's unique id, empty where its ARN does not tell it.
func (q *requester) userID() string {
	switch q.kind {
	case asRoot:
		return q.account
	case asAnonymous:
		return anonymous
	case asFederatedUser:
		return q.account + ":" + q.arn[strings.LastIndexByte(q.arn, '/')+1:]
	default:
		return ""
	}
}
