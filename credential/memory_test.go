package credential_test

import (
	"testing"

	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/credential/verdicttest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	verdicttest.Run(t, func(*testing.T) credential.Verdicts { return credential.Memory() })
}
