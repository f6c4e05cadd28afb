// Package export_nimbus_wash_plugin is the plugin; the bindings know it by that name.
package export_nimbus_wash_plugin

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	wash "inspect_sections/nimbus_wash_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

// Where the folder that wash works in is mounted, once the user has agreed.
const project = "/project"

func Info() wash.Metadata {
	return wash.Metadata{
		Name:        "inspect-sections",
		Description: "What a component consists of, by size",
		Version:     "0.1.0",
		License:     "Apache-2.0",
		Command: wit.Some(wash.Command{
			Name:        "inspect-sections",
			Description: "Shows what a component consists of, by size",
			Flags: []wash.Flag{{
				Name:        "deep",
				Short:       wit.Some('d'),
				Description: "also what the modules in it consist of",
				Kind:        wash.ValueKindSwitch,
				Env:         wit.None[string](),
				Default:     wit.None[string](),
			}},
			Arguments: []wash.Argument{{
				Name:        "component",
				Description: "a file of the project",
				Kind:        wash.ValueKindText,
				Default:     wit.None[string](),
				Required:    true,
			}},
			Examples: []string{"wash inspect-sections --deep app.wasm"},
		}),
		Hooks:       []wash.Hook{{Phase: wash.PhaseAfter, Command: "build"}},
		DevRegister: wit.None[wash.DevRegister](),
		Capabilities: wash.Capabilities{
			Files: []wash.Files{{Folder: "project", Access: wash.AccessRead, Reason: "reads components"}},
		},
	}
}

func Initialize(runner *wash.Runner) wit.Result[wit.Unit, string] {
	runner.Drop()
	return wit.Ok[wit.Unit, string](wit.Unit{})
}

// read gives the content of a file of the project.
func read(path string) ([]byte, error) {
	if _, err := os.Stat(project); err != nil {
		return nil, errors.New("nobody has agreed that it reads the project's folder")
	}
	return os.ReadFile(filepath.Join(project, filepath.Clean("/"+path)))
}

func value(given []wash.Given, name string) string {
	for _, each := range given {
		if each.Name == name && len(each.Values) > 0 {
			return each.Values[0]
		}
	}
	return ""
}

func Run(runner *wash.Runner, invocation wash.Invocation) wit.Result[string, string] {
	runner.Drop()
	path := value(invocation.Arguments, "component")
	binary, err := read(path)
	if err != nil {
		return wit.Err[string, string](err.Error())
	}
	text, err := describe(binary, value(invocation.Flags, "deep") == "true")
	if err != nil {
		return wit.Err[string, string](path + ": " + err.Error())
	}
	return wit.Ok[string, string](text)
}

// Hook says after a build how large the component is, and how much of that are custom sections.
func Hook(runner *wash.Runner, event wash.Event) wit.Result[string, string] {
	defer runner.Drop()
	context := runner.Context()
	defer context.Drop()
	path := context.Get("build.component_path")
	folder := ""
	for _, input := range event.Inputs {
		if input.F0 == "build.project_path" {
			folder = input.F1
		}
	}
	if path.IsNone() {
		return wit.Ok[string, string]("") // the build failed
	}
	relative, found := strings.CutPrefix(path.Some(), strings.TrimSuffix(folder, "/")+"/")
	if !found {
		return wit.Ok[string, string]("the component lies outside of the project")
	}
	binary, err := read(relative)
	if err != nil {
		return wit.Ok[string, string](err.Error())
	}
	text, err := summary(binary)
	if err != nil {
		return wit.Err[string, string](err.Error())
	}
	return wit.Ok[string, string](text)
}

func Check(runner *wash.Runner) wit.Result[[]wash.Finding, string] {
	runner.Drop()
	return wit.Ok[[]wash.Finding, string](nil)
}
