package mx
type UserID string
type RoomID string
type DeviceID string
