package s3

import (
	"encoding/xml"
	"net/http"
	"slices"
)

// ownerships lists the values of a bucket's object ownership.
var ownerships = []string{ownerEnforced, ownerPreferred, "ObjectWriter"}

type ownershipXML struct {
	XMLName xml.Name `xml:"OwnershipControls"`
	Rules   []string `xml:"Rule>ObjectOwnership"`
}

func getBucketOwnershipControls(c *call) error {
	if err := c.allowBucket("s3:GetBucketOwnershipControls", nil); err != nil {
		return err
	}
	if c.cfg.Ownership == noOwnership {
		return (&Error{Status: http.StatusNotFound, Code: "OwnershipControlsNotFoundError", Message: "The bucket ownership controls were not found"}).
			with("BucketName", c.cfg.Name)
	}
	return c.writeXML(ownershipXML{XMLName: xml.Name{Space: namespace, Local: "OwnershipControls"}, Rules: []string{c.cfg.Ownership}})
}

// noOwnership is the ownership of a bucket whose controls were deleted: the
// writer owns an object, as before there were controls.
const noOwnership = "none"

func deleteBucketOwnershipControls(c *call) error {
	if err := c.allowBucket("s3:PutBucketOwnershipControls", nil); err != nil {
		return err
	}
	c.bucket.configure(func(b *Bucket) { b.Ownership = noOwnership })
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func putBucketOwnershipControls(c *call) error {
	if err := c.allowBucket("s3:PutBucketOwnershipControls", nil); err != nil {
		return err
	}
	var asked ownershipXML
	if err := c.readXML(maxConfiguration, &asked); err != nil {
		return err
	}
	if len(asked.Rules) != 1 || !slices.Contains(ownerships, asked.Rules[0]) {
		return errMalformedXML()
	}
	c.bucket.configure(func(b *Bucket) { b.Ownership = asked.Rules[0] })
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// Who pays for requests to a bucket.
const (
	payerOwner     = "BucketOwner"
	payerRequester = "Requester"
)

type paymentXML struct {
	XMLName xml.Name `xml:"RequestPaymentConfiguration"`
	Payer   string
}

func getBucketRequestPayment(c *call) error {
	if err := c.allowBucket("s3:GetBucketRequestPayment", nil); err != nil {
		return err
	}
	payer := payerOwner
	if c.cfg.RequesterPays {
		payer = payerRequester
	}
	return c.writeXML(paymentXML{XMLName: xml.Name{Space: namespace, Local: "RequestPaymentConfiguration"}, Payer: payer})
}

func putBucketRequestPayment(c *call) error {
	if err := c.allowBucket("s3:PutBucketRequestPayment", nil); err != nil {
		return err
	}
	var asked paymentXML
	if err := c.readXML(maxConfiguration, &asked); err != nil {
		return err
	}
	if asked.Payer != payerOwner && asked.Payer != payerRequester {
		return errMalformedXML()
	}
	c.bucket.configure(func(b *Bucket) { b.RequesterPays = asked.Payer == payerRequester })
	c.w.WriteHeader(http.StatusOK)
	return nil
}
