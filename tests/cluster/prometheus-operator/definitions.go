// Package definitions has controller-gen make prometheus-operator's CustomResourceDefinitions of its Go types, without
// descriptions: those take most of their size.
package definitions

import _ "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"

//go:generate go tool controller-gen crd:maxDescLen=0 paths=github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1 output:crd:dir=$TOOL_FOLDER
