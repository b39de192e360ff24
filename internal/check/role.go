package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
)

// roleSteps are the steps that look at who gives the credentials: the role,
// and the vendor's own identity that assumes it.
func roleSteps() []step {
	return []step{
		{name: rolecall.StepARN, run: declared},
	}
}

// declared looks at what the connection says, without a call.
func declared(_ context.Context, w *work) finding {
	if len(w.Faults) > 0 {
		return misdeclared(w.Faults)
	}
	if w.Connection.RoleARN == "" {
		return skipped("the connection has no role")
	}
	arn, err := rolecall.ParseRoleARN(w.Connection.RoleARN)
	switch {
	case err != nil:
		return misdeclared(rolecall.List(err))
	case w.vendors(arn.Account):
		return finding{
			result: rolecall.CheckFail, layer: rolecall.LayerName, message: "the role is not usable",
			hint: "give a role in your own account",
		}
	case arn.Partition != w.Principal.ARN.Partition:
		return finding{
			result: rolecall.CheckFail, layer: rolecall.LayerName,
			message: fmt.Sprintf("the role is in the partition %s, the principal %s in %s", arn.Partition, w.Principal.Name, w.Principal.ARN.Partition),
			hint:    "partitions do not mix: give a role of the principal's partition, or choose a principal of the role's",
		}
	}
	return passed("%s is the ARN of a role", w.Connection.RoleARN)
}

// misdeclared says all that is wrong with the declaration.
func misdeclared(faults rolecall.Errors) finding {
	f := finding{result: rolecall.CheckFail, layer: rolecall.LayerName}
	var messages, hints []string
	for _, e := range faults {
		messages = append(messages, e.Error())
		if e.Hint != "" && !slices.Contains(hints, e.Hint) {
			hints = append(hints, e.Hint)
		}
	}
	f.message, f.hint = strings.Join(messages, "; "), strings.Join(hints, "; ")
	return f
}

// vendors tells whether the account is one of the vendor's.
func (w *work) vendors(account string) bool {
	if account == w.Principal.ARN.Account || slices.Contains(w.Vendor.Accounts, account) {
		return true
	}
	for _, p := range w.Vendor.Principals {
		if p.ARN.Account == account {
			return true
		}
	}
	return false
}
