package main

import (
	"path/filepath"
	"strings"
)

// client is a program to measure.
type client struct {
	name string
	// peer is set for others' programs, with which ours is compared.
	peer bool
	// commands returns a pipeline that does the work. It is empty for work that
	// the client cannot do.
	commands func(w work, p place) []command
}

type command struct{ args, env []string }

// place is where one run of a client moves objects from and to.
type place struct {
	source string // directory with the files to upload
	down   string // empty directory for downloads
	sink   string // empty bucket
}

// all returns the clients. Each peer is measured with its defaults, and with
// the flags that made it fastest here; what it does not verify then is its
// choice.
func (s *session) all() []client {
	return []client{
		{name: "ours", commands: s.ours("ours")},
		{name: "raw", commands: s.raw},
		{name: "rclone", peer: true, commands: func(w work, p place) []command { return s.rclone(w, p, nil) }},
		{name: "rclone tuned", peer: true, commands: func(w work, p place) []command { return s.rclone(w, p, rcloneFlags(w)) }},
		{name: "rclone wide", peer: true, commands: s.rcloneWide},
		{name: "mc", peer: true, commands: s.mc},
		{name: "mc tuned", peer: true, commands: s.mcTuned},
		{name: "aws tuned", peer: true, commands: s.aws},
	}
}

func (s *session) ours(part string) func(w work, p place) []command {
	return func(w work, p place) []command {
		dir := p.down
		if w.direction == "up" {
			dir = p.source
		}
		args := append([]string{
			s.self, part, "-direction", w.direction, "-set", w.set.name, "-url", s.target.url, "-dir", dir, "-sink", p.sink,
			"-access", s.target.access, "-secret", s.target.secret, "-to-access", s.target.access, "-to-secret", s.target.secret,
		}, s.stock.args()...)
		if !s.target.null {
			args = append(args, "-plain")
		}
		return []command{{args: args}}
	}
}

func (s *session) raw(w work, p place) []command {
	if !s.target.null {
		return nil // other servers check signatures
	}
	return s.ours("raw")(w, p)
}

// rcloneFlags are the flags that made rclone fastest. They omit its checks of
// what was written, by HEAD and by MD5.
func rcloneFlags(w work) []string {
	flags := strings.Fields("--ignore-checksum --no-check-dest --s3-disable-checksum --s3-no-head --s3-no-check-bucket --s3-use-multipart-etag=false")
	switch w.name() {
	case "large-down":
		return append(flags, strings.Fields("--buffer-size 0 --multi-thread-streams 2 --multi-thread-chunk-size 128M")...)
	case "large-up":
		return append(flags, strings.Fields("--buffer-size 0 --s3-upload-concurrency 4 --s3-chunk-size 16M")...)
	case "large-relay":
		return append(flags, strings.Fields("--multi-thread-streams 0 --s3-upload-concurrency 4 --s3-chunk-size 16M")...)
	default:
		return append(flags, strings.Fields("--fast-list --transfers 16 --checkers 16 --buffer-size 0 --s3-no-head-object --s3-use-presigned-request")...)
	}
}

// rcloneWide runs more in parallel than helps on a loopback.
func (s *session) rcloneWide(w work, p place) []command {
	if s.late == 0 {
		return nil
	}
	more := "--transfers 128 --checkers 128"
	switch w.name() {
	case "large-down", "large-relay":
		more = "--multi-thread-streams 16 --multi-thread-chunk-size 16M"
	case "large-up":
		more = "--s3-upload-concurrency 16"
	}
	return s.rclone(w, p, append(rcloneFlags(w), strings.Fields(more)...))
}

func (s *session) rclone(w work, p place, flags []string) []command {
	from, to := "A:"+sourceBucket+"/"+w.set.name, "B:"+p.sink+"/"+w.set.name
	switch w.direction {
	case "down":
		to = p.down
	case "up":
		from = p.source
	}
	env := []string{"RCLONE_CONFIG=" + filepath.Join(s.dir, "rclone.conf")}
	for _, remote := range []string{"A", "B"} {
		at := "RCLONE_CONFIG_" + remote + "_"
		env = append(env, at+"TYPE=s3", at+"PROVIDER=Minio", at+"REGION=us-east-1", at+"ENDPOINT="+s.target.url,
			at+"ACCESS_KEY_ID="+s.target.access, at+"SECRET_ACCESS_KEY="+s.target.secret)
	}
	return []command{{args: append([]string{"rclone", "copy", "-q", from, to}, flags...), env: env}}
}

func (s *session) mc(w work, p place) []command {
	return s.mcCommand(w, p, "cp", "-q", "--recursive")
}

// mcTuned uses more workers for small objects, by mirror, and more parallel
// parts for a large one; get and put are for single objects.
func (s *session) mcTuned(w work, p place) []command {
	switch w.name() {
	case "large-down":
		return s.mcCommand(w, p, "get", "-q")
	case "large-up":
		return s.mcCommand(w, p, "put", "-q", "--parallel", "4", "--part-size", "64MiB")
	case "large-relay":
		commands := s.mcCommand(w, p, "cp", "-q")
		commands[0].env = append(commands[0].env, "MC_UPLOAD_MULTIPART_SIZE=16MiB", "MC_UPLOAD_MULTIPART_THREADS=8")
		return commands
	default:
		return s.mcCommand(w, p, "mirror", "-q")
	}
}

func (s *session) mcCommand(w work, p place, verb string, flags ...string) []command {
	from, to := "a/"+sourceBucket+"/"+w.set.name+"/", "b/"+p.sink+"/"+w.set.name+"/"
	switch w.direction {
	case "down":
		to = p.down + "/"
	case "up":
		from = p.source + "/"
	}
	if w.count == 1 {
		from, to = from+"object", to+"object"
	}
	host := strings.Replace(s.target.url, "://", "://"+s.target.access+":"+s.target.secret+"@", 1)
	return []command{{
		args: append(append([]string{"mc", verb}, flags...), from, to),
		env:  []string{"MC_CONFIG_DIR=" + filepath.Join(s.dir, "mc"), "MC_HOST_a=" + host, "MC_HOST_b=" + host},
	}}
}

// awsConfig leaves the payload unsigned where S3 allows it.
const awsConfig = `[default]
s3 =
  addressing_style = path
  max_concurrent_requests = 10
  multipart_threshold = 64MB
  multipart_chunksize = 64MB
  payload_signing_enabled = false
`

// aws relays through a pipe, which works for one object only.
func (s *session) aws(w work, p place) []command {
	from, to := "s3://"+sourceBucket+"/"+w.set.name+"/", "s3://"+p.sink+"/"+w.set.name+"/"
	env := []string{
		"AWS_CONFIG_FILE=" + filepath.Join(s.dir, "aws.conf"), "AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=" + s.target.access, "AWS_SECRET_ACCESS_KEY=" + s.target.secret,
	}
	if s.target.ca != "" {
		env = append(env, "AWS_CA_BUNDLE="+s.target.ca)
	}
	cp := func(args ...string) command {
		return command{args: append([]string{"aws", "--endpoint-url", s.target.url, "s3", "cp", "--only-show-errors"}, args...), env: env}
	}
	switch {
	case w.direction == "relay" && w.count > 1:
		return nil
	case w.direction == "relay":
		return []command{cp(from+"object", "-"), cp("-", to+"object")}
	case w.direction == "down":
		return []command{cp("--recursive", from, p.down)}
	default:
		return []command{cp("--recursive", p.source, to)}
	}
}
