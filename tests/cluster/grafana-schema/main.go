// Holds dashboards against Grafana's own schema, as its foundation SDK generates it from there: every field must be
// known and of its type, in panels' options and in queries, too. Names what is wrong, with its path.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// known are the panels whose options the SDK can check; of others it would take anything.
var known = map[string]bool{
	"row": true, "timeseries": true, "stat": true, "bargauge": true, "gauge": true, "table": true,
	"state-timeline": true, "text": true,
}

func check(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var panels struct {
		Panels []struct{ Type, Title string }
	}
	if err := json.Unmarshal(content, &panels); err != nil {
		return err
	}
	for _, panel := range panels.Panels {
		if !known[panel.Type] {
			return fmt.Errorf("panel %q: type %q is not one that is checked", panel.Title, panel.Type)
		}
	}
	var board dashboard.Dashboard
	if err := board.UnmarshalJSONStrict(content); err != nil {
		return err
	}
	return board.Validate()
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: grafana-schema FILE...")
		os.Exit(2)
	}
	plugins.RegisterDefaultPlugins()
	failed := false
	for _, path := range os.Args[1:] {
		if err := check(path); err != nil {
			fmt.Printf("%s: %v\n", path, err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}
