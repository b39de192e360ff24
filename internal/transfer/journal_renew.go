package transfer

// Renew has all be done again: what an earlier process did is forgotten, and
// what it left open is taken back where its transfers, or Sweep, come by, as
// when the sources had changed since. The label stays.
func (j *Journal) Renew() {
	j.note(line{Do: doRenew})
	j.sync()
}

// renew is what the line does.
func (j *Journal) renew() {
	clear(j.done)
	for _, p := range j.open {
		p.version = digest128{} // no source's
		clear(p.parts)
	}
}

// Unfinished tells how many uploads and files are open.
func (j *Journal) Unfinished() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.open)
}
