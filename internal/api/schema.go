package api

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/explain"
	"github.com/rolecall/rolecall/policy/lint"
)

// said is what the OpenAPI document says of a member beside its type.
type said struct {
	text        string
	of          []any  // what it may be; nil: anything
	form        string // regular expression; empty: any
	longest     int    // bytes; 0: any
	standard    string // where it is left out: in the text, since generated clients make members required that have a default
	example     any
	least, most *float64 // of numbers
}

// apply says it of a schema.
func (m said) apply(s *huma.Schema) {
	if s.Ref != "" {
		return // what stands beside a reference is not read by all; see describedSchemas
	}
	s.Description = m.text
	if m.of != nil {
		s.Enum = m.of
	}
	if m.form != "" {
		s.Pattern = m.form
	}
	if m.longest != 0 {
		s.MaxLength = &m.longest
	}
	if m.standard != "" {
		s.Description += " Left out: " + m.standard + "."
	}
	if m.example != nil {
		s.Examples = []any{m.example}
	}
	if m.least != nil {
		s.Minimum, s.Maximum = m.least, m.most
	}
}

// either returns values as the document has them.
func either[T any](of ...T) (out []any) {
	for _, one := range of {
		out = append(out, one)
	}
	return out
}

// The forms of what is sent.
const (
	formAccount    = `^[0-9]{12}$`
	formAPIName    = `^[a-z0-9]+(-[a-z0-9]+)*$`
	formDuration   = `^([0-9]+d|([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+)$`
	formExternalID = `^[\w+=,.@:/-]*$`
	formName       = `^[A-Za-z0-9][A-Za-z0-9._-]*$`
)

var (
	anAccount   = said{text: "An AWS account: 12 digits.", form: formAccount, example: "111122223333"}
	aRole       = said{text: "ARN of an IAM role.", example: "arn:aws:iam::111122223333:role/media"}
	checkResult = said{
		text: "null while it runs; drift: a role that had passed no longer does.",
		of:   append(either(rolecall.CheckPass, rolecall.CheckWarn, rolecall.CheckFail, rolecall.CheckDrift), nil),
	}
	anElement = said{text: "The statement's Sid; left out where it has none."}
	aDocument = either(policy.TrustDocument, policy.PermissionsDocument, policy.BucketDocument, policy.KeyDocument, policy.WorkerDocument)
	layers    = either(policy.Identity, policy.ResourcePolicy, policy.SessionPolicy, policy.Boundary, policy.SCP, policy.RCP)
	decisions = either(policy.Allowed, policy.ExplicitlyDenied, policy.ImplicitlyDenied)
)

// describedSchemas is of schemas that members refer to.
var describedSchemas = map[string]string{
	"AuditAWS":             "What CloudTrail has of credentials that were given out.",
	"AuditActor":           "Who did it, as the token, session or link that was presented.",
	"Change":               "The smallest change that turns the decision.",
	"Encryption":           "What new objects are encrypted with; without it, as the bucket does.",
	"ExternalID":           "An external id: an organization's, where it is left out one is made; or a connection's own, which only an operator chooses, and where it is left out it is the organization's.",
	"HTTPCredentialSource": "The customer's dispenser, which is asked for credentials in place of a role.",
	"Limits":               "The organization's own limits, or the service's.",
	"LimitsPatch":          "Limits to change; those left out stay, and null is the service's own.",
	"Patch":                "A change that fixes what a step found, and where it goes.",
}

// described is of members that mean the same in all schemas that have them.
var described = map[string]said{
	"access":                        {text: "What a token with the role credentials is for; write reads, too.", of: either("read", "write")},
	"account":                       {text: "The account that the role has to be in; left out: any.", form: formAccount, example: "111122223333"},
	"acl":                           {text: "The canned ACL that deliveries are given, such as bucket-owner-full-control; left out: none."},
	"api_name":                      {text: "Names the organization in paths: 2 to 63 lowercase letters, digits and single hyphens. It is never given to another.", form: formAPIName, longest: 63, example: "acme"},
	"bucket":                        {text: "Name of the bucket; empty in a connection where whoever has its setup link is to give it.", example: "acme-masters"},
	"bucket_owner":                  {text: "Account that owns the bucket; left out: the role's.", form: formAccount, example: "111122223333"},
	"checked":                       {text: "When a check last ended; null: never."},
	"connection":                    {text: "Name of a connection.", example: "masters"},
	"created":                       {text: "When it was made."},
	"created_by":                    {text: "Id of who made it: of a token, session or member; host for a command on the service's machine."},
	"ended":                         {text: "When it ended; null: it runs."},
	"expires":                       {text: "When it ends; null: never."},
	"external_ids":                  {text: "External ids that a trust policy must accept: two while one replaces the other."},
	"fills":                         {text: "Members of the connection, beside role_arn and region, that whoever has the link gives, as JSON pointers."},
	"hint":                          {text: "Who does what about it: \"You: …\", \"Customer: …\", \"Operator: …\"."},
	"id":                            {text: "Names it in paths."},
	"interrupted":                   {text: "It ended with the service, before its steps did: it found nothing, and result is fail."},
	"started":                       {text: "When it began."},
	"jobs":                          {text: "What jobs may name: connections only, or any place."},
	"message":                       {text: "What is wrong, in one line."},
	"name":                          {text: "Its name.", longest: 200},
	"next":                          {text: "The cursor of the next page; left out on the last one."},
	"organization":                  {text: "Whose it is: an api_name.", example: "acme"},
	"paused":                        {text: "No credentials are given out, and no work begins."},
	"pointer":                       {text: "JSON pointer to the place that is meant; empty: all of it."},
	"prefix":                        {text: "Begins all keys that are worked on; it ends in a slash. Left out: the whole bucket.", example: "in/"},
	"principals":                    {text: "Who comes with the external id: whom trust policies name."},
	"probe_key":                     {text: "Key of an object that checks read; left out: the first that is listed."},
	"purpose":                       {text: "source to read, delivery to read and write.", of: either(rolecall.Source, rolecall.Delivery)},
	"queued":                        {text: "How many jobs wait; 0, where it is sent: the service's own limit.", least: pointer(0.0)},
	"region":                        {text: "Where the bucket is; left out: rolecall asks S3.", example: "eu-central-1"},
	"requester_pays":                {text: "Requests say that the requester pays."},
	"results":                       {text: "The page, the newest first."},
	"role":                          {text: "What its holder may do."},
	"role_arn":                      aRole,
	"role_session_duration_seconds": {text: "How long sessions of the role last; left out: 3600.", least: pointer(900.0), most: pointer(43200.0)},
	"running":                       {text: "How many jobs run at once; 0, where it is sent: the service's own limit.", least: pointer(0.0)},
	"s3_endpoint_url":               {text: "URL of S3 that is not AWS's; left out: AWS's own.", example: "https://s3.example.com:9000"},
	"secret":                        {text: "Name of the organization's secret that authorizes, in place of a role."},
	"sid":                           anElement,
	"storage_class":                 {text: "Storage class of deliveries; left out: STANDARD."},
	"suspended":                     {text: "rolecall.yaml does not declare it any more: it is read-only, and no work begins."},
	"used":                          {text: "When it was last used, about; null: never."},
	"verified":                      {text: "When a check last passed; null: never."},
	// Of policies.
	"action":    {text: "Action of AWS's, such as s3:GetObject.", example: "s3:GetObject"},
	"document":  {text: "Kind of the document: trust, permissions, boundary, bucket, key, worker, session, scp or rcp.", example: "trust"},
	"index":     {text: "Number of the document in its layer, from 0."},
	"principal": {text: "Who asks: an ARN, a service's domain, or * for anyone.", example: "arn:aws:iam::111122223333:role/media"},
	"resource":  {text: "ARN of what is asked for.", example: "arn:aws:s3:::acme-masters/in/a.mov"},
	"statement": {text: "Number of the statement in its document, from 0."},
	"target":    {text: "ARN or name of what it belongs to."},
}

// describedIn is of members that mean something of their own in a schema.
var describedIn = map[string]map[string]said{
	"About": {"version": {text: "As rolecall version prints it."}},
	"AuditAWS": {
		"access_key_id": {text: "Of the session that was given out: CloudTrail has it."},
		"role_arn":      {text: "The role that was assumed."},
		"session_name":  {text: "Name of the role session: CloudTrail has it."},
	},
	"AuditActor": {
		"address": {text: "Where the request came from; left out where that is not known."},
		"id":      {text: "Of the token, session or link that was presented."},
		"kind":    {text: "What the actor is; host: a command on the service's machine.", of: either(account.KindOperator, account.KindService, account.KindMember, account.KindSetup, account.KindHost)},
		"name":    {text: "Of the token, session or link."},
	},
	"AuditRecord": {
		"action":       {text: "What was done, as noun.verb.", example: "connection.put"},
		"decision":     {text: "Whether it was done."},
		"organization": {text: "Whose record it is; empty: no organization's."},
		"reason":       {text: "Why it was refused, or what became of it."},
		"request_id":   {text: "X-Request-Id of the request."},
		"target":       {text: "What it was done to, such as connections/masters; empty: the organization itself."},
		"time":         {text: "When."},
	},
	"Branch": {
		"documents": {text: "The layer's documents, and how their statements met the request."},
		"outcome":   {text: "What the layer adds to the decision.", of: either(explain.Allows, explain.Denies, explain.Lacks, explain.NotNeeded)},
		"policy":    {text: "The layer.", of: layers},
		"why":       {text: "In one line."},
	},
	"Candidate": {
		"account":  {text: "The account whose policy it is; left out where AWS does not say."},
		"add":      {text: "The statement to add to the document."},
		"document": {text: "What kind of policy it is: permissions, trust, bucket, key and others."},
		"layer":    {text: "The layer that refuses.", of: denialLayers},
		"target":   {text: "ARN of what the policy is attached to."},
	},
	"Change": {
		"decision": {text: "What the edits make of the request.", of: decisions},
		"edits":    {text: "All of them together."},
	},
	"Check": {
		"result": checkResult,
		"steps":  {text: "Those that have ended, in order."},
	},
	"CheckSummary": {"result": checkResult},
	"CheckStep": {
		"candidates": {text: "Layers one of which is at fault, the likeliest first; empty where layer says it."},
		"layer": {text: "What is at fault; empty: nothing, or one of candidates.", of: either(rolecall.CheckLayer(""), rolecall.LayerTrust, rolecall.LayerRole, rolecall.LayerSession, rolecall.LayerBucket,
			rolecall.LayerKey, rolecall.LayerOrganization, rolecall.LayerNetwork, rolecall.LayerName, rolecall.LayerPrincipal)},
		"message": {text: "What was found, in one line."},
		"patches": {text: "A patch for each of several candidates, the likeliest first."},
		"result":  {text: "skip: it does not apply, or cannot be decided while another step fails.", of: either(rolecall.CheckPass, rolecall.CheckWarn, rolecall.CheckFail, rolecall.CheckSkip)},
		"step":    {text: "Its name.", example: rolecall.CheckSteps()[0]},
	},
	"Connection": {
		"external_id": {text: "Its own external id; left out: the organization's."},
		"id":          {text: "Stays the same as long as the connection is there."},
		"name":        {text: "Names it in paths.", example: "masters"},
		"reason":      {text: "Why it is not verified, in one line."},
		"revision":    {text: "Grows with each change; the ETag."},
		"status":      {text: "pending: not checked since it changed; verified: the last check passed; failed: it did not; drifted: a role that had passed no longer does."},
	},
	"ContainerError": {"code": {text: "As in problems.", of: codes}},
	"Credentials": {
		"AccessKeyId":     {text: "As SDKs read it."},
		"AccountId":       {text: "Account of the role."},
		"Expiration":      {text: "When they end."},
		"SecretAccessKey": {text: "As SDKs read it."},
		"SessionToken":    {text: "In the form process."},
		"Token":           {text: "The session token in the form container."},
		"Version":         {text: "1, in the form process."},
	},
	"DeclaredConnection": {
		"external_id": {text: "Its own external id, which only an operator chooses; left out: the organization's."},
		"purpose":     {text: "source to read, delivery to read and write. The holder of a setup link may leave it out.", of: either(rolecall.Source, rolecall.Delivery)},
		"role_arn":    {text: "The customer's role, which need not exist yet; left out: policies are made before there is one.", example: aRole.example},
	},
	"Edit": {
		"document": {text: "The document as it should be; left out of an edit of the request, and where the document is to go."},
		"policy":   {text: "The layer; left out: of the request.", of: layers},
		"pointer":  {text: "JSON pointer to what changes in the document, or in the request's context."},
		"text":     {text: "The edit in one line."},
		"value":    {text: "Of the request's condition key."},
	},
	"Encryption": {
		"key":  {text: "ARN of the KMS key; empty, with aws:kms, in a connection: whoever has its setup link gives it.", example: "arn:aws:kms:eu-central-1:111122223333:key/1a2b3c4d-1234-1234-1234-1a2b3c4d5e6f"},
		"type": {text: "AES256 for keys of S3's, aws:kms for a KMS key.", of: either("AES256", "aws:kms")},
	},
	"Error":          {"code": {text: "What kind of error it is.", of: codes}, "pointer": {text: "JSON pointer to its place in the body; left out: all of it, or not of the body."}},
	"ExplainRequest": {"message": {text: "The error as AWS, an SDK or a tool worded it.", example: "User: arn:aws:iam::999988887777:role/worker is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/media"}},
	"Explanation": {
		"candidates": {text: "Policies that may be at fault, the likeliest first."},
		"explicit":   {text: "A statement denies it; otherwise one that allows it is missing."},
		"layer":      {text: "The layer that AWS names.", of: denialLayers},
		"policy":     {text: "ARN of the policy that AWS names."},
		"summary":    {text: "What AWS's message says, in one line."},
	},
	"ExternalID": {
		"mode":  {text: "generated: the service makes one; api_name: the organization's api_name; custom: value, which only an operator chooses.", of: either(rolecall.ExternalIDGenerated, rolecall.ExternalIDAPIName, rolecall.ExternalIDCustom)},
		"value": {text: "With mode custom: 2 to 1224 letters, digits or characters of _+=,.@:/-", form: formExternalID, longest: 1224},
	},
	"FileReport": {
		"document": {text: "Number of the policy in its text, from 1; left out: it is the text."},
		"file":     {text: "The name that was sent."},
		"findings": {text: "What is wrong with it."},
		"fixed":    {text: "The policy corrected, where something was and could be."},
		"kind":     {text: "What kind of policy it is; empty where it could not be read.", of: append(append([]any{}, aDocument...), policy.Kind(""))},
		"within":   {text: "JSON pointer to where the policy stands in the text; left out: it is the text."},
	},
	"Finding": {
		"column":   {text: "From 1, in characters."},
		"fixed":    {text: "The corrected policy does not have it."},
		"line":     {text: "From 1."},
		"rule":     {text: "Name of the rule, which docs/lint explains.", example: "principal-wildcard"},
		"severity": {text: "error: AWS refuses it, it does not work, or it is open; warning: it is more or less than it should be; note: it could be said better.", of: either(lint.Error, lint.Warning, lint.Note)},
		"widens":   {text: "The corrected policy allows something that it did not before."},
	},
	"HTTPCredentialSource": {
		"secret": {text: "Name of a secret of type text, which is sent as a bearer token; left out: the request is signed by the principal dispenser."},
		"url":    {text: "The dispenser's URL, in https.", example: "https://dispenser.example.com/credentials"},
	},
	"Kit": {
		"bucket":      {text: "Statements for the bucket's policy."},
		"key":         {text: "Statements for the KMS key's policy."},
		"permissions": {text: "Of the customer's role."},
		"reasons":     {text: "What each statement is for."},
		"revocation":  {text: "Ends living sessions once it is put on the role."},
		"trust":       {text: "Trust policy of the customer's role."},
		"worker":      {text: "Of the vendor's workers."},
	},
	"Leaves": {"statements": {text: "In order."}},
	"Link": {
		"id":  {text: "Of the member."},
		"url": {text: "Signs in, once, whoever opens it and presses its button. It is shown once."},
	},
	"LintRequest": {
		"documents": {text: "Policies as they were pasted."},
		"kind":      {text: "What kind all of them are; left out: by the content of each.", of: aDocument},
	},
	"MadeSetupLink": {"url": {text: "Its last part is the link's token: who has it may call, with it as a bearer token, getSetupLink, getConnection, putConnection, getPolicies and the operations of checks, for this connection. It is shown once."}},
	"MadeToken":     {"token": {text: "To be sent as Authorization: Bearer. It is shown once."}},
	"Member": {
		"expires": {text: "When the invitation ends; left out once it was used."},
		"joined":  {text: "When the invitation was used; null: not yet."},
	},
	"NewCheck": {
		"deep":     {text: "Write and delete a real object, too.", standard: "false"},
		"policies": {text: "Policies as the account has them, by kind (trust, permissions, boundary, bucket, key, worker, scp, rcp): they are judged and corrected. A document, or a list of those of which there can be several."},
		"wait":     {text: "For how long a step that is denied is tried again, at most 10m: what was just changed at AWS takes a while. Left out: until two minutes after the connection was last changed.", form: formDuration, example: "2m"},
	},
	"NewOperatorToken": {"expires": {text: "How long it is valid: as Go writes durations, or in days.", form: formDuration, standard: "90d", example: "90d"}},
	"NewOrganization": {
		"external_id": {text: "Left out: one is generated."},
		"jobs":        {text: "What jobs may name: connections only, or any place.", standard: "connections"},
		"name":        {text: "Its name for people: 200 bytes at most. Left out: its api_name.", longest: 200},
	},
	"NewSecret": {
		"access_key_id":     {text: "Of type aws_access_key."},
		"bucket":            {text: "Of type aws_access_key: the only bucket that it is used for; left out: any of the organization's connections."},
		"host":              {text: "Of type text: the only host that it is sent to."},
		"secret_access_key": {text: "Of type aws_access_key."},
		"type":              {text: "aws_access_key: keys of an IAM user; text: a bearer token for a dispenser.", of: either(rolecall.SecretAWSAccessKey, rolecall.SecretText)},
		"value":             {text: "Of type text."},
	},
	"NewSetupLink": {"expires": {text: "How long it is valid, at most 90d: as Go writes durations, or in days.", form: formDuration, standard: "14d", example: "14d"}},
	"NewToken": {
		"connection": {text: "With the role credentials: the connection's name.", example: "masters"},
		"expires":    {text: "How long it is valid: as Go writes durations, or in days.", form: formDuration, standard: "90d", example: "90d"},
		"name":       {text: "What it is for.", longest: 200},
		"role":       {text: "viewer reads; submitter also works with jobs; admin also with connections, secrets, tokens and members; credentials takes the credentials of one connection, and nothing else."},
	},
	"Offboarded": {
		"notes":   {text: "What else to know."},
		"remains": {text: "What the customer still has, for its admins to remove."},
	},
	"Organization": {
		"external_id": {text: "The external id, which trust policies of the customer's roles require."},
		"managed_by":  {text: "config: rolecall.yaml declares it, and the API does not change it."},
	},
	"OrganizationPatch": {
		"jobs":   {text: "Only an operator changes it. null: connections."},
		"name":   {text: "Its name for people: 200 bytes at most. null: its api_name.", longest: 200},
		"paused": {text: "What an operator paused only an operator continues."},
	},
	"PastedPolicy": {
		"name": {text: "For the answer; left out: a number."},
		"text": {text: "As it was pasted: it need not be JSON."},
	},
	"Patch": {
		"commands":   {text: "Commands of the AWS command line that do it."},
		"connection": {text: "The connection as it should be declared."},
		"corrects":   {text: "The kind of the given document that policy was made from."},
		"document":   {text: "A kind of policy, with policy; connection, with connection; or setting, with commands alone."},
		"mode":       {text: "replace: policy takes the place of the whole document; merge: its statements take the place of those with their Sids, and all others stay.", of: either(rolecall.PatchReplace, rolecall.PatchMerge)},
		"policy":     {text: "A whole document, or statements alone, as mode says."},
	},
	"Principal": {
		"arn":     {text: "ARN that trust policies name.", example: "arn:aws:iam::999988887777:role/worker"},
		"default": {text: "It comes where no other is for the region."},
		"name":    {text: "Its name in rolecall.yaml."},
		"regions": {text: "Regions that it is for."},
	},
	"Problem": {
		"detail": {text: "The first error's message."},
		"errors": {text: "All that is wrong, at least one."},
		"status": {text: "The status of HTTP."},
		"title":  {text: "The status in words."},
		"type":   {text: "Path of a page of this service that explains it."},
	},
	"Reason":            {"text": {text: "What the statement is for."}},
	"Ref":               {"policy": {text: "The layer.", of: layers}},
	"Remaining":         {"connection": {text: "The connection's name."}, "dispenser": {text: "URL of the dispenser."}, "kms_key": {text: "ARN of the KMS key whose policy lets the role in."}, "role_arn": {text: "The role."}},
	"Report":            {"files": {text: "One for each policy."}},
	"RotatedConnection": {"passed": {text: "A check passed with the new external id."}},
	"Rotation": {
		"connections": {text: "Those that use the organization's external id."},
		"new":         {text: "The external id that takes its place."},
		"old":         {text: "The external id that is replaced. It is in force until all connections have passed."},
	},
	"Secret": {
		"bucket":  {text: "The only bucket that an access key is used for; left out: any."},
		"host":    {text: "The only host that a text is sent to."},
		"type":    {text: "What it contains.", of: either(rolecall.SecretAWSAccessKey, rolecall.SecretText)},
		"updated": {text: "When its value was last stored."},
		"version": {text: "Grows with each value."},
	},
	"Session": {
		"current":      {text: "It is the one that asks."},
		"expires":      {text: "When it ends; it ends earlier if it is not used for 12 hours."},
		"member":       {text: "Id of the member; left out: who signed in is none."},
		"organization": {text: "Whose it is; left out: an operator's."},
	},
	"SimulateRequest": {
		"account":         {text: "Account that owns the resource; left out: the one in its ARN, else the principal's.", form: formAccount, example: anAccount.example},
		"boundary":        {text: "Permissions boundaries of the principal."},
		"context":         {text: "Condition keys and their values: a text, or a list of texts."},
		"identity":        {text: "Policies of the principal."},
		"rcp":             {text: "Resource control policies, of one level, or a list for each level."},
		"resource_policy": {text: "Policy of the resource."},
		"scp":             {text: "Service control policies, of one level, or a list for each level."},
		"session":         {text: "Session policy."},
	},
	"Simulated": {
		"also_missing": {text: "Layers that would have to allow once no statement denies."},
		"decided_by":   {text: "The statements that decided."},
		"decision":     {text: "Whether it is allowed.", of: decisions},
		"layers":       {text: "What each layer says."},
		"missing":      {text: "Layers that must allow, and do not."},
		"refused":      {text: "Why it is refused without regard to policies."},
	},
	"Statement": {
		"effect":  {text: "Allow or Deny.", of: either("Allow", "Deny")},
		"matched": {text: "It applies to the request."},
		"unmet":   {text: "Why it does not."},
	},
	"Unmet": {
		"element":  {text: "Principal, Action, Resource or Condition, or one of the Not…s.", example: "Condition"},
		"got":      {text: "What the request has there; empty: it has no such key."},
		"key":      {text: "Condition key."},
		"operator": {text: "Condition operator."},
		"wanted":   {text: "What the statement asks for there."},
	},
	"OpenedSetupLink": {"account": {text: "The account that the role has to be in; left out: any.", example: anAccount.example}},
}

// codes are of errors.
var codes = either(rolecall.Invalid, rolecall.NotFound, rolecall.Conflict, rolecall.Unauthenticated, rolecall.Forbidden, rolecall.Unavailable, rolecall.Internal)

var denialLayers = either(policy.DeniedByIdentity, policy.DeniedByResource, policy.DeniedBySession, policy.DeniedByBoundary, policy.DeniedBySCP, policy.DeniedByRCP, policy.DeniedByVPCE)
