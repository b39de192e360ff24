// Package credential vends the short-lived AWS credentials that storage work
// runs with: sessions of a customer's role, proved safe before it is used and
// narrowed by a session policy; what a customer's dispenser answers with,
// proved likewise; or static keys of a customer's secret.
//
// Call [New] with the principals that your workers run as (those of [Open], or
// any provider of the SDK's) and a store of verdicts: [Memory], or one that
// outlasts the process. Then [Vault.Role], [Vault.Dispenser] or [Vault.Secret]
// returns a [Provider], which is an aws.CredentialsProvider: give it to any
// client of the SDK. Its first Retrieve proves the role; later ones are
// answered from a cache, and the credential is refreshed ahead of its end.
// [Vault.Hold] returns a context that ends when the role may not be used any
// more; [Vault.Prove] asks now whether it may. Call [Vault.Close] at the end.
//
// The package guarantees that
//
//   - a role is assumed for work only while there is a passing verdict of its
//     probes, stored per organization, principal, role, external id and the
//     role's unique id; a dispenser is used likewise, and the account of its
//     credentials is pinned for the organization until it releases its claim;
//   - no call at all is made to a role in one of the vendor's accounts, in
//     another partition, or claimed by another organization;
//   - work that holds a credential ends when the claim ends that it rests on,
//     whichever process found out, and does not claim again by going on;
//   - a principal's keys are used only after STS has said that they are the
//     declared principal's;
//   - concurrent requests for one credential cause one call, and none of them
//     can cancel it for the others;
//   - no secret value, session token or external id is logged or put into the
//     text of an error;
//   - a panic in a provider, a store or another function of the program's is an
//     error of the call that it came from.
//
// What a session may do is package policy's concern, and which addresses a
// dispenser may have that of the client in [Options]. Nothing here reads or
// writes objects.
package credential
