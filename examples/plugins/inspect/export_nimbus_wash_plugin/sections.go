package export_nimbus_wash_plugin

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// A module in a component in a component …: deeper than any that is built.
const maxDepth = 16

var (
	errEnd    = errors.New("it ends within a section")
	errNumber = errors.New("it has a number without an end")
	errMagic  = errors.New("it is not WebAssembly")
	errDepth  = errors.New("it is nested too deeply")
)

// Names of sections, by their numbers.
var (
	moduleSections = []string{"custom", "types", "imports", "functions", "tables", "memories",
		"globals", "exports", "start", "elements", "code", "data", "data count", "tags"}
	componentSections = []string{"custom", "module", "module instances", "core types",
		"component", "instances", "aliases", "types", "canonical functions", "start",
		"imports", "exports", "values"}
)

const (
	customSection    = 0
	moduleSection    = 1
	componentSection = 4
)

type section struct {
	id      byte
	content []byte
}

// number reads an unsigned LEB128 of at most 32 bits.
func number(in []byte) (value uint64, rest []byte, err error) {
	for i := 0; i < 5; i++ {
		if i == len(in) {
			return 0, nil, errEnd
		}
		value |= uint64(in[i]&0x7f) << (7 * i)
		if in[i] < 0x80 {
			return value, in[i+1:], nil
		}
	}
	return 0, nil, errNumber
}

// sections takes a module or component apart.
func sections(binary []byte) (all []section, component bool, err error) {
	if len(binary) < 8 || !bytes.Equal(binary[:4], []byte("\x00asm")) {
		return nil, false, errMagic
	}
	component = binary[6] == 1
	for rest := binary[8:]; len(rest) > 0; {
		id := rest[0]
		size, behind, err := number(rest[1:])
		if err != nil {
			return nil, false, err
		}
		if size > uint64(len(behind)) {
			return nil, false, errEnd
		}
		all = append(all, section{id, behind[:size]})
		rest = behind[size:]
	}
	return all, component, nil
}

// customName is the name of a custom section, safe to print.
func customName(content []byte) string {
	size, rest, err := number(content)
	if err != nil || size > uint64(len(rest)) {
		return "?"
	}
	return fmt.Sprintf("%q", rest[:size])
}

func nameOf(each section, component bool) string {
	names := moduleSections
	if component {
		names = componentSections
	}
	if int(each.id) >= len(names) {
		return fmt.Sprintf("section %d", each.id)
	}
	if each.id == customSection {
		return "custom " + customName(each.content)
	}
	return names[each.id]
}

func write(out *strings.Builder, binary []byte, deep bool, depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	all, component, err := sections(binary)
	if err != nil {
		return err
	}
	for _, each := range all {
		fmt.Fprintf(out, "%9d  %s%s\n", len(each.content), strings.Repeat("  ", depth),
			nameOf(each, component))
		nested := component && (each.id == moduleSection || each.id == componentSection)
		if !deep || !nested {
			continue
		}
		if err := write(out, each.content, deep, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// describe is a line for each section: its bytes and what it is.
func describe(binary []byte, deep bool) (string, error) {
	var out strings.Builder
	fmt.Fprintf(&out, "%9d  bytes\n", len(binary))
	if err := write(&out, binary, deep, 0); err != nil {
		return "", err
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// customBytes is how much custom sections take, also within.
func customBytes(binary []byte, depth int) (total int, err error) {
	if depth > maxDepth {
		return 0, errDepth
	}
	all, component, err := sections(binary)
	if err != nil {
		return 0, err
	}
	for _, each := range all {
		if each.id == customSection {
			total += len(each.content)
		} else if component && (each.id == moduleSection || each.id == componentSection) {
			within, err := customBytes(each.content, depth+1)
			if err != nil {
				return 0, err
			}
			total += within
		}
	}
	return total, nil
}

func summary(binary []byte) (string, error) {
	custom, err := customBytes(binary, 0)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d bytes, %d of them in custom sections", len(binary), custom), nil
}
