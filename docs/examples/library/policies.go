package main

import "github.com/rolecall/rolecall/policy"

// policies returns the documents of a connection: the trust policy and the
// permissions of the customer's role, and the permissions of our worker. They
// allow what the connection is for and nothing else.
func policies(c customer) (policy.Kit, error) {
	if err := c.connection.Validate(); err != nil {
		return policy.Kit{}, err
	}
	return policy.Generate(policy.KitRequest{
		Connection:  c.connection,
		Principals:  []string{worker},
		ExternalIDs: []string{c.externalID},
	})
}
