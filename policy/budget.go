package policy

// budget is the work that a request may still take, lest a small document with
// values and patterns made to be compared slowly holds a processor for long.
// What AWS lets a request and its policies be stays far below it.
type budget int

// maxWork is a budget's size, some tenths of a second.
const maxWork = 20_000_000

// spend notes a comparison that reads so many bytes at most.
func (b *budget) spend(bytes int) { *b -= budget(1 + bytes/16) }

// spent tells that no work is left. What is compared then does not count.
func (b *budget) spent() bool { return *b < 0 }
