package s3

import (
	"net/http"
	"strings"
	"time"
)

// The modes of a retention.
const (
	governance = "GOVERNANCE"
	compliance = "COMPLIANCE"
)

// The states of a legal hold.
const (
	holdOn  = "ON"
	holdOff = "OFF"
)

// lock keeps a version from being deleted.
type lock struct {
	mode  string // of the retention, or empty
	until time.Time
	hold  string // the state of the legal hold; empty if none was set
}

// readLock reads the lock that a request asks for.
func (c *call) readLock() (lock, error) {
	var l lock
	mode, until, hold := c.header("X-Amz-Object-Lock-Mode"), c.header("X-Amz-Object-Lock-Retain-Until-Date"), c.header("X-Amz-Object-Lock-Legal-Hold")
	if mode == "" && until == "" && hold == "" {
		return l, nil
	}
	if !c.cfg.ObjectLock {
		return l, errInvalidRequest("Bucket is missing Object Lock Configuration")
	}
	if (mode == "") != (until == "") {
		return l, errInvalidArgument("x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied", "x-amz-object-lock-mode", mode)
	}
	if mode != "" && mode != governance && mode != compliance {
		return l, errInvalidArgument("Unknown wormMode directive.", "x-amz-object-lock-mode", mode)
	}
	if hold != "" && hold != holdOn && hold != holdOff {
		return l, errInvalidArgument("Legal Hold must be either of 'ON' or 'OFF'", "x-amz-object-lock-legal-hold", hold)
	}
	if until != "" {
		at, err := time.Parse(time.RFC3339, until)
		if err != nil {
			return l, errInvalidArgument("The retain until date must be provided in ISO 8601 format", "x-amz-object-lock-retain-until-date", until)
		}
		if !at.After(c.clock()) {
			return l, errInvalidArgument("The retain until date must be in the future!", "x-amz-object-lock-retain-until-date", until)
		}
		l.until = at
	}
	l.mode, l.hold = mode, hold
	return l, nil
}

// withDefault returns the lock of a new version.
func (l lock) withDefault(b Bucket, now time.Time) lock {
	if b.Retention.Mode != "" && l.mode == "" {
		l.mode, l.until = b.Retention.Mode, now.AddDate(b.Retention.Years, 0, b.Retention.Days)
	}
	return l
}

// write sets the headers of an answer.
func (l lock) write(h http.Header) {
	if l.mode != "" {
		h.Set("X-Amz-Object-Lock-Mode", l.mode)
		h.Set("X-Amz-Object-Lock-Retain-Until-Date", l.until.UTC().Format(time.RFC3339))
	}
	if l.hold != "" {
		h.Set("X-Amz-Object-Lock-Legal-Hold", l.hold)
	}
}

// checkLock refuses the deletion of a locked version.
func (c *call) checkLock(o *object) error {
	if err := c.checkRetention(o); err != nil {
		return err
	}
	if o.lock.hold == holdOn {
		return errLocked()
	}
	return nil
}

// checkRetention refuses what a retained version does not allow. Callers who ask
// to bypass governance mode, and may, do it.
func (c *call) checkRetention(o *object) error {
	if o.lock.mode == "" || !c.clock().Before(o.lock.until) {
		return nil
	}
	if o.lock.mode == governance && strings.EqualFold(c.header("X-Amz-Bypass-Governance-Retention"), "true") {
		return c.allow("s3:BypassGovernanceRetention", objectARN(c.cfg, o.key), c.cfg, nil)
	}
	return errLocked()
}

func errLocked() *Error {
	return &Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: "Access Denied because object protected by object lock."}
}

// checkLockDigest checks that a body that will be retained comes with a digest.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
func (c *call) checkLockDigest(l lock, claimed claim, request string) error {
	retained := l.mode != "" || c.cfg.Retention.Mode != ""
	if !retained || claimed.md5 != nil || claimed.algorithm != "" {
		return nil
	}
	return errInvalidRequest("Content-MD5 OR x-amz-checksum- HTTP header is required for " + request + " requests with Object Lock parameters")
}
