package gate

import (
	"context"

	"conclave.chat/internal/ident"
)

// Accounts resolves tokens by the accounts of this server.
type Accounts struct{ Service *ident.Service }

// Authenticate gives the token's owner.
func (a Accounts) Authenticate(ctx context.Context, token string) (Caller, error) {
	c, err := a.Service.Resolve(ctx, token)
	return Caller(c), err
}
