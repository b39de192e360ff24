package policy

import (
	"fmt"

	"github.com/rolecall/rolecall"
)

// Permissions says what a connection needs of the customer's role, and no
// more: objects and listing below one prefix of one bucket.
type Permissions struct {
	Purpose   rolecall.Purpose
	Partition string // empty: of the region, aws without one
	Region    string // of the bucket, for KMS; empty: any
	Bucket    string
	Prefix    string // empty, or ends in a slash
	KMSKey    string // ARN of the key that the bucket's objects are under, if any
	Versioned bool   // old versions are read too
}

// Policy builds the permissions policy, minified.
func (p Permissions) Policy() ([]byte, error) {
	scope := Scope{Partition: p.Partition, Region: p.Region, Bucket: p.Bucket, Prefixes: []string{p.Prefix}, Operations: []Operation{Read, List}, KMSKey: p.KMSKey}
	if err := scope.validate(); err != nil {
		return nil, err
	}
	read, write := operationActions[Read], operationActions[Write]
	onObjects, onKey := append(words{}, read.s3...), append(words{}, read.kms...)
	if p.Versioned {
		onObjects = append(onObjects, "s3:GetObjectVersion")
	}
	switch p.Purpose {
	case rolecall.Source:
	case rolecall.Delivery:
		onObjects, onKey = append(onObjects, write.s3...), append(words{}, write.kms...)
	default:
		return nil, &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("unknown purpose %q", string(p.Purpose)), Hint: "source or delivery"}
	}
	partition := scope.partition()
	bucket := "arn:" + partition + ":s3:::" + p.Bucket
	below := words{bucket + "/" + escapeLiteral(p.Prefix) + "*"}
	list := draftStatement{Sid: "RolecallList", Effect: "Allow", Action: operationActions[List].s3, Resource: words{bucket}}
	if p.Prefix != "" {
		list.Condition = draftConditions{{"StringLike", "s3:prefix", words{escapeLiteral(p.Prefix) + "*"}}}
	}
	doc := draft{{Sid: "RolecallObjects", Effect: "Allow", Action: onObjects, Resource: below}, list}
	if p.KMSKey != "" {
		doc = append(doc, draftStatement{
			Sid: "RolecallKey", Effect: "Allow", Action: onKey, Resource: words{scope.key(partition)},
			Condition: draftConditions{
				{"StringLike", "kms:ViaService", scope.via(partition)},
				{"StringLike", encryptionContext, append(words{bucket}, below...)},
			},
		})
	}
	return []byte(doc.json()), nil
}
