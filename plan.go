package rolecall

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/rolecall/rolecall/internal/reserved"
	"github.com/rolecall/rolecall/internal/strict"
)

// Plan is a validated job, with all resolved that can be without contacting
// anyone: ready to run.
type Plan struct {
	Organization string
	Principal    Principal
	Region       string // the job's, without its provider; may be empty
	Tags         []string
	Notify       string
	Steps        []Step
	Digest       string // of the job, organization and principal: the same however the job's document is written
}

// Step is a task with its parameters resolved.
type Step struct {
	Index    int // of the task in the job
	Name     string
	Tool     string // one of Tools
	Parallel bool   // runs in parallel with neighbours that have it too
	Retries  int
	Timeout  time.Duration // of each attempt; in a plan never zero

	Files        []Pattern // empty: the place is one object
	FilesPointer string    // pointer of files in the job, for errors
	Exclude      []Pattern // of what the files leave out
	BaseDir      string    // below the working directory; may be empty
	Overwrite    bool
	Unmarked     bool // what is written does not carry x-amz-meta-rolecall
	Tags         map[string]string
	Place        Place // the bucket; of copy the source
	Destination  Place // of copy
}

// Place is one end of a storage step: where in S3, and how access is
// authorized: by exactly one of RoleARN, Secret and Dispenser. The values of
// secrets are read when they are used.
type Place struct {
	Pointer      string // of what names the place in the job, for errors
	AuthorizedAt string // pointer of the member that authorizes it: a role_arn, connection, location or http_credential_source
	Bucket       string
	Key          string // of an object; or, for a step with Files, a prefix: empty or ending in a slash
	Region       string // of the bucket; empty: to be discovered

	RoleARN     string
	ExternalID  string
	Duration    time.Duration
	Secret      Secret // whose static keys are used; without a name: none
	Dispenser   *HTTPCredentialSource
	Bearer      Secret // sent to the dispenser as a bearer token; without a name: the request is signed
	Connection  string // its name, where one is used
	Revision    string // of the connection; changes with everything that a credential depends on
	BucketOwner string // empty only if it is not declared, and a secret or dispenser authorizes

	EndpointURL   string // empty: AWS's, or the operator's
	Encryption    *Encryption
	StorageClass  string
	ACL           string
	RequesterPays bool
}

// ReadPlan parses and validates a job, and reports the faults of both at once.
// See ParseJob and Job.Validate.
func ReadPlan(data []byte, org Organization, vendor Vendor, principal string) (Plan, error) {
	job, readable, err := readJob(data)
	faults := List(err)
	if !readable {
		return Plan{}, faults.Err()
	}
	plan, err := job.Validate(org, vendor, principal)
	faults = faults.Merge(List(err))
	if len(faults) > 0 {
		return Plan{}, faults
	}
	return plan, nil
}

// Validate plans a job for an organization. It reports all faults at once,
// with pointers into the job; nothing is contacted. The principal is the named
// one; see Vendor.PrincipalFor for an empty name.
func (j Job) Validate(org Organization, vendor Vendor, principal string) (Plan, error) {
	p := &planner{job: j, org: org, vendor: vendor}
	plan := Plan{Organization: org.APIName, Tags: j.Tags, Notify: j.Notify}
	if j.Region != "" {
		if m := jobRegionForm.FindStringSubmatch(j.Region); m != nil {
			plan.Region = m[1]
		} else {
			p.faults.Add("/region", strict.Quote(j.Region)+" is not a region", "You: write it as aws:eu-central-1")
		}
	}
	var err error
	plan.Principal, err = vendor.PrincipalFor(principal, plan.Region)
	if err != nil {
		p.faults.AddErr("", err)
	}
	p.principal = plan.Principal
	p.faults.AddErr("/region", p.principal.CheckRegion(plan.Region))
	if j.RoleARN != "" {
		p.faults.AddErr("/role_arn", p.role(j.RoleARN))
	}
	validateDuration(&p.faults, "/role_session_duration_seconds", j.RoleSessionDurationSeconds)
	if j.Notify != "" {
		p.faults.AddErr("/notify", validateNotify(j.Notify))
	}
	for i, tag := range j.Tags {
		if tag == "" || len(tag) > 256 {
			p.faults.Add(strict.Pointer("tags", i), "a tag has 1 to 256 bytes", "")
		}
	}
	switch {
	case len(j.Tasks) == 0:
		p.faults.Add("/tasks", "the job has no tasks", "You: write at least one under tasks")
	case len(j.Tasks) > MaxTasks:
		p.faults.Add("/tasks", fmt.Sprintf("the job has %d tasks; the limit is %d", len(j.Tasks), MaxTasks), "You: split it into several jobs")
	default:
		for i, t := range j.Tasks {
			plan.Steps = append(plan.Steps, p.step(i, t))
		}
	}
	p.faults = p.types.Merge(p.faults)
	if j.pointers != nil {
		for _, e := range p.faults {
			e.Pointer = j.pointers.Replace(e.Pointer)
		}
		for i := range plan.Steps {
			plan.Steps[i].FilesPointer = j.pointers.Replace(plan.Steps[i].FilesPointer)
			place := &plan.Steps[i].Place
			place.Pointer, place.AuthorizedAt = j.pointers.Replace(place.Pointer), j.pointers.Replace(place.AuthorizedAt)
		}
	}
	if err := p.faults.Err(); err != nil {
		return Plan{}, err
	}
	if plan.Digest, err = j.digest(p.parameters, plan.Organization, plan.Principal.Name); err != nil {
		return Plan{}, err
	}
	return plan, nil
}

type planner struct {
	job        Job
	org        Organization
	vendor     Vendor
	principal  Principal
	parameters []any  // of each task, as they were read
	types      Errors // of parameters that are not of the right types
	faults     Errors
}

func (p *planner) step(index int, t Task) Step {
	at := strict.Pointer("tasks", index)
	tool, mark, marked := strings.Cut(t.Tool, "|")
	s := Step{Index: index, Name: t.Name, Tool: tool, Parallel: marked, Retries: t.Retries}
	if marked && mark != "p" {
		p.faults.Add(at+"/tool", "unknown mark "+strict.Quote("|"+mark)+" after the tool's name", "You: write |p, which lets neighbours so marked run side by side, or nothing")
	}
	if t.Retries < 0 || t.Retries > MaxRetries {
		p.faults.Add(at+"/retries", fmt.Sprintf("retries are 0 to %d", MaxRetries), "You: leave it out for none")
	}
	s.Timeout = DefaultTimeout
	if given := t.TimeoutSeconds; given != nil {
		s.Timeout = time.Duration(*given) * time.Second
		if *given < 1 || *given > int(MaxTimeout/time.Second) {
			p.faults.Add(at+"/timeout_seconds", fmt.Sprintf("a timeout is 1 to %d seconds", int(MaxTimeout/time.Second)), "You: leave it out for a day")
		}
	}
	at += "/parameters"
	s.FilesPointer = at + "/files"
	raw := []byte(t.Parameters)
	if len(raw) == 0 {
		raw = []byte("{}")
	}
	switch tool {
	case StorageGet, StoragePut, StorageExists, StorageTagS3:
		var q storageParameters
		p.read(raw, &q, at)
		p.storageStep(&s, q, at)
	case StorageCopy:
		var q copyParameters
		p.read(raw, &q, at)
		s.Overwrite = q.Overwrite
		s.Unmarked = isFalse(q.Marker) || isFalse(q.Destination.Marker)
		if q.Source.Marker != nil {
			p.faults.Add(at+"/source/marker", "nothing is written to the source", "You: give marker beside source and destination, or leave it out")
		}
		s.Files, s.Exclude = p.files(q.Files, "files", at, CompilePattern), p.exclude(q.Exclude, q.Files, at)
		s.Place = p.place(q.Source, extentOf(q.Files), Source, at+"/source")
		s.Destination = p.place(q.Destination, extentOf(q.Files), Delivery, at+"/destination")
	case "":
		p.faults.Add(strings.TrimSuffix(at, "/parameters")+"/tool", "the task names no tool", "You: use one of "+strings.Join(Tools(), ", "))
	default:
		hint := "You: use one of " + strings.Join(Tools(), ", ")
		if near := nearestTool(tool); near != "" {
			hint = "You: write " + strict.Quote(near) + ", if that is meant"
		}
		p.faults.Add(strings.TrimSuffix(at, "/parameters")+"/tool", "unknown tool "+strict.Quote(tool), hint)
	}
	return s
}

// nearestTool returns the tool whose own name is like that of an unknown one; what
// all begin with makes none alike.
func nearestTool(tool string) string {
	const all = "storage:"
	var names []string
	for _, name := range Tools() {
		names = append(names, strings.TrimPrefix(name, all))
	}
	near := strict.Nearest(strings.TrimSpace(strings.TrimPrefix(strings.ToLower(tool), all)), names)
	if near == "" {
		return ""
	}
	return all + near
}

// read reads the parameters of the next task.
func (p *planner) read(raw []byte, parameters any, at string) {
	var faults Errors
	strict.Decode(raw, parameters, &faults)
	p.types.AddErr(at, faults.Err())
	p.parameters = append(p.parameters, parameters)
}

func (p *planner) storageStep(s *Step, q storageParameters, at string) {
	s.Overwrite, s.Tags = q.Overwrite, q.Tags
	s.Files, s.Exclude = p.files(q.Files, "files", at, CompilePattern), p.exclude(q.Exclude, q.Files, at)
	if q.BaseDir != "" {
		s.BaseDir = path.Clean(strings.TrimSuffix(q.BaseDir, "/"))
		if why, hint := noDirectory(strings.TrimSuffix(q.BaseDir, "/")); why != "" {
			p.faults.Add(at+"/base_dir", strict.Quote(q.BaseDir)+why, hint)
		}
		if reserved.Path(s.BaseDir) {
			p.faults.Add(at+"/base_dir", strict.Quote(q.BaseDir)+" is rolecall's own", "You: choose another name")
		}
		if s.Tool != StorageGet && s.Tool != StoragePut {
			p.faults.Add(at+"/base_dir", s.Tool+" touches no files in the working directory", "You: leave base_dir out")
		}
	}
	if (s.Tool == StorageGet || s.Tool == StoragePut) && s.BaseDir == "" {
		for i, f := range q.Files {
			if reserved.Path(f) {
				p.faults.Add(at+strict.Pointer("files", i), strict.Quote(f)+" leads to "+reserved.Dir+" in the working directory, which is rolecall's own", "You: leave it out, or give a base_dir")
			}
		}
	}
	if q.Overwrite && s.Tool != StoragePut {
		p.faults.Add(at+"/overwrite", s.Tool+" writes no objects", "You: leave overwrite out")
	}
	if s.Unmarked = isFalse(q.Marker); q.Marker != nil && s.Tool != StoragePut {
		p.faults.Add(at+"/marker", s.Tool+" writes no objects", "You: leave marker out")
	}
	if s.Tool == StorageTagS3 {
		var faults Errors
		validateTags(&faults, q.Tags)
		p.faults.AddErr(at, faults.Err())
	} else if q.Tags != nil {
		p.faults.Add(at+"/tags", s.Tool+" sets no tags", "You: use storage:tag_s3")
	}
	purpose := Source
	if s.Tool == StoragePut || s.Tool == StorageTagS3 {
		purpose = Delivery
	}
	s.Place = p.place(q.storage, extentOf(q.Files), purpose, at)
}

func isFalse(b *bool) bool { return b != nil && !*b }

// files compiles the patterns of a member.
func (p *planner) files(files []string, member, at string, compile func(string) (Pattern, error)) []Pattern {
	if len(files) > MaxFiles {
		p.faults.Add(at+"/"+member, fmt.Sprintf("%d entries; the limit is %d", len(files), MaxFiles), "You: use patterns")
		return nil
	}
	var out []Pattern
	wild := 0
	for i, f := range files {
		pattern, err := compile(f)
		if err != nil {
			p.faults.AddErr(at+strict.Pointer(member, i), err)
			continue
		}
		if !pattern.Literal() {
			wild++
		}
		if wild == MaxPatterns+1 {
			p.faults.Add(at+"/"+member, fmt.Sprintf("more than %d entries have wildcards", MaxPatterns), "You: say it with fewer patterns, or name the files")
		}
		out = append(out, pattern)
	}
	return out
}

// exclude compiles the patterns of what the files leave out. A file that is
// named must not be among it.
func (p *planner) exclude(exclude, files []string, at string) []Pattern {
	out := p.files(exclude, "exclude", at, CompileExclusion)
	if len(exclude) > 0 && len(files) == 0 {
		p.faults.Add(at+"/exclude", "exclude goes with files", "You: give files, or leave exclude out")
	}
	if len(out) != len(exclude) {
		return out // a fault is reported
	}
	literal, wild := map[string]bool{}, []Pattern(nil)
	for _, pattern := range out {
		if pattern.Literal() {
			literal[pattern.Prefix()] = true
		} else {
			wild = append(wild, pattern)
		}
	}
	if len(files)*len(wild) > maxCompared {
		wild = nil
	}
	for i, f := range files {
		named, err := CompilePattern(f)
		if err == nil && named.Literal() && (literal[f] || slices.ContainsFunc(wild, func(p Pattern) bool { return p.Match(f) })) {
			p.faults.Add(at+strict.Pointer("files", i), strict.Quote(f)+" is named here, and left out by exclude", "You: remove it from files, or what leaves it out from exclude")
		}
	}
	return out
}

// noDirectory says why a path cannot be a directory's below another.
func noDirectory(name string) (why, hint string) {
	switch {
	case len(name) > maxPath, strings.ContainsRune(name, 0), slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { return len(part) > maxPart }):
		return fmt.Sprintf(" cannot be a directory: it has more than %d bytes, more than %d in a part, or a NUL character", maxPath, maxPart), "You: write a shorter path"
	case validateFile(name) != nil:
		return " does not stay inside the working directory", "You: write a relative path without . or .."
	default:
		return "", ""
	}
}

// What file systems take: bytes of a path, with room for what is before it and
// after, and of each part.
const (
	maxPath = 1024
	maxPart = 255
)

// maxCompared bounds how many pairs of a file and an exclusion are compared before
// a job runs.
const maxCompared = 10_000

// role refuses role ARNs in the vendor's accounts and in other partitions.
func (p *planner) role(s string) error {
	a, err := ParseRoleARN(s)
	if err != nil {
		return err
	}
	if p.vendor.Owns(a.Account) {
		return &Error{
			Code: Forbidden, Message: "the role " + strict.Quote(s) + " is in an account of the vendor's",
			Hint: "You: give a role in the customer's account",
		}
	}
	if own := p.principal.ARN.Partition; own != "" && own != a.Partition {
		return &Error{
			Code: Invalid, Message: fmt.Sprintf("the role is in partition %s, but the principal %q is in %s", a.Partition, p.principal.Name, own),
			Hint: "You: choose a principal of partition " + a.Partition + " with --principal or the job's region",
		}
	}
	return nil
}
