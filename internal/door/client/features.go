package client

// unstableFeatures lists what clients look for by name in /versions: proposals that are implemented and have no version of the
// specification yet, and proposals that do have one but that clients still look for under their old name. encrypted says that every
// new room is encrypted: Element then shows its switch for that as on and fixed.
func unstableFeatures(encrypted bool) map[string]bool {
	features := map[string]bool{
		"org.matrix.e2e_cross_signing":            true,
		"org.matrix.msc2285.stable":               true, // private read receipts
		"org.matrix.msc3391":                      true, // deletion of account data
		"org.matrix.msc3440.stable":               true, // threads
		"org.matrix.msc3814":                      true, // dehydrated devices
		"org.matrix.msc3827.stable":               true, // the room directory filters by room type
		"org.matrix.msc3916.stable":               true, // authenticated media
		"org.matrix.msc4222":                      true, // state_after in /sync
		"org.matrix.msc4306":                      true, // thread subscriptions
		"org.matrix.msc4308":                      true, // thread subscriptions in sliding sync
		"org.matrix.simplified_msc3575":           true, // sliding sync
		"uk.half-shot.msc2666.query_mutual_rooms": true,
		"uk.tcpip.msc4133":                        true, // custom profile fields
		"uk.tcpip.msc4133.stable":                 true,
		"org.matrix.msc4140":                      true, // delayed events
	}
	if encrypted {
		for _, preset := range []string{"private", "public", "trusted_private"} {
			features["io.element.e2ee_forced."+preset] = true
		}
	}
	return features
}
