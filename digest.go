package rolecall

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
)

// digest returns a digest of the job, organization and principal. It is the
// same however the document is written, as it is made of the values that were
// read. The parameters are those of the tasks. Retries and timeouts do not
// count: a job with others is the same job.
func (j Job) digest(parameters []any, organization, principal string) (string, error) {
	j.Tasks = slices.Clone(j.Tasks)
	for i := range j.Tasks {
		text, err := json.Marshal(parameters[i])
		if err != nil {
			return "", fmt.Errorf("digest of task %d: %w", i, err)
		}
		j.Tasks[i].Parameters, j.Tasks[i].Retries, j.Tasks[i].TimeoutSeconds = text, 0, nil
	}
	text, err := json.Marshal(struct {
		Organization, Principal string
		Job                     Job
	}{organization, principal, j})
	if err != nil {
		return "", fmt.Errorf("digest of the job: %w", err)
	}
	all := sha256.Sum256(text)
	return hex.EncodeToString(all[:16]), nil
}
