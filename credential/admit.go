package credential

import (
	"fmt"
	"strings"

	"github.com/rolecall/rolecall"
)

// admitRole refuses, before any call, what must not be asked for.
func (v *Vault) admitRole(r Role) (roleTarget, error) {
	p, err := v.principal(r.Principal)
	if err != nil {
		return roleTarget{}, err
	}
	if r.Principal == rolecall.DispenserPrincipal {
		return roleTarget{}, &rolecall.Error{
			Code: rolecall.Invalid, Message: "the principal dispenser assumes no roles", Hint: "Operator: name another principal for roles; this one signs requests to dispensers only",
		}
	}
	role, err := rolecall.ParseRoleARN(r.RoleARN)
	if err != nil {
		return roleTarget{}, err
	}
	if err := checkExternalID(r.ExternalID); err != nil {
		return roleTarget{}, err
	}
	if role.Partition != p.ARN.Partition {
		return roleTarget{}, &rolecall.Error{
			Code:    rolecall.Invalid,
			Message: fmt.Sprintf("the role %s is in partition %s, the principal %s in %s", r.RoleARN, role.Partition, r.Principal, p.ARN.Partition),
			Hint:    "You: name a principal of the role's partition",
		}
	}
	if v.isVendorAccount(role.Account) {
		return roleTarget{}, &rolecall.Error{
			Code: rolecall.Forbidden, Message: "the role " + r.RoleARN + " is not usable",
			Hint: "You: give a role in the customer's account",
			Err: &rolecall.Undisclosed{
				Message: "the account " + role.Account + " is the vendor's own",
				Hint:    "Customer: give a role in your own account. Operator: see vendor_accounts and principals in rolecall.yaml",
			},
		}
	}
	return roleTarget{Role: r, principal: p, about: r.subject(p), vault: v}, nil
}

// admitDispenser refuses, before any call, what must not be asked for.
func (v *Vault) admitDispenser(r DispenserRequest) (dispenserTarget, error) {
	p, err := v.principal(r.Principal)
	if err != nil {
		return dispenserTarget{}, err
	}
	if err := r.Source.Validate(); err != nil {
		return dispenserTarget{}, err
	}
	r.Source = r.Source.Normal()
	if err := checkExternalID(r.ExternalID); err != nil {
		return dispenserTarget{}, err
	}
	var signer Principal
	switch secret := r.Secret; {
	case r.Access != AccessRead && r.Access != AccessWrite || r.Organization == "" || r.Bucket == "":
		err = &rolecall.Error{Code: rolecall.Internal, Message: "a dispenser is asked for an access to a bucket", Hint: "You: report this as a fault of rolecall's"}
	case r.Source.Secret == "":
		signer, err = v.principal(rolecall.DispenserPrincipal)
	case secret.Name != r.Source.Secret || secret.Type != rolecall.SecretText:
		err = &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("the secret %q holds no text", r.Source.Secret), Hint: "You: name a secret of the type text"}
	case secret.Host == "" || !strings.EqualFold(secret.Host, r.Source.Host()):
		err = &rolecall.Error{
			Code: rolecall.Forbidden, Message: fmt.Sprintf("the secret %q is not for the host %q", secret.Name, r.Source.Host()),
			Hint: "Operator: bind the secret to this host, or name another secret",
		}
	}
	if err != nil {
		return dispenserTarget{}, err
	}
	return dispenserTarget{DispenserRequest: r, principal: p, signer: signer, about: r.subject(signer), vault: v}, nil
}

// admitSecret refuses what the secret is not for.
func admitSecret(r SecretRequest) error {
	switch {
	case r.Secret.Type != rolecall.SecretAWSAccessKey:
		return &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("the secret %q holds no AWS access key", r.Secret.Name), Hint: "You: name a secret of the type aws_access_key"}
	case r.Secret.Bucket != "" && r.Secret.Bucket != r.Bucket:
		return &rolecall.Error{
			Code: rolecall.Forbidden, Message: fmt.Sprintf("the secret %q is not for the bucket %q", r.Secret.Name, r.Bucket),
			Hint: "Operator: bind the secret to this bucket, or name another secret",
		}
	default:
		return nil
	}
}

func (v *Vault) principal(name string) (Principal, error) {
	p, ok := v.options.Principals[name]
	if !ok {
		return Principal{}, &rolecall.Error{
			Code: rolecall.Invalid, Message: fmt.Sprintf("there is no principal %q", name),
			Hint: "Operator: declare it under principals in rolecall.yaml",
		}
	}
	return p, nil
}

func checkExternalID(id string) error {
	if id == "" {
		return &rolecall.Error{
			Code: rolecall.Invalid, Message: "the organization has no external id",
			Hint: "Operator: declare external_id in the organization; without one no role is assumed and no dispenser asked",
		}
	}
	return rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: id}.Validate()
}
