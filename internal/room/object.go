package room

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"conclave.chat/internal/fault"
)

// object is a JSON object whose members are left as they are.
type object map[string]jsontext.Value

// parseObject reads a JSON object; nil or an empty text is an empty object.
func parseObject(raw []byte) (object, error) {
	o := object{}
	if len(raw) == 0 {
		return o, nil
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, fault.BadJSON("a JSON object was expected").Because(err)
	}
	if o == nil {
		o = object{} // the text was null
	}
	return o, nil
}

// set gives a member any value that can be encoded.
func (o object) set(key string, v any) {
	raw, err := json.Marshal(v)
	if err != nil { // only values that we make ourselves come here
		panic("room: " + err.Error())
	}
	o[key] = raw
}

func (o object) bytes() []byte { return encode(o) }

// encode writes a value that cannot fail to be encoded.
func encode(v any) []byte {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic("room: " + err.Error())
	}
	return raw
}
