package explain

import (
	"encoding/json"
	"regexp"
	"strings"
	"sync"

	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/policy"
)

// decoded reads what sts:DecodeAuthorizationMessage returns, with or without the
// answer that it comes in.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
func decoded(text string) (Explanation, bool) {
	text = strings.TrimSpace(text)
	var answer struct{ DecodedMessage string }
	if json.Unmarshal([]byte(text), &answer) == nil && answer.DecodedMessage != "" {
		text = answer.DecodedMessage
	}
	var message struct {
		Allowed, ExplicitDeny bool
		Context               struct {
			Principal        struct{ ARN string }
			Action, Resource string
		}
	}
	if json.Unmarshal([]byte(text), &message) != nil || message.Allowed || !strings.Contains(message.Context.Action, ":") {
		return Explanation{}, false
	}
	c := message.Context
	return explain(policy.Denial{Principal: c.Principal.ARN, Action: c.Action, Resource: c.Resource, Explicit: message.ExplicitDeny}), true
}

var federatedForm = regexp.MustCompile(`(?i)not authorized to perform:? (sts:AssumeRoleWith(?:WebIdentity|SAML))\b`)

// federated reads the refusal of those who come with a token or an assertion,
// which names neither the role nor them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html
func federated(text string) (Explanation, bool) {
	m := federatedForm.FindStringSubmatch(text)
	if m == nil {
		return Explanation{}, false
	}
	d := policy.Denial{Action: m[1]}
	r := Case{Denial: d}.refusal()
	token, claims := "token", "its aud and sub, as the token has them, letter by letter"
	if strings.HasSuffix(m[1], "SAML") {
		token, claims = "assertion", "SAML:aud, and others, as the assertion has them"
	}
	trust := func(message, hint string) Candidate {
		c := r.document(policy.DeniedByResource)
		c.Message, c.Hint = message, hint
		return c
	}
	return Explanation{Denial: d, Summary: r.summary(), Candidates: []Candidate{
		trust("a condition of the role's trust policy does not hold", "Customer: compare its conditions with "+claims),
		trust("the role's trust policy does not name the identity provider, or not this action",
			"Customer: name in its Principal, as Federated, the ARN of the provider that made the "+token+", and in its Action "+m[1]),
		trust("the role's trust policy has a Deny that matches", "Customer: look in it for a Deny of this action, and at its conditions"),
		r.noRole(),
	}}, true
}

var ciphertextForm = regexp.MustCompile(`ciphertext refers to a customer master key that does not exist`)

// ciphertext reads KMS's older answer to callers that its key policy does not
// let in.
func ciphertext(text string) (Explanation, bool) {
	if !ciphertextForm.MatchString(text) {
		return Explanation{}, false
	}
	return explain(policy.Denial{Action: "kms:Decrypt", Layer: policy.DeniedByResource}), true
}

// otherCause reads errors that look like a refusal by policy and are none, by
// the codes and texts of AWS's that they have.
func otherCause(text string) (Explanation, bool) {
	for _, means := range awscode.InText(text, codeIn(text)) {
		if summary, hint, known := awscode.Cause(means); known {
			return Explanation{Summary: summary, Candidates: []Candidate{{Message: summary, Hint: hint}}}, true
		}
	}
	return Explanation{}, false
}

var statusForm = regexp.MustCompile(`An error occurred \((301|400|404)\) when calling the Head(Object|Bucket) operation|operation error S3: Head(Object|Bucket), https response error StatusCode: (301|400|404)`)

// statusOnly reads S3's answers to HEAD, which have no text: their status says
// as much as there is.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
func statusOnly(text string) (Explanation, bool) {
	m := statusForm.FindStringSubmatch(text)
	if m == nil {
		return Explanation{}, false
	}
	var means []awscode.Meaning
	switch m[1] + m[4] {
	case "301":
		means = []awscode.Meaning{awscode.WrongRegion}
	case "404":
		means = []awscode.Meaning{awscode.NoObject}
		if m[2]+m[3] == "Bucket" {
			means = []awscode.Meaning{awscode.NoBucket}
		}
	default:
		means = []awscode.Meaning{awscode.Expired, awscode.WrongRegion, awscode.CustomerKey}
	}
	e := Explanation{Summary: "S3 answered " + m[1] + m[4] + " to Head" + m[2] + m[3] + ", without a text"}
	for _, cause := range means {
		message, hint, _ := awscode.Cause(cause)
		e.Candidates = append(e.Candidates, Candidate{Message: message, Hint: hint})
	}
	return e, true
}

// codeForms are how tools show the code of an answer. They take long to compile, so
// that nobody waits for them who explains no text.
var codeForms = sync.OnceValue(func() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`<Code>([A-Za-z.]{3,64})</Code>`),
		regexp.MustCompile(`An error occurred \(([A-Za-z.]{3,64})\)`),                                                // botocore
		regexp.MustCompile(`A client error \(([A-Za-z.]{3,64})\) occurred`),                                          // of old
		regexp.MustCompile(`\bapi error ([A-Za-z.]{3,64}):`),                                                         // aws-sdk-go-v2
		regexp.MustCompile(`\bRequestID: [^,]*,(?: HostID: [^,]*,)? ([A-Za-z.]{3,64}):`),                             // and of codes that it models
		regexp.MustCompile(`\b((?:[A-Z][a-z]+|[A-Z]{2,}\.?)[A-Z][A-Za-z.]{1,60}): [^\n]*\n?\s*status code: \d{3}\b`), // aws-sdk-go
		regexp.MustCompile(`\bError Code: ([A-Za-z.]{3,64})\b`),                                                      // Java
		regexp.MustCompile(`\bAws::\w+::Errors::([A-Z][A-Za-z]{2,63})\b`),                                            // Ruby
		regexp.MustCompile(`\b([A-Za-z.]{3,64}) \((?:client|server)\): `),                                            // PHP
		regexp.MustCompile(`\b[Cc]ode: ['"]([A-Za-z.]{3,64})['"]`),                                                   // JavaScript
		regexp.MustCompile(`\b[Cc]ode: Some\("([A-Za-z.]{3,64})"\)`),                                                 // Rust
		regexp.MustCompile(`\bS3 error: \d{3} \(([A-Za-z.]{3,64})\)`),                                                // s3cmd
		regexp.MustCompile(`"(?:[Cc]ode|errorCode|__type)": ?"(?:[\w.]+#)?([A-Za-z.]{3,64})"`),                       // JSON
		regexp.MustCompile(`\b([A-Z][A-Za-z]{2,60}Exception)\b`),
	}
})

// unknownCode reads an answer of AWS's whose code is in no list of ours. No
// layer is guessed: who reads it looks the code up.
func unknownCode(text string) (Explanation, bool) {
	code := codeIn(text)
	if code == "" {
		return Explanation{}, false
	}
	service := serviceOf(text, code)
	said := service + " answered " + code
	if operation := operationOf(text); operation != "" {
		said += " to " + operation
	}
	return Explanation{Summary: said + ", which rolecall does not know", Candidates: []Candidate{{
		Message: said + "; no policy is named",
		Hint:    "You: look up " + code + " among the errors of " + service + "'s API, and read the text that came with it",
	}}}, true
}

// codeIn returns the code of the answer that a text shows, empty if it shows none.
func codeIn(text string) string {
	for _, form := range codeForms() {
		if m := form.FindStringSubmatch(text); m != nil {
			return m[1]
		}
	}
	return ""
}

// serviceForm is how the SDKs of Go, Java and Ruby name the service.
var serviceForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`operation error ([\w ]{2,40}): \w+|\(Service: (?:Amazon ?|AWS ?)?([A-Za-z0-9 ]{2,40})[,;]|\bAws::(\w{2,40})::Errors\b`)
})

// serviceOf returns the service that an answer is from, AWS if that is not known.
func serviceOf(text, code string) string {
	if m := serviceForm().FindStringSubmatch(text); m != nil {
		return m[1] + m[2] + m[3]
	}
	if service, _, found := strings.Cut(code, "."); found {
		return service
	}
	if service, _, found := strings.Cut(actionOf(operationOf(text)), ":"); found {
		return strings.ToUpper(service)
	}
	return "AWS"
}

// operationOf returns the operation that a tool says it called.
func operationOf(text string) string {
	for _, form := range operationForms {
		if m := form.FindStringSubmatch(text); m != nil {
			return m[1]
		}
	}
	return ""
}
