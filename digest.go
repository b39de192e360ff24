package rolecall

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
)

// digest tells the job from any that says something else, or is another
// organization's or principal's. It is taken of all that was read, written
// anew: of the document's own spelling nothing is left. The parameters are
// those of the tasks. How often and how long is tried does not count: who has
// more patience goes on with the same job.
func (j Job) digest(parameters []any, organization, principal string) (string, error) {
	j.Tasks = slices.Clone(j.Tasks)
	for i := range j.Tasks {
		text, err := json.Marshal(parameters[i])
		if err != nil {
			return "", fmt.Errorf("digest of task %d: %w", i, err)
		}
		j.Tasks[i].Parameters, j.Tasks[i].Retries, j.Tasks[i].TimeoutSeconds = text, 0, 0
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
