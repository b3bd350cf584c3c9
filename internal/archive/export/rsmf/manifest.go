package rsmf

// manifest is rsmf_manifest.json, by Relativity's schema of version 2.0.0.
type manifest struct {
	Version       string         `json:"version"`
	Participants  []participant  `json:"participants"`
	Conversations []conversation `json:"conversations"`
	Events        []event        `json:"events"`
	Collection    string         `json:"eventcollectionid"`
}

type participant struct {
	ID      string   `json:"id"`
	Display string   `json:"display,omitempty"`
	Email   string   `json:"email,omitempty"`
	Account string   `json:"account_id,omitempty"`
	Custom  []custom `json:"custom,omitempty"`
}

type conversation struct {
	ID           string   `json:"id"`
	Display      string   `json:"display,omitempty"`
	Platform     string   `json:"platform"`
	Type         string   `json:"type"`
	Participants []string `json:"participants"`
	Custom       []custom `json:"custom,omitempty"`
}

type event struct {
	ID           string       `json:"id"`
	Type         string       `json:"type"`
	Parent       string       `json:"parent,omitempty"`
	Body         string       `json:"body,omitempty"`
	Participant  string       `json:"participant,omitempty"`
	Conversation string       `json:"conversation"`
	Timestamp    string       `json:"timestamp"`
	Deleted      bool         `json:"deleted,omitempty"`
	Reactions    []reaction   `json:"reactions,omitempty"`
	Attachments  []attachment `json:"attachments,omitempty"`
	Edits        []edit       `json:"edits,omitempty"`
	Receipts     []receipt    `json:"read_receipts,omitempty"`
	Custom       []custom     `json:"custom,omitempty"`
}

type receipt struct {
	Participant string `json:"participant"`
	Timestamp   string `json:"timestamp"`
	Action      string `json:"action"`
}

type reaction struct {
	Value        string   `json:"value"`
	Count        int      `json:"count"`
	Participants []string `json:"participants"`
}

type attachment struct {
	ID      string `json:"id"`
	Display string `json:"display,omitempty"`
	Size    int64  `json:"size"`
}

type edit struct {
	Participant string `json:"participant"`
	Timestamp   string `json:"timestamp"`
	Previous    string `json:"previous"`
	New         string `json:"new"`
}

type custom struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
