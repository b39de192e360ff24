package rolecall

import "github.com/rolecall/rolecall/internal/strict"

// CheckConnection checks a connection against what else its organization and
// the vendor have: the secret that it names exists and may be used for it,
// somebody can ask its dispenser, and its role is not the vendor's. Validate
// checks it by itself. CheckConnection reports all faults at once.
func (o Organization) CheckConnection(v Vendor, c Connection) error {
	var faults Errors
	if s, ok := o.Secrets[c.Secret]; c.Secret != "" {
		switch {
		case !ok:
			faults.Add("/secret", "there is no secret "+strict.Quote(c.Secret), "You: declare it under the organization's secrets")
		case s.Type != SecretAWSAccessKey:
			faults.Add("/secret", "the secret "+strict.Quote(c.Secret)+" holds no AWS access key", "You: name one of type aws_access_key")
		case s.Bucket != "" && s.Bucket != c.Bucket:
			faults.Add("/secret", "the secret "+strict.Quote(c.Secret)+" is bound to another bucket", "You: name a secret of the connection's bucket, or store this one again with that bucket")
		}
	}
	if d := c.HTTPCredentialSource; d != nil && d.Validate() == nil {
		if d.Secret != "" {
			faults.AddErr("/http_credential_source/secret", o.CheckBearer(*d))
		} else if _, ok := v.Principals[DispenserPrincipal]; !ok {
			faults.Add("/http_credential_source", "no principal dispenser is declared that signs the request", "You: declare it, or name a secret of type text")
		}
	}
	if role, err := ParseRoleARN(c.RoleARN); err == nil && v.Owns(role.Account) {
		faults.Add("/role_arn", "the role is in an account of the vendor's", "You: give a role in the customer's account")
	}
	return faults.Err()
}
