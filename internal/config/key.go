package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
)

// Key is one setting, for the environment and for the reference page.
type Key struct {
	Path    string // e.g. database.postgres
	Env     string // e.g. CONCLAVE_DATABASE_POSTGRES
	Doc     string
	Type    string
	Default string
	value   reflect.Value
}

// Keys lists all settings in the order of the structs, with the values of c as defaults.
func Keys(c *Config) []Key {
	var list []Key
	walk(reflect.ValueOf(c).Elem(), "", "", &list)
	return list
}

// walk adds the keys of a struct; about says what all of them are about.
func walk(v reflect.Value, prefix, about string, list *[]Key) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "" || name == "-" {
			continue
		}
		path := prefix + name
		if f.Type.Kind() == reflect.Struct && f.Tag.Get("doc") == "" || f.Type.Name() == "Rate" {
			walk(v.Field(i), path+".", strings.TrimSpace(about+" "+f.Tag.Get("doc")), list)
			continue
		}
		*list = append(*list, Key{
			Path: path, Env: "CONCLAVE_" + strings.ToUpper(strings.ReplaceAll(path, ".", "_")),
			Doc: strings.TrimSpace(about + " " + f.Tag.Get("doc")), Type: typeName(f.Type), Default: defaultText(v.Field(i)), value: v.Field(i),
		})
	}
}

func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		return "list"
	case reflect.Bool:
		return "true or false"
	case reflect.Map, reflect.Struct:
		return "mapping"
	case reflect.String:
		return "text"
	default:
		if t.String() == "time.Duration" {
			return "duration, e.g. 30s"
		}
		return "number"
	}
}

func defaultText(v reflect.Value) string {
	if v.IsZero() || (v.Kind() == reflect.Slice && v.Len() == 0) {
		return ""
	}
	return fmt.Sprint(v.Interface())
}

// overlay sets keys from the environment: text as it is, lists of text separated by commas, anything else as YAML.
func overlay(c *Config, environ []string) error {
	env := map[string]string{}
	for _, e := range environ {
		if k, v, ok := strings.Cut(e, "="); ok && strings.HasPrefix(k, "CONCLAVE_") {
			env[k] = v
		}
	}
	for _, k := range Keys(c) {
		text, ok := env[k.Env]
		if !ok {
			continue
		}
		if err := k.set(text); err != nil {
			return fmt.Errorf("%s: %w", k.Env, err)
		}
		c.sources[k.Path] = "environment"
	}
	return nil
}

func (k Key) set(text string) error {
	v := k.value
	switch {
	case v.Kind() == reflect.String:
		v.SetString(text)
		return nil
	case v.Type() == reflect.TypeFor[[]string]() && !strings.HasPrefix(strings.TrimSpace(text), "["):
		var list []string
		for s := range strings.SplitSeq(text, ",") {
			if s = strings.TrimSpace(s); s != "" {
				list = append(list, s)
			}
		}
		v.Set(reflect.ValueOf(list))
		return nil
	default:
		if err := yaml.Unmarshal([]byte(text), v.Addr().Interface()); err != nil {
			return fmt.Errorf("%q is not a %s", text, k.Type)
		}
		return nil
	}
}

// inFile notes which settings a configuration file has. It was parsed before, so it can be.
func (c *Config) inFile(data []byte) {
	var tree map[string]any
	if yaml.Unmarshal(data, &tree) != nil {
		return
	}
	for _, k := range Keys(c) {
		var at any = tree
		for name := range strings.SplitSeq(k.Path, ".") {
			branch, _ := at.(map[string]any)
			at = branch[name]
		}
		if at != nil {
			c.sources[k.Path] = "file"
		}
	}
}

// Source says where the value of a setting comes from: file, environment or default.
func (c *Config) Source(path string) string {
	if s := c.sources[path]; s != "" {
		return s
	}
	return "default"
}
