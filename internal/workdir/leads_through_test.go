package workdir_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/rolecall/rolecall/internal/workdir"
)

func TestLeadsThrough(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	at := func(name string) string { return top + "/" + name } // not cleaned
	if err := errors.Join(
		os.MkdirAll(at("work/sub"), 0o700), os.MkdirAll(at("etc/state"), 0o700), os.Mkdir(at("worker"), 0o700),
		os.WriteFile(at("work/job.json"), nil, 0o600), os.WriteFile(at("etc/config"), nil, 0o600),
		os.Symlink(at("work"), at("to-work")), os.Symlink("../etc/config", at("work/config")), os.Symlink("../work/config", at("etc/round")),
		os.Symlink("../work/sub", at("etc/sub")), os.Symlink(at("work/sub/.."), at("etc/back")), os.Symlink("loop", at("loop")),
		os.Symlink(at("etc"), at("work/etc")), os.Symlink("nowhere/later", at("later")),
	); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dir, path string
		want      bool
	}{
		{"work", "work/job.json", true},
		{"work", "work", true},
		{"work", "work/sub/deeper/none", true},
		{"work/", "etc/../work//./job.json", true},
		{".", "etc/config", true},
		{"work", "etc/config", false},
		{"work", "worker/file", false}, // only the beginning of the name is the same
		{"work", "work/sub/../../etc/config", true},
		{"work", "work/../etc/config", false}, // no name in it is looked up
		{"work/sub", "work/job.json", false},
		{"to-work", "work/job.json", true},
		{"work", "to-work/job.json", true},
		{"work", "work/config", true}, // the link could be replaced
		{"etc", "work/config", true},  // and so could its target
		{"work", "etc/round", true},   // through work
		{"work", "etc/sub/x", true},
		{"work", "etc/sub/../job.json", true}, // the one in work, not in etc
		{"worker", "etc/sub/../job.json", false},
		{"etc/back", "work/job.json", true},
		{"work/sub", "etc/back/job.json", false}, // the path leaves it again
		{"work", "work/etc/config", true},
		{"etc", "work/etc/state/key", true},
		{"none", "none/key", true}, // neither exists yet
		{"none/../none", "none/key", true},
		{"none", "nonesuch/key", false},
		{"later", "nowhere/later/key", true},
		{"nowhere", "later/key", true},
	} {
		got, err := workdir.LeadsThrough(at(c.dir), at(c.path))
		if err != nil || got != c.want {
			t.Errorf("%s holds %s: %v, %v", c.dir, c.path, got, err)
		}
	}
	if _, err := workdir.LeadsThrough(at("loop"), at("etc")); err == nil {
		t.Error("a link to itself leads somewhere")
	}
	if _, err := workdir.LeadsThrough(at("etc"), at("loop/x")); err == nil {
		t.Error("a link to itself leads somewhere")
	}
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{".", "..", "/", filepath.Dir(wd)} {
		if got, err := workdir.LeadsThrough(dir, "way.go"); err != nil || !got {
			t.Errorf("%s holds a file of this package: %v, %v", dir, got, err)
		}
	}
	if got, err := workdir.LeadsThrough("testdata", wd); err != nil || got {
		t.Errorf("a directory holds the one it is in: %v, %v", got, err)
	}
}

func TestFilesOf(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	at := func(name string) string { return top + "/" + name } // not cleaned
	if err := errors.Join(
		os.MkdirAll(at("work/sub"), 0o700), os.WriteFile(at("work/job.json"), nil, 0o600), os.WriteFile(at("outside.json"), nil, 0o600),
		os.Symlink("sub/../job.json", at("work/link")), os.Symlink(at("work/link"), at("to-link")), os.Symlink("loop", at("work/loop")),
	); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]string{
		"work/job.json": {"work/job.json"}, "work/link": {"work/link", "work/job.json"}, "to-link": {"to-link", "work/link", "work/job.json"},
		"outside.json": nil, "work/none": nil,
	} {
		files := workdir.FilesOf(at("work"), at(path))
		if len(files) != len(want) {
			t.Errorf("%s: %d files, want %v", path, len(files), want)
			continue
		}
		for i, file := range files {
			if info, err := os.Lstat(at(want[i])); err != nil || !os.SameFile(file, info) {
				t.Errorf("%s: the file %d is %s, want %s", path, i, file.Name(), want[i])
			}
		}
	}
	workdir.FilesOf(at("work"), at("work/loop")) // ends
}
