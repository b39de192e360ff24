package s3

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"time"
)

// objectRetentionXML is how long an object is retained; empty for not at all.
type objectRetentionXML struct {
	XMLName xml.Name
	Mode    string `xml:",omitempty"`
	Until   string `xml:"RetainUntilDate,omitempty"`
}

type legalHoldXML struct {
	XMLName xml.Name
	Status  string
}

// lockable finds the object whose lock a request is about, if the caller has the
// permission and the bucket has locks. The object must be released.
func (c *call) lockable(action string, extra conditions) (*object, error) {
	o, err := c.lookup(c.bucket, c.cfg, c.key, c.query, func(_ *object, version string) error {
		cs := conditions{}
		for name, values := range extra {
			cs[name] = values
		}
		cs.set("s3:versionid", version)
		if err := c.allowObject(action, cs); err != nil {
			return err
		}
		if !c.cfg.ObjectLock {
			return errInvalidRequest("Bucket is missing Object Lock Configuration")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.writeVersion(o)
	return o, nil
}

func getObjectRetention(c *call) error {
	o, err := c.lockable("s3:GetObjectRetention", nil)
	if err != nil {
		return err
	}
	defer o.release()
	if o.lock.mode == "" {
		return errNoObjectLock()
	}
	return c.writeXML(objectRetentionXML{xml.Name{Space: namespace, Local: "Retention"}, o.lock.mode, o.lock.until.UTC().Format(time.RFC3339)})
}

// putObjectRetention sets or removes an object's retention. Only who may bypass
// governance mode, and asks to, makes it weaker; compliance mode nobody does.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html#object-lock-retention-modes
func putObjectRetention(c *call) error {
	var asked objectRetentionXML
	if err := c.readXML(maxConfiguration, &asked); err != nil {
		return err
	}
	next, err := asked.read(c.clock())
	if err != nil {
		return err
	}
	cs := conditions{}
	if cs.set("s3:object-lock-mode", next.mode); next.mode != "" {
		cs.set("s3:object-lock-retain-until-date", next.until.Format(time.RFC3339))
		days := int(next.until.Sub(c.clock()) / (24 * time.Hour))
		cs.set("s3:object-lock-remaining-retention-days", strconv.Itoa(days))
	}
	o, err := c.lockable("s3:PutObjectRetention", cs)
	if err != nil {
		return err
	}
	defer o.release()
	if o.lock.weakened(next) {
		if err := c.checkRetention(o); err != nil {
			return err
		}
	}
	c.bucket.replace(o, func(o *object) { o.lock.mode, o.lock.until = next.mode, next.until })
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// read returns the retention that is asked for.
func (r objectRetentionXML) read(now time.Time) (lock, error) {
	if r.XMLName.Local != "Retention" || (r.Mode == "") != (r.Until == "") {
		return lock{}, errMalformedXML()
	}
	if r.Mode == "" {
		return lock{}, nil
	}
	until, err := time.Parse(time.RFC3339, r.Until)
	if err != nil || r.Mode != governance && r.Mode != compliance {
		return lock{}, errMalformedXML()
	}
	if !until.After(now) {
		return lock{}, errInvalidArgument("The retain until date must be in the future!", "RetainUntilDate", r.Until)
	}
	return lock{mode: r.Mode, until: until.UTC()}, nil
}

// weakened reports whether another retention would protect less, or is of the
// other mode, which takes the same permission.
func (l lock) weakened(next lock) bool {
	return next.until.Before(l.until) || l.mode != "" && next.mode != l.mode
}

func getObjectLegalHold(c *call) error {
	o, err := c.lockable("s3:GetObjectLegalHold", nil)
	if err != nil {
		return err
	}
	defer o.release()
	if o.lock.hold == "" {
		return errNoObjectLock()
	}
	return c.writeXML(legalHoldXML{xml.Name{Space: namespace, Local: "LegalHold"}, o.lock.hold})
}

func putObjectLegalHold(c *call) error {
	var asked legalHoldXML
	if err := c.readXML(maxConfiguration, &asked); err != nil {
		return err
	}
	if asked.XMLName.Local != "LegalHold" || asked.Status != holdOn && asked.Status != holdOff {
		return errMalformedXML()
	}
	o, err := c.lockable("s3:PutObjectLegalHold", conditions{"s3:object-lock-legal-hold": {asked.Status}})
	if err != nil {
		return err
	}
	defer o.release()
	c.bucket.replace(o, func(o *object) { o.lock.hold = asked.Status })
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func errNoObjectLock() *Error {
	return &Error{Status: http.StatusNotFound, Code: "NoSuchObjectLockConfiguration", Message: "The specified object does not have a ObjectLock configuration"}
}
