package main

import (
	"flag"
	"fmt"
)

// stockSizes is how much there is of each set of objects.
type stockSizes struct {
	large  int64 // bytes of the one object
	small  int   // objects of 4 KiB
	medium int   // objects of 64 KiB
}

func (s *stockSizes) flags(f *flag.FlagSet) {
	f.Int64Var(&s.large, "large", 2<<30, "bytes of the large object")
	f.IntVar(&s.small, "small", 10_000, "how many objects of 4 KiB")
	f.IntVar(&s.medium, "medium", 2_000, "how many objects of 64 KiB")
}

// args returns the flags for the same sizes.
func (s stockSizes) args() []string {
	return []string{"-large", fmt.Sprint(s.large), "-small", fmt.Sprint(s.small), "-medium", fmt.Sprint(s.medium)}
}

// set is a set of objects of one size, below a prefix of its name.
type set struct {
	name  string
	count int
	size  int64
}

func (s stockSizes) all() []set {
	return []set{{"large", 1, s.large}, {"small", s.small, 4 << 10}, {"medium", s.medium, 64 << 10}}
}

// directories is the number of directories that the files of a set are in.
const directories = 10

// names returns the set's files, as paths below its prefix.
func (s set) names() []string {
	if s.count == 1 {
		return []string{"object"}
	}
	names := make([]string, s.count)
	for i := range names {
		names[i] = fmt.Sprintf("d%d/%05d", i%directories, i)
	}
	return names
}

func (s set) bytes() int64 { return int64(s.count) * s.size }
