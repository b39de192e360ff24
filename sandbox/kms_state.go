package sandbox

import (
	"fmt"

	"github.com/rolecall/rolecall/policy"
)

// The states of a key.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
const (
	stateEnabled         = "Enabled"
	stateDisabled        = "Disabled"
	statePendingDeletion = "PendingDeletion"
)

// unusable returns the error of a key that is not enabled, or nil. KMS checks
// this after the caller's permission: who may not use the key does not learn
// its state.
func (k *key) unusable() *serviceError {
	switch k.state {
	case stateDisabled:
		return badKMS("DisabledException", k.arn.String()+" is disabled.")
	case statePendingDeletion:
		return k.invalidState("is pending deletion.")
	}
	return nil
}

func (k *key) invalidState(what string) *serviceError {
	return badKMS("KMSInvalidStateException", k.arn.String()+" "+what)
}

func (s *Server) enableKey(c *call, in kmsInput) (any, *serviceError) {
	return struct{}{}, s.setKeyState(c, in, stateEnabled)
}

func (s *Server) disableKey(c *call, in kmsInput) (any, *serviceError) {
	return struct{}{}, s.setKeyState(c, in, stateDisabled)
}

// setKeyState enables or disables a key.
func (s *Server) setKeyState(c *call, in kmsInput, state string) *serviceError {
	k, fail := s.changeableKey(c, in.KeyID)
	switch {
	case fail != nil:
		return fail
	case k.state == statePendingDeletion:
		return k.unusable()
	}
	s.directory.changeKey(k, func(k *Key) { k.State = state })
	return nil
}

// scheduleKeyDeletion takes the key out of use. The sandbox never deletes it.
func (s *Server) scheduleKeyDeletion(c *call, in kmsInput) (any, *serviceError) {
	days := 30
	if in.Window != nil {
		days = *in.Window
	}
	if days < 7 || days > 30 {
		return nil, badKMS("ValidationException", fmt.Sprintf("PendingWindowInDays must be between 7 and 30, and is %d", days))
	}
	k, fail := s.changeableKey(c, in.KeyID)
	switch {
	case fail != nil:
		return nil, fail
	case k.state == statePendingDeletion:
		return nil, k.unusable()
	}
	s.directory.changeKey(k, func(k *Key) { k.State = statePendingDeletion })
	return map[string]any{
		"KeyId": k.arn.String(), "KeyState": statePendingDeletion, "PendingWindowInDays": days,
		"DeletionDate": c.at.AddDate(0, 0, days).Unix(),
	}, nil
}

// cancelKeyDeletion leaves the key disabled, as AWS does.
func (s *Server) cancelKeyDeletion(c *call, in kmsInput) (any, *serviceError) {
	k, fail := s.changeableKey(c, in.KeyID)
	switch {
	case fail != nil:
		return nil, fail
	case k.state != statePendingDeletion:
		return nil, k.invalidState("is not pending deletion.")
	}
	s.directory.changeKey(k, func(k *Key) { k.State = stateDisabled })
	return map[string]string{"KeyId": k.arn.String()}, nil
}

// changeableKey is authorizedKey for operations that KMS allows neither from
// another account nor on a key that AWS manages.
func (s *Server) changeableKey(c *call, id string) (*key, *serviceError) {
	k, fail := s.authorizedKey(c, id)
	switch {
	case fail != nil:
		return nil, fail
	case k.arn.Account != c.caller.account.id:
		d := policy.Denial{Principal: c.caller.arn, Action: "kms:" + c.operation, Layer: policy.DeniedByResource}
		return nil, badKMS("AccessDeniedException", d.String())
	case k.managed:
		return nil, badKMS("AccessDeniedException", "AWS managed keys are AWS's to change")
	}
	return k, nil
}

// changeKey replaces a key by a changed copy.
func (d *directory) changeKey(k *key, change func(*Key)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	keys, id := d.accounts[k.arn.Account].keys, k.arn.Resource[len("key/"):]
	changed := *keys[id]
	change(&changed)
	keys[id] = &changed
}
