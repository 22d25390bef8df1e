// Answers what GitOps tools would make of objects: Argo CD's health scripts in the Lua that it runs them in, Flux's
// health expressions in Flux's own evaluator, and Flux's objects held against Flux's own types. Reads one question as
// JSON from standard input and writes the answers, in the same order, to standard output.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	helm "github.com/fluxcd/helm-controller/api/v2"
	kustomization "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	source "github.com/fluxcd/source-controller/api/v1"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

type question struct {
	Scripts []struct {
		Script string
		Object map[string]any
	}
	Expressions []struct {
		Expressions json.RawMessage
		Object      json.RawMessage
	}
	FluxObjects []json.RawMessage
}

type verdict struct {
	Status  string `json:"status"`
	Message string `json:"message,omitempty"`
	Error   string `json:"error,omitempty"`
}

type answers struct {
	Scripts     []verdict `json:"scripts"`
	Expressions []verdict `json:"expressions"`
	FluxObjects []string  `json:"fluxObjects"` // what is wrong with each, or nothing
}

// Lua's own limit in Argo CD.
const scriptLimit = time.Second

func luaValue(state *lua.LState, value any) lua.LValue {
	switch typed := value.(type) {
	case bool:
		return lua.LBool(typed)
	case float64:
		return lua.LNumber(typed)
	case string:
		return lua.LString(typed)
	case []any:
		table := state.CreateTable(len(typed), 0)
		for _, item := range typed {
			table.Append(luaValue(state, item))
		}
		return table
	case map[string]any:
		table := state.CreateTable(0, len(typed))
		for key, item := range typed {
			table.RawSetString(key, luaValue(state, item))
		}
		return table
	}
	return lua.LNil
}

// runScript opens the libraries that Argo CD opens for scripts of argocd-cm, which are fewer than for its own.
func runScript(script string, object map[string]any) (verdict, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable,
	} {
		if err := state.CallByParam(lua.P{Fn: state.NewFunction(open), Protect: true}, lua.LString(name)); err != nil {
			return verdict{}, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), scriptLimit)
	defer cancel()
	state.SetContext(ctx)
	state.SetGlobal("obj", luaValue(state, object))
	if err := state.DoString(script); err != nil {
		return verdict{}, err
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return verdict{}, fmt.Errorf("a table is wanted, not %s", state.Get(-1).Type())
	}
	text := func(key string) string {
		if value, ok := table.RawGetString(key).(lua.LString); ok {
			return string(value)
		}
		return ""
	}
	return verdict{Status: text("status"), Message: text("message")}, nil
}

func runExpressions(expressions, object json.RawMessage) (verdict, error) {
	var wanted kustomize.HealthCheckExpressions
	if err := yaml.UnmarshalStrict(expressions, &wanted); err != nil {
		return verdict{}, err
	}
	evaluator, err := cel.NewStatusEvaluator(&wanted)
	if err != nil {
		return verdict{}, err
	}
	var judged unstructured.Unstructured
	if err := judged.UnmarshalJSON(object); err != nil {
		return verdict{}, err
	}
	result, err := evaluator.Evaluate(context.Background(), &judged)
	if err != nil {
		return verdict{}, err
	}
	return verdict{Status: string(result.Status)}, nil
}

// checkFluxObject names a field that the object's type does not have, or a value of another type than the field's.
func checkFluxObject(object json.RawMessage) error {
	var named struct{ APIVersion, Kind string }
	if err := json.Unmarshal(object, &named); err != nil {
		return err
	}
	types := map[string]any{
		helm.GroupVersion.String() + " HelmRelease":            &helm.HelmRelease{},
		kustomization.GroupVersion.String() + " Kustomization": &kustomization.Kustomization{},
		source.GroupVersion.String() + " OCIRepository":        &source.OCIRepository{},
		source.GroupVersion.String() + " GitRepository":        &source.GitRepository{},
	}
	into, known := types[named.APIVersion+" "+named.Kind]
	if !known {
		return fmt.Errorf("no type is known for %s %s", named.APIVersion, named.Kind)
	}
	return yaml.UnmarshalStrict(object, into)
}

func judged(result verdict, err error) verdict {
	if err != nil {
		return verdict{Error: err.Error()}
	}
	return result
}

func main() {
	var asked question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		fmt.Fprintln(os.Stderr, "the question cannot be read:", err)
		os.Exit(2)
	}
	var answered answers
	for _, one := range asked.Scripts {
		answered.Scripts = append(answered.Scripts, judged(runScript(one.Script, one.Object)))
	}
	for _, one := range asked.Expressions {
		answered.Expressions = append(answered.Expressions, judged(runExpressions(one.Expressions, one.Object)))
	}
	for _, object := range asked.FluxObjects {
		problem := ""
		if err := checkFluxObject(object); err != nil {
			problem = err.Error()
		}
		answered.FluxObjects = append(answered.FluxObjects, problem)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answered); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
