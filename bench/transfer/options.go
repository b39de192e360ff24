package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/pprof"
)

// options describe one piece of work for ours and raw.
type options struct {
	direction      string // down, up, relay
	url            string
	set            string // the prefix in the bucket, and the directory, of what is moved
	dir            string // local
	sink           string // bucket to write to
	access, secret string
	toAccess       string // relay: the destination's
	toSecret       string
	plain          bool // not AWS: a server that may not know its newer headers
	profile        string
	stock          stockSizes // the server's objects
}

func (o *options) parse(name string, args []string) error {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.StringVar(&o.direction, "direction", "down", "down, up or relay")
	f.StringVar(&o.url, "url", "", "the server")
	f.StringVar(&o.set, "set", "large", "what to move: large, small or medium")
	f.StringVar(&o.dir, "dir", "", "local directory: its file tree goes up, or is made")
	f.StringVar(&o.sink, "sink", "sink", "bucket to write to")
	f.StringVar(&o.access, "access", "AKIASOURCE0000000001", "access key id")
	f.StringVar(&o.secret, "secret", "source-secret", "secret access key")
	f.StringVar(&o.toAccess, "to-access", "AKIATARGET0000000001", "access key id of a relay's destination")
	f.StringVar(&o.toSecret, "to-secret", "target-secret", "its secret access key")
	f.BoolVar(&o.plain, "plain", false, "the server is not AWS")
	f.StringVar(&o.profile, "cpuprofile", "", "write a profile to this file")
	o.stock.flags(f)
	if err := f.Parse(args); err != nil {
		return err
	}
	if o.direction != "down" && o.direction != "up" && o.direction != "relay" {
		return fmt.Errorf("no direction %q", o.direction)
	}
	return nil
}

// profiled runs the work, under a profile if one is requested.
func (o *options) profiled(work func() error) error {
	if o.profile == "" {
		return work()
	}
	file, err := os.Create(o.profile)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return work()
}
