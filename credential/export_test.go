package credential

// Idle waits until no fetch of the provider's credential is under way.
func (p *Provider) Idle() {
	c := p.vault.cache
	c.mu.Lock()
	var f *flight
	if e := c.entries[p.key]; e != nil {
		f = e.flight
	}
	c.mu.Unlock()
	if f != nil {
		<-f.done
	}
}
