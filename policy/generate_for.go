package policy

import "github.com/rolecall/rolecall"

// RequestFor returns what a connection asks of Generate by what is declared.
// Without names of principals it is for the one that the connection's jobs run
// as: that of its region, else the default.
func RequestFor(v rolecall.Vendor, o rolecall.Organization, c rolecall.Connection, principals []string) (KitRequest, error) {
	r := KitRequest{Connection: c, ExternalIDs: []string{o.ExternalIDFor(c)}, VendorAccounts: v.Accounts}
	if len(principals) == 0 {
		principals = []string{""}
	}
	for _, name := range principals {
		p, err := v.PrincipalFor(name, c.Region)
		if err != nil {
			return r, err
		}
		r.Principals = append(r.Principals, p.ARN.String())
	}
	return r, nil
}
