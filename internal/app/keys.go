package app

import (
	"conclave.chat/internal/e2ee"
	"conclave.chat/internal/store/account"
)

// wireKeys makes the end-to-end encryption service.
func (a *App) wireKeys() {
	a.e2ee = e2ee.New(e2ee.Deps{DB: a.db, Server: a.server, Devices: account.DeviceNames, Config: a.cfg.Encryption, MayErase: a.keeper().MayErase})
	a.collectors = append(a.collectors, collector{"to-device messages", a.e2ee.Collect})
}
