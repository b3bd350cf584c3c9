package store

import "reflect"

// underlyingString is the text of an argument whose type is based on string, or "".
func underlyingString(a any) string {
	v := reflect.ValueOf(a)
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() == reflect.String {
		return v.String()
	}
	return ""
}
