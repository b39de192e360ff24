package s3

import (
	"encoding/xml"
	"slices"
)

// aclXML is an access control list. Accounts stand for their canonical ids.
type aclXML struct {
	XMLName xml.Name   `xml:"http://s3.amazonaws.com/doc/2006-03-01/ AccessControlPolicy"`
	Owner   ownerXML   `xml:"Owner"`
	Grants  []grantXML `xml:"AccessControlList>Grant"`
}

type grantXML struct {
	Grantee    granteeXML
	Permission string
}

type granteeXML struct {
	Namespace string `xml:"xmlns:xsi,attr"`
	Type      string `xml:"xsi:type,attr"`
	ID        string `xml:",omitempty"`
	URI       string `xml:",omitempty"`
}

func toAccount(id, permission string) grantXML {
	return grantXML{granteeXML{Namespace: xsi, Type: "CanonicalUser", ID: id}, permission}
}

func toGroup(name, permission string) grantXML {
	return grantXML{granteeXML{Namespace: xsi, Type: "Group", URI: "http://acs.amazonaws.com/groups/global/" + name}, permission}
}

const (
	xsi         = "http://www.w3.org/2001/XMLSchema-instance"
	fullControl = "FULL_CONTROL"
)

// cannedGrants returns what a canned list grants in addition to the owner's
// full control.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl
func cannedGrants(canned, bucketOwner string) []grantXML {
	switch canned {
	case "public-read":
		return []grantXML{toGroup("AllUsers", "READ")}
	case "public-read-write":
		return []grantXML{toGroup("AllUsers", "READ"), toGroup("AllUsers", "WRITE")}
	case "authenticated-read":
		return []grantXML{toGroup("AuthenticatedUsers", "READ")}
	case "bucket-owner-read":
		return []grantXML{toAccount(bucketOwner, "READ")}
	case "bucket-owner-full-control":
		return []grantXML{toAccount(bucketOwner, fullControl)}
	}
	return nil
}

// getBucketACL answers with the list of every bucket of the sandbox's: its owner
// has full control.
func getBucketACL(c *call) error {
	if err := c.allowBucket("s3:GetBucketAcl", nil); err != nil {
		return err
	}
	return c.writeXML(aclXML{Owner: ownerXML{c.cfg.Account}, Grants: []grantXML{toAccount(c.cfg.Account, fullControl)}})
}

// getObjectACL answers with an object's list. Where the bucket's owner owns all
// objects, lists have no effect, and only the owner has control.
func getObjectACL(c *call) error {
	o, err := c.lookup(c.bucket, c.cfg, c.key, c.query, func(o *object, version string) error {
		cs := conditions{}
		if o != nil {
			cs.addTags("s3:ExistingObjectTag", o.tags)
		}
		if version == "" {
			return c.allowObject("s3:GetObjectAcl", cs)
		}
		cs.set("s3:versionid", version)
		return c.allowObject("s3:GetObjectVersionAcl", cs)
	})
	if err != nil {
		return err
	}
	defer o.release()
	out := aclXML{Owner: ownerXML{o.owner}, Grants: []grantXML{toAccount(o.owner, fullControl)}}
	if c.cfg.Ownership == ownerEnforced {
		out.Owner.ID, out.Grants[0].Grantee.ID = c.cfg.Account, c.cfg.Account
	} else {
		for _, g := range cannedGrants(o.acl, c.cfg.Account) {
			if !slices.Contains(out.Grants, g) {
				out.Grants = append(out.Grants, g)
			}
		}
	}
	c.writeVersion(o)
	return c.writeXML(out)
}
