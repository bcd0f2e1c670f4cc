// Writes the type tables of sim/schema in their own notation (notation.ts), from the Go types of Kubernetes (order of
// fields, what JSON leaves out) and its published OpenAPI documents (how lists and maps merge). To move to another
// Kubernetes, change the versions in go.mod, then:
//
//	go mod tidy && go run . $(go mod download -json k8s.io/kubernetes@v1.36.3 | jq -r .Dir)/api/openapi-spec/v3 ..
//
// The contract suite compares the tables with what a real server publishes.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	scheduling "k8s.io/api/scheduling/v1"
	storage "k8s.io/api/storage/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

type schema struct {
	Default    any               `json:"default"`
	Properties map[string]schema `json:"properties"`
	Items      *schema           `json:"items"`
	Additional *schema           `json:"additionalProperties"`
	ListType   string            `json:"x-kubernetes-list-type"`
	Keys       []string          `json:"x-kubernetes-list-map-keys"`
	MapType    string            `json:"x-kubernetes-map-type"`
	MergeKey   string            `json:"x-kubernetes-patch-merge-key"`
	Strategy   string            `json:"x-kubernetes-patch-strategy"`
}

var schemas = map[string]schema{}
var printed = map[string]bool{}

// width of a line in the tables.
const width = 110

func modelName(t reflect.Type) string {
	parts := strings.Split(t.PkgPath(), "/")
	if strings.HasPrefix(t.PkgPath(), "k8s.io/api/") {
		return "io.k8s.api." + strings.Join(parts[2:], ".") + "." + t.Name()
	}
	return "io.k8s." + strings.Join(parts[1:], ".") + "." + t.Name()
}

// shortName is the Go name, with the group before it where two groups have a type of that name.
var names = map[string]reflect.Type{}

func shortName(t reflect.Type) string {
	name := t.Name()
	if other, ok := names[name]; ok && other != t {
		parts := strings.Split(t.PkgPath(), "/")
		name = parts[len(parts)-2] + "." + name
	}
	names[name] = t
	return name
}

var leaves = map[string]string{
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time": "t", "k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime": "u",
	"k8s.io/apimachinery/pkg/api/resource.Quantity": "q", "k8s.io/apimachinery/pkg/util/intstr.IntOrString": "x",
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1": "j", "k8s.io/apimachinery/pkg/runtime.RawExtension": "j",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSON":                         "j",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrArray":       "j",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrBool":        "j",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrStringArray": "j",
}

// typeOf writes the type of one field; queue receives the struct types it names.
func typeOf(t reflect.Type, s schema, queue *[]reflect.Type) string {
	if leaf, ok := leaves[t.PkgPath()+"."+t.Name()]; ok {
		return leaf
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeOf(t.Elem(), s, queue)
	case reflect.String:
		return "s"
	case reflect.Bool:
		return "b"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "i"
	case reflect.Float64:
		return "n"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "d"
		}
		item := schema{}
		if s.Items != nil {
			item = *s.Items
		}
		mark := "[]"
		switch s.ListType {
		case "set":
			mark = "[=]"
		case "map":
			mark = "[" + strings.Join(s.Keys, ",") + "]"
		}
		return typeOf(t.Elem(), item, queue) + mark
	case reflect.Map:
		item := schema{}
		if s.Additional != nil {
			item = *s.Additional
		}
		mark := "{}"
		if s.MapType == "atomic" {
			mark = "{!}"
		}
		return typeOf(t.Elem(), item, queue) + mark
	case reflect.Struct:
		*queue = append(*queue, t)
		mark := ""
		if s.MapType == "granular" {
			mark = "^"
		}
		return shortName(t) + mark
	}
	panic("kind " + t.Kind().String())
}

func patchMark(f reflect.Type, s schema) string {
	merge := strings.Contains(s.Strategy, "merge")
	out := ""
	switch {
	case s.ListType == "map" && !merge:
		out = "~"
	case s.ListType == "map" && s.MergeKey != s.Keys[0], s.ListType == "atomic" && merge:
		out = "~" + s.MergeKey
	case s.ListType == "set" && merge:
		out = "~="
	case s.Strategy == "replace":
		out = "~"
	}
	if strings.Contains(s.Strategy, "retainKeys") {
		out += "~retainKeys"
	}
	return out
}

// numbers follow one another: only a jump is written down.
type numbering struct{ expected []int }

func (n *numbering) mark(path []int) string {
	defer func() {
		n.expected = slices.Clone(path)
		n.expected[len(path)-1]++
	}()
	if slices.Equal(path, n.expected) {
		return ""
	}
	text := make([]string, len(path))
	for i, number := range path {
		text[i] = strconv.Itoa(number)
	}
	return "@" + strings.Join(text, ".")
}

func protobufNumber(f reflect.StructField) int {
	parts := strings.Split(f.Tag.Get("protobuf"), ",")
	if len(parts) < 2 {
		return 0
	}
	number, err := strconv.Atoi(parts[1])
	if err != nil {
		panic(err)
	}
	return number
}

func fields(t reflect.Type, s schema, prefix []int, n *numbering, queue *[]reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		f := t.Field(i)
		tag := strings.Split(f.Tag.Get("json"), ",")
		if f.Tag.Get("json") == "" || tag[0] == "-" {
			continue
		}
		path := append(slices.Clone(prefix), protobufNumber(f))
		if tag[0] == "" {
			if f.Name == "TypeMeta" {
				out = append(out, "kind:s@0", "apiVersion:s@0")
				n.expected = []int{1}
				continue
			}
			out = append(out, fields(f.Type, s, path, n, queue)...)
			continue
		}
		p := s.Properties[tag[0]]
		flag := ""
		switch {
		case f.Type.Kind() == reflect.Pointer:
			flag = "?"
			if !slices.Contains(tag[1:], "omitempty") {
				flag = "?!"
			}
		case slices.Contains(tag[1:], "omitzero"):
		case f.Type.Kind() == reflect.Struct || !slices.Contains(tag[1:], "omitempty"):
			flag = "!"
		}
		def := ""
		if d, ok := p.Default.(string); ok && d != "" {
			def = "=" + d
		}
		out = append(out, tag[0]+":"+typeOf(f.Type, p, queue)+n.mark(path)+patchMark(f.Type, p)+flag+def)
	}
	return out
}

// wrap breaks a definition into lines; continued ones start with blanks.
func wrap(line string) string {
	var out []string
	current := ""
	for _, word := range strings.Split(line, " ") {
		switch {
		case current != "" && len(current)+1+len(word) > width:
			out = append(out, current)
			current = "  " + word
		case current != "":
			current += " " + word
		default:
			current = word
		}
	}
	return strings.Join(append(out, current), "\n")
}

func writeType(out *strings.Builder, t reflect.Type) {
	if printed[t.PkgPath()+t.Name()] {
		return
	}
	printed[t.PkgPath()+t.Name()] = true
	s, ok := schemas[modelName(t)]
	if !ok {
		fmt.Fprintln(os.Stderr, "no model", modelName(t))
	}
	var queue []reflect.Type
	name := shortName(t)
	mark := ""
	if s.MapType == "atomic" {
		mark = "!"
	}
	definition := append([]string{name + mark}, fields(t, s, nil, &numbering{[]int{1}}, &queue)...)
	out.WriteString(wrap(strings.Join(definition, " ")) + "\n")
	for _, q := range queue {
		writeType(out, q)
	}
}

func main() {
	dir, target := os.Args[1], os.Args[2]
	for _, name := range []string{"api__v1", "apis__apps__v1", "apis__batch__v1", "apis__networking.k8s.io__v1", "apis__rbac.authorization.k8s.io__v1", "apis__autoscaling__v1", "apis__autoscaling__v2", "apis__policy__v1", "apis__apiextensions.k8s.io__v1", "apis__scheduling.k8s.io__v1", "apis__coordination.k8s.io__v1", "apis__storage.k8s.io__v1", "apis__admissionregistration.k8s.io__v1"} {
		b, err := os.ReadFile(dir + "/" + name + "_openapi.json")
		if err != nil {
			panic(err)
		}
		var doc struct {
			Components struct{ Schemas map[string]schema }
		}
		if err := json.Unmarshal(b, &doc); err != nil {
			panic(err)
		}
		for k, v := range doc.Components.Schemas {
			schemas[k] = v
		}
	}
	for _, table := range tables {
		var out strings.Builder
		for _, v := range table.types {
			writeType(&out, reflect.TypeOf(v))
		}
		text := fmt.Sprintf(header, table.about, strings.ToUpper(table.name), out.String())
		if err := os.WriteFile(target+"/table-"+table.name+".ts", []byte(text), 0o644); err != nil {
			panic(err)
		}
	}
}

const header = `/**
 * Types of Kubernetes 1.36: %s. Notation in notation.ts. Made from the Go types of
 * k8s.io/api v0.36.3 (order of fields, what JSON leaves out) and the published OpenAPI document (lists, maps, patches)
 * by generate/main.go; the contract suite compares it with what a real server publishes.
 */
export const %s = ` + "`\n%s`;\n"

var tables = []struct {
	name, about string
	types       []any
}{
	{"pods", "Pods and everything inside them", []any{core.Pod{}}},
	{"core", "the other kinds of the core group", []any{
		core.Namespace{}, core.ServiceAccount{}, core.ConfigMap{}, core.Secret{}, core.Service{}, core.Event{},
		core.PersistentVolumeClaim{}, core.ResourceQuota{}, core.LimitRange{}, core.Node{},
	}},
	{"groups", "the kinds of named groups", []any{
		apps.Deployment{}, apps.ReplicaSet{}, apps.StatefulSet{}, apps.DaemonSet{}, batch.Job{}, batch.CronJob{},
		networking.Ingress{}, networking.NetworkPolicy{}, networking.IngressClass{}, rbac.Role{}, rbac.ClusterRole{},
		rbac.RoleBinding{}, rbac.ClusterRoleBinding{}, autoscaling.HorizontalPodAutoscaler{}, autoscalingv1.Scale{},
		policy.PodDisruptionBudget{}, apiextensions.CustomResourceDefinition{}, scheduling.PriorityClass{},
		coordination.Lease{}, storage.StorageClass{}, admissionregistration.ValidatingWebhookConfiguration{},
		admissionregistration.MutatingWebhookConfiguration{},
	}},
}
