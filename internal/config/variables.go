package config

// UnsetVariables returns the names of the environment variables that principals'
// keys are to be in and that are not set.
func (c *Config) UnsetVariables(getenv func(string) string) []string {
	var names []string
	for _, principal := range sorted(c.Sources) {
		for _, name := range []string{c.Sources[principal].AccessKeyIDEnv, c.Sources[principal].SecretAccessKeyEnv} {
			if name != "" && getenv(name) == "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// SecretVariables returns the names of the environment variables that have the
// keys of principals and the values of secrets: no other program inherits them.
func (c *Config) SecretVariables() []string {
	var names []string
	add := func(name string) {
		if name != "" {
			names = append(names, name)
		}
	}
	for _, s := range c.Sources {
		add(s.AccessKeyIDEnv)
		add(s.SecretAccessKeyEnv)
		add(s.SessionTokenEnv)
	}
	for _, secrets := range c.secrets {
		for _, s := range secrets {
			add(s.Env)
		}
	}
	return names
}
