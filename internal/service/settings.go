package service

import (
	"github.com/rolecall/rolecall"
)

// Settings are what the config declares, as far as the service uses it. The
// service begins with those of Options; Declare puts others in their place.
type Settings struct {
	Vendor rolecall.Vendor
	Worker Worker // nil: operations that need one are Unavailable
	// Organizations are the declared ones. Declare fills in their external ids.
	Organizations map[string]rolecall.Organization
	// Close closes the worker. It is called once no work uses it any more,
	// after other settings took the place of these, or the service was closed;
	// nil: nothing is to be closed.
	Close func()
}

// generation is settings that are or were in force.
type generation struct {
	Settings
	users    int // that work with them
	replaced bool
}

// settings returns the settings that are in force.
func (s *Service) settings() Settings {
	s.generationMu.Lock()
	defer s.generationMu.Unlock()
	return s.generation.Settings
}

// vendor is who the config says that the vendor is.
func (s *Service) vendor() rolecall.Vendor { return s.settings().Vendor }

// take returns the worker, and a function to call when the work with it has
// ended. Its error is Unavailable if there is none.
func (s *Service) take() (Worker, func(), error) {
	s.generationMu.Lock()
	defer s.generationMu.Unlock()
	g := s.generation
	if g.Worker == nil {
		return nil, nil, errNoPrincipal
	}
	g.users++
	return g.Worker, func() {
		s.generationMu.Lock()
		defer s.generationMu.Unlock()
		g.users--
		g.closeUnused()
	}, nil
}

// use puts other settings in force.
func (s *Service) use(settings Settings) {
	s.generationMu.Lock()
	defer s.generationMu.Unlock()
	old := s.generation
	s.generation = &generation{Settings: settings}
	old.replaced = true
	old.closeUnused()
}

// closeUnused closes what no work uses any more.
func (g *generation) closeUnused() {
	if g.replaced && g.users == 0 && g.Close != nil {
		g.Close()
		g.Close = nil
	}
}
