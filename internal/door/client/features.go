package client

// unstableFeatures lists what clients look for by name in /versions: proposals that are implemented and have no version of the
// specification yet, and proposals that do have one but that clients still look for under their old name.
func unstableFeatures() map[string]bool {
	return map[string]bool{
		"org.matrix.e2e_cross_signing": true,
		"org.matrix.msc4140":           true,
	}
}
