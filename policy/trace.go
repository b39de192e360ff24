package policy

// Verdict is how one statement met a request.
type Verdict struct {
	Ref
	Deny bool
	// Names is how an Allow of the resource's policy names the requester.
	Names Named
	Unmet []Unmet // empty: the statement matched
}

// Unmet is an element of a statement that does not apply to the request.
type Unmet struct {
	Pointer string   // its place in the document; a missing Principal's is where it would stand
	Got     []string // what the request has there; empty: it lacks the condition key
}

// Named is how closely an Allow names the requester.
type Named string

// Within an account, an Allow to the requester needs no Allow of another
// policy, one to its role none of identity policies; one to its account does.
const (
	NamesAccount   Named = "account"
	NamesRole      Named = "role"
	NamesRequester Named = "requester"
)

// Trace returns how each statement of the policies that bear on the request met
// it, in the order of the documents: what led Evaluate to its decision. It
// leaves out what cannot bear: all but the resource's side for requesters of
// no account, what RCPs allow, SCPs and RCPs for service-linked roles, and what
// a bucket policy denies the root user, who may change it.
func Trace(in Request, policies Policies) []Verdict {
	t := trace{request: newRequest(in), bounded: len(policies.Boundary) > 0}
	inAccount := t.request.requester.inAccount()
	restricted := !t.request.requester.serviceLinked()
	if inAccount && restricted {
		t.levels(SCP, policies.SCP)
	}
	if restricted {
		t.levels(RCP, policies.RCP)
	}
	if policies.Resource != nil {
		t.document(ResourcePolicy, 0, policies.Resource)
	}
	if inAccount {
		t.levels(Identity, [][]*Document{policies.Identity})
		t.levels(Boundary, [][]*Document{policies.Boundary})
		if policies.Session != nil {
			t.document(SessionPolicy, 0, policies.Session)
		}
	}
	return t.verdicts
}

// trace is the work on one request.
type trace struct {
	request  *request
	bounded  bool
	verdicts []Verdict
}

func (t *trace) levels(layer Layer, levels [][]*Document) {
	index := 0
	for _, level := range levels {
		for _, d := range level {
			t.document(layer, index, d)
			index++
		}
	}
}

func (t *trace) document(layer Layer, index int, d *Document) {
	for i := range d.statements {
		s := &d.statements[i]
		if layer == RCP && !s.deny || layer == ResourcePolicy && s.deny && t.request.changesBucketPolicy() {
			continue
		}
		v := Verdict{Ref: Ref{layer, index, i, s.sid}, Deny: s.deny}
		if layer == ResourcePolicy || layer == RCP {
			t.principals(&v, s)
		}
		v.Unmet = append(v.Unmet, s.unmet(t.request, layer)...)
		t.verdicts = append(t.verdicts, v)
	}
}

// principals compares the requester with the statement's principals.
func (t *trace) principals(v *Verdict, s *statement) {
	q := &t.request.requester
	meets := s.principals.denies(q, t.bounded)
	if !s.deny {
		g := s.principals.grants(q)
		v.Names, meets = g.named(), g != nobody
	}
	if !meets {
		v.Unmet = append(v.Unmet, Unmet{s.pointer + "/" + s.principals.element(), []string{t.request.Principal}})
	}
}

func (g grant) named() Named {
	switch g {
	case toAccount:
		return NamesAccount
	case toRole:
		return NamesRole
	case direct:
		return NamesRequester
	default:
		return ""
	}
}

// unmet returns the elements that keep the statement from matching, its
// principals left aside.
func (s *statement) unmet(r *request, layer Layer) []Unmet {
	var out []Unmet
	not := func(name string, not bool) string {
		if not {
			name = "Not" + name
		}
		return s.pointer + "/" + name
	}
	if !s.actions.match(r) {
		out = append(out, Unmet{not("Action", s.actions.not), []string{r.Action}})
	}
	if !s.resources.match(r, layer) {
		out = append(out, Unmet{not("Resource", s.resources.not), []string{r.Resource}})
	}
	for i := range s.conditions {
		if c := &s.conditions[i]; !c.holds(r) {
			out = append(out, Unmet{c.pointer, append([]string(nil), r.values(c.key)...)})
		}
	}
	return out
}

// Values returns the values of a condition key, named in any case: those that
// are given, or what the principal and the account decide. It is empty when the
// request lacks the key.
func (in Request) Values(key string) []string { return newRequest(in).values(foldKey(key)) }

// PrincipalARN is the requester's aws:PrincipalArn, by which policies name it:
// of a session its role's ARN. It is empty for those of no account.
func (in Request) PrincipalARN() string {
	if values := in.Values(keyPrincipalARN); len(values) > 0 {
		return values[0]
	}
	return ""
}
