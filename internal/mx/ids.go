package mx

// UserID is @localpart:server.
type UserID string

// RoomID is !opaque, with :server before room version 12.
type RoomID string

// DeviceID names one of a user's devices.
type DeviceID string

// ServerName is a Matrix server name.
type ServerName string
