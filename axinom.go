package rolecall

import (
	"encoding/json"
	"strings"

	"github.com/rolecall/rolecall/internal/strict"
)

// axinomRequest is the part of an Axinom Encoding job request that moves
// files: where the source is fetched from and the result is published to.
// https://docs.axinom.com/services/encoding/ describes the request.
type axinomRequest struct {
	ContentAcquisition axinomStorage `json:"ContentAcquisition"`
	ContentPublishing  axinomStorage `json:"ContentPublishing"`
}

type axinomStorage struct {
	Provider                     string   `json:"Provider"`
	URIPath                      string   `json:"UriPath"`
	RoleArnToAssume              string   `json:"RoleArnToAssume"`
	RoleSessionDurationInSeconds int      `json:"RoleSessionDurationInSeconds"`
	Files                        []string `json:"Files"`
}

func isAxinom(data []byte) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil {
		return false
	}
	_, acquires := members["ContentAcquisition"]
	_, publishes := members["ContentPublishing"]
	return acquires || publishes
}

// convertAxinom turns an Axinom request into a native job: it fetches all
// files below the acquisition's path and delivers all files in the working
// directory. What it cannot convert is a fault, never left out.
func convertAxinom(data []byte) (Job, error) {
	var q axinomRequest
	var faults Errors
	strict.Decode(data, &q, &faults)
	for _, e := range faults {
		e.Hint = axinomHint(e)
	}
	job := Job{pointers: strings.NewReplacer(
		"/tasks/0/parameters/location", "/ContentAcquisition/UriPath", "/tasks/0/parameters/role_arn", "/ContentAcquisition/RoleArnToAssume",
		"/tasks/0/parameters/role_session_duration_seconds", "/ContentAcquisition/RoleSessionDurationInSeconds",
		"/tasks/0/parameters/files", "/ContentAcquisition/Files", "/tasks/0/parameters", "/ContentAcquisition",
		"/tasks/1/parameters/location", "/ContentPublishing/UriPath", "/tasks/1/parameters/role_arn", "/ContentPublishing/RoleArnToAssume",
		"/tasks/1/parameters/role_session_duration_seconds", "/ContentPublishing/RoleSessionDurationInSeconds",
		"/tasks/1/parameters/files", "/ContentPublishing/Files", "/tasks/1/parameters", "/ContentPublishing",
	)}
	for _, part := range []struct {
		member, tool string
		given        axinomStorage
	}{
		{"ContentAcquisition", StorageGet, q.ContentAcquisition},
		{"ContentPublishing", StoragePut, q.ContentPublishing},
	} {
		at := strict.Pointer(part.member)
		if part.given.Provider == "" && part.given.URIPath == "" {
			if !strings.Contains(faults.Error(), at) {
				faults.Add(at, "the request has no "+part.member, "You: give both ContentAcquisition and ContentPublishing")
			}
			continue
		}
		if part.given.Provider != "AmazonS3" {
			faults.Add(at+"/Provider", "the provider "+strict.Quote(part.given.Provider)+" is not Amazon S3", `You: write "AmazonS3"; nothing else is supported`)
		}
		files := part.given.Files
		if len(files) == 0 {
			files = []string{"**"}
		}
		parameters, err := json.Marshal(map[string]any{
			"location": part.given.URIPath, "files": files,
			"role_arn": part.given.RoleArnToAssume, "role_session_duration_seconds": given(part.given.RoleSessionDurationInSeconds),
		})
		if err != nil {
			return Job{}, err
		}
		job.Tasks = append(job.Tasks, Task{Name: part.member, Tool: part.tool, Parameters: parameters})
	}
	if err := faults.Err(); err != nil {
		return Job{}, err
	}
	return job, nil
}

func axinomHint(e *Error) string {
	switch _, member, _ := strings.Cut(strings.TrimPrefix(e.Pointer, "/"), "/"); {
	case strings.HasPrefix(member, "Credentials"):
		return "You: give RoleArnToAssume; literal credentials are refused, so treat the ones written here as leaked"
	case member == "":
		return "You: write a native job for it; only ContentAcquisition and ContentPublishing are carried over"
	default:
		return e.Hint
	}
}
