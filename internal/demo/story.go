package demo

import (
	"encoding/json"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

// Story is what happened.
type Story struct {
	Endpoint  string             `json:"endpoint"`            // of the sandbox while it ran
	Directory string             `json:"directory,omitempty"` // with the files, if it is kept
	Accounts  []Account          `json:"accounts"`
	Job       rolecall.JobReport `json:"job"`
	Roles     []Role             `json:"roles"`
	Moves     []Move             `json:"moves"`
	Digests   Digests            `json:"digests"`
	Refusals  []Refusal          `json:"refusals"`
	Errors    rolecall.Errors    `json:"errors"` // expectations that failed
}

// Account is an account in the sandbox.
type Account struct {
	Name       string   `json:"name"`
	ID         string   `json:"id"`
	Principals []string `json:"principals,omitempty"` // of the vendor
	Roles      []string `json:"roles,omitempty"`
	Bucket     string   `json:"bucket,omitempty"`
	Key        string   `json:"key,omitempty"` // that encrypts the bucket's objects
}

// Role is a role that the job used, with its probes and the job's session.
type Role struct {
	ARN         string             `json:"role_arn"`
	Principal   string             `json:"principal"`
	Probes      []credential.Probe `json:"probes"`
	SessionName string             `json:"session_name"`
	Calls       int                `json:"assume_role_calls"` // without the probes, as STS counted them
	Policy      json.RawMessage    `json:"session_policy"`
}

// Move is what a task moved.
type Move struct {
	Tool    string  `json:"tool"`
	Place   string  `json:"place"`
	Role    string  `json:"role_arn"`
	Files   int     `json:"files"`
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
}

// Digests compares what is in the two customers' buckets.
type Digests struct {
	Algorithm string `json:"algorithm"`
	Objects   int    `json:"objects"`
	Matching  int    `json:"matching"`
	Encrypted int    `json:"encrypted"` // with the delivery bucket's key
	All       string `json:"digest"`    // of the sorted list of digests and names
}

// Refusal is an attempt that must be refused.
type Refusal struct {
	Attempt string `json:"attempt"`
	By      string `json:"by"` // who refused: STS, S3 or rolecall
	Code    string `json:"code"`
	Answer  string `json:"answer"`
	Refused bool   `json:"refused"`
}
