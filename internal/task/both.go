package task

import (
	"context"
	"slices"

	"github.com/rolecall/rolecall/internal/transfer"
	"github.com/rolecall/rolecall/policy"
)

// both readies a client that may read the source of a copy and write its
// destination, where one role is for both, so that S3 can copy by itself. It
// is nil where there is none, or STS takes no policy so long: then the
// bytes are streamed.
func (s *work) both(ctx context.Context, from, to side) *transfer.Client {
	source, destination := from.place, to.place
	one := source.RoleARN != "" && source.RoleARN == destination.RoleARN && source.ExternalID == destination.ExternalID
	if !one || source.EndpointURL != "" || destination.EndpointURL != "" {
		return nil
	}
	text, err := bothPolicy(s.request(from).Scope(), s.request(to).Scope())
	if err != nil {
		s.log.DebugContext(ctx, "no session policy for both ends of the copy, which is streamed", "cause", err)
		return nil
	}
	to.place.Duration = min(source.Duration, destination.Duration)
	request := s.request(to)
	lease, err := s.take(ctx, to, s.tools.access.UnderPolicy(request, text))
	if err != nil {
		s.log.DebugContext(ctx, "no session for both ends of the copy, which is streamed", "cause", err)
		return nil
	}
	return s.tools.access.Client(request, lease)
}

// bothPolicy is that of a session for both ends of a copy, with tags where
// there is room.
func bothPolicy(read, write policy.Scope) ([]byte, error) {
	read.Operations = slices.DeleteFunc(read.Operations, func(op policy.Operation) bool { return op == policy.List })
	tags, tag := read, write
	tags.Operations = append(slices.Clone(read.Operations), policy.ReadTags)
	tag.Operations = append(slices.Clone(write.Operations), policy.Tag)
	if text, err := policy.Session(tags, tag); err == nil {
		return text, nil
	}
	return policy.Session(read, write)
}
