package policy

// budget is the work that a request may still take, so that a small document
// whose values and patterns are made to be compared slowly does not keep a
// processor busy. What AWS accepts stays far below it.
type budget int

// maxWork is a budget's size, some tenths of a second.
const maxWork = 20_000_000

// spend notes a comparison that reads so many bytes at most.
func (b *budget) spend(bytes int) { *b -= budget(1 + bytes/16) }

// spent reports whether no work is left. What is compared then does not count.
func (b *budget) spent() bool { return *b < 0 }
