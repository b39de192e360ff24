package policy

import "strings"

// Unpoliced reports whether no policy decides about the action: AWS answers it
// to whoever has credentials of the right kind.
//
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html and
// id_credentials_temp_control-access_getsessiontoken.html
func Unpoliced(action string) bool {
	return equalFold(action, "sts:GetCallerIdentity") || equalFold(action, "sts:GetSessionToken")
}

// refusal returns why AWS refuses the request whatever its policies say, or "":
// some calls cannot be made with some credentials.
// id_credentials_temp_request.html#stsapi_comparison
func (r *request) refusal() string {
	service, name, _ := strings.Cut(r.Action, ":")
	kind := r.requester.kind
	switch {
	case equalFold(service, "sts"):
		return r.refusalOfSTS(strings.ToLower(name))
	case equalFold(service, "iam") && kind == asFederatedUser:
		return "a federated user cannot call IAM"
	case (equalFold(service, "iam") || equalFold(service, "kms")) && kind == asAnonymous:
		// Few services take anonymous callers, S3 among them.
		// reference_policies_variables.html#principaltable
		return unsigned
	}
	return ""
}

const unsigned = "an anonymous caller has no credentials to sign the call with"

// refusalOfSTS returns why STS refuses the operation, named in lower case.
func (r *request) refusalOfSTS(operation string) string {
	kind := r.requester.kind
	longTerm := (kind == asUser || kind == asRoot) && len(r.values(keyTokenIssueTime)) == 0
	switch operation {
	case "assumerolewithsaml", "assumerolewithwebidentity":
		return "" // a proof of the identity provider's takes the place of credentials
	case "getcalleridentity":
		if kind == asProvider {
			return "a user of an identity provider has no credentials before a role is assumed"
		}
		if kind == asFederatedUser {
			return ""
		}
	case "getsessiontoken", "getfederationtoken":
		if !longTerm {
			return "the call takes the long-term credentials of a user or of the account's root user"
		}
	case "assumerole", "tagsession", "setsourceidentity", "setcontext": // which go with it
		// id_roles_use_switch-role-api.html
		if kind == asRoot {
			return "the account's root user cannot assume a role"
		}
	}
	switch kind {
	case asAnonymous:
		return unsigned
	case asFederatedUser:
		return "a federated user can call nothing of STS but GetCallerIdentity"
	default:
		return ""
	}
}

// keyTokenIssueTime is a key, folded, of temporary credentials only.
// reference_policies_condition-keys.html
const keyTokenIssueTime = "aws:tokenissuetime"
