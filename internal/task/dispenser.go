package task

import (
	"strconv"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
)

// dispenser gives the credentials of one end from the customer's dispenser,
// which is told what they are for. How far they reach is its decision, and is
// not narrowed here.
func (s *stage) dispenser(at side) *credential.Provider {
	plan, place := s.tools.job.Plan, at.place
	access := credential.AccessRead
	if writes(s.step, at.end) || s.step.Tool == rolecall.StorageTagS3 {
		access = credential.AccessWrite
	}
	return s.tools.env.Vault.Dispenser(credential.DispenserRequest{
		Organization: plan.Organization, Principal: plan.Principal.Name, Source: *place.Dispenser, Secret: place.Bearer,
		ExternalID: place.ExternalID, JobID: s.tools.job.ID, TaskID: strconv.Itoa(s.step.Index), TaskLabel: s.label(), Tool: s.step.Tool,
		Bucket: place.Bucket, Prefix: place.Key, Access: access, Region: s.stsRegion(at), Revision: place.Revision,
	})
}

// stsRegion is the region whose STS is asked.
func (s *stage) stsRegion(at side) string {
	at.place.Region = at.region // as found
	return s.tools.job.Plan.Principal.STSRegion(s.tools.job.Plan.Region, at.place)
}
