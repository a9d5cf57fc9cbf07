package main

import (
	"bytes"
	"encoding/json"
)

// object is a JSON object that keeps the order of its members, so that the document reads in the order of the IDL.
type object []member

type member struct {
	key   string
	value any
}

// set adds a member, or replaces its value.
func (o *object) set(key string, value any) {
	for i := range *o {
		if (*o)[i].key == key {
			(*o)[i].value = value
			return
		}
	}
	*o = append(*o, member{key, value})
}

// get is the value of a member that is an object, nil when there is none.
func (o object) get(key string) object {
	for _, m := range o {
		if m.key == key {
			v, _ := m.value.(object)
			return v
		}
	}
	return nil
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := enc.Encode(m.key); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := enc.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// ref points to a part of the document.
func ref(path string) object { return object{{"$ref", "#/components/" + path}} }

// text is the value of a member as text, "" when there is none.
func (o object) text(key string) string {
	for _, m := range o {
		if m.key == key {
			return text(m.value)
		}
	}
	return ""
}

// list is the value of a member that is a list of objects.
func (o object) list(key string) []object {
	for _, m := range o {
		if m.key == key {
			v, _ := m.value.([]object)
			return v
		}
	}
	return nil
}
