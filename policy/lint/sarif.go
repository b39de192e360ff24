package lint

import (
	"bytes"
	"net/url"
	"path/filepath"

	"github.com/rolecall/rolecall/internal/strict"
)

// rulePages is where the pages of the rules are.
const rulePages = "https://github.com/rolecall/rolecall/blob/main/docs/lint/"

// SARIF returns the report in the format that code scanners exchange. It is safe
// to show on a terminal, whatever the policies hold.
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
func (r Report) SARIF() []byte {
	index := map[string]int{}
	driver := sarifDriver{Name: "rolecall", InformationURI: "https://github.com/rolecall/rolecall"}
	for i, rule := range Rules() {
		index[rule.Code] = i
		driver.Rules = append(driver.Rules, sarifRule{
			ID: rule.Code, ShortDescription: sarifText{rule.Title}, HelpURI: rulePages + rule.Code + ".md",
			DefaultConfiguration: sarifLevel{string(rule.Severity)},
		})
	}
	run := sarifRun{Tool: sarifTool{driver}, ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	for _, file := range r.Files {
		uri := (&url.URL{Path: filepath.ToSlash(file.File)}).String()
		for _, f := range file.Findings {
			message := f.Message
			if f.Hint != "" {
				message += " (" + f.Hint + ")"
			}
			location := sarifLocation{PhysicalLocation: sarifPlace{
				ArtifactLocation: sarifArtifact{uri}, Region: sarifRegion{f.Line, f.Column},
			}}
			if f.Pointer != "" {
				location.LogicalLocations = []sarifName{{f.Pointer}}
			}
			run.Results = append(run.Results, sarifResult{
				RuleID: f.Rule, RuleIndex: index[f.Rule], Level: string(f.Severity), Message: sarifText{message}, Locations: []sarifLocation{location},
			})
		}
	}
	out, err := strict.Printable(sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
	if err != nil {
		panic("lint: " + err.Error()) // strings and numbers can always be encoded
	}
	return bytes.TrimSuffix(out, []byte("\n"))
}

type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID                   string     `json:"id"`
		ShortDescription     sarifText  `json:"shortDescription"`
		HelpURI              string     `json:"helpUri"`
		DefaultConfiguration sarifLevel `json:"defaultConfiguration"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifLevel struct {
		Level string `json:"level"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		PhysicalLocation sarifPlace  `json:"physicalLocation"`
		LogicalLocations []sarifName `json:"logicalLocations,omitempty"`
	}
	sarifPlace struct {
		ArtifactLocation sarifArtifact `json:"artifactLocation"`
		Region           sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
	}
	sarifName struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
	}
)
