package e2ee

import "errors"

// Config bounds what users keep here that the server cannot read.
type Config struct {
	BackupBytes   int64 `yaml:"backup_bytes" doc:"What the key backups of one user may take together: bytes. A key takes some 500. 0 means no limit."`
	ToDeviceBytes int64 `yaml:"to_device_bytes" doc:"What may wait for the devices of one user, each of which has an equal share: bytes. Of a device that does not fetch its messages the oldest are dropped. 0 means no limit."`
}

// DefaultConfig has room for hundreds of thousands of keys.
func DefaultConfig() Config { return Config{BackupBytes: 512 << 20, ToDeviceBytes: 512 << 20} }

// Check refuses what cannot be meant.
func (c Config) Check() error {
	if c.BackupBytes < 0 || c.ToDeviceBytes < 0 {
		return errors.New("e2ee: the limits cannot be negative")
	}
	return nil
}
