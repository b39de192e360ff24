package cli

import "runtime/debug"

type versionCommand struct{}

// Run prints what the Go toolchain recorded about this build.
func (versionCommand) Run(out *output) error {
	v := struct {
		Version  string `json:"version"`
		Revision string `json:"revision,omitempty"`
		Go       string `json:"go"`
	}{Version: "unknown"}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.Version, v.Go = info.Main.Version, info.GoVersion
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v.Revision = s.Value
			}
		}
	}
	if out.json {
		return out.document(v)
	}
	out.printf("rolecall %s (%s)\n", v.Version, v.Go)
	return nil
}

// version is the version of this build.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
