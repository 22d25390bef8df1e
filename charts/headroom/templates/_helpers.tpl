{{/* Name of the chart, or what it was renamed to. */}}
{{- define "headroom.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* What all objects' names begin with: short enough for the suffixes that follow. */}}
{{- define "headroom.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "headroom.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "headroom.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Labels by which an installation's own objects are found; they never change, for they select. */}}
{{- define "headroom.selectorLabels" -}}
app.kubernetes.io/name: {{ include "headroom.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of every object. */}}
{{- define "headroom.labels" -}}
{{ include "headroom.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: headroom
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Annotations that every object has, as `annotations:` or nothing. Argument: list of root and own annotations. */}}
{{- define "headroom.annotations" -}}
{{- $root := index . 0 }}
{{- $own := index . 1 | default dict }}
{{- with merge (dict) $own $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Names of the two components' objects, their ServiceAccounts among them where they are made here. */}}
{{- define "headroom.operator.fullname" -}}
{{ include "headroom.fullname" . }}-operator
{{- end }}

{{- define "headroom.webhook.fullname" -}}
{{ include "headroom.fullname" . }}-webhook
{{- end }}

{{- define "headroom.operator.serviceAccountName" -}}
{{- with .Values.operator.serviceAccount }}
{{- if .create }}{{ default (include "headroom.operator.fullname" $) .name }}{{ else }}{{ required "operator.serviceAccount.name: needed where create is false" .name }}{{ end }}
{{- end }}
{{- end }}

{{- define "headroom.webhook.serviceAccountName" -}}
{{- with .Values.webhook.serviceAccount }}
{{- if .create }}{{ default (include "headroom.webhook.fullname" $) .name }}{{ else }}{{ required "webhook.serviceAccount.name: needed where create is false" .name }}{{ end }}
{{- end }}
{{- end }}

{{/* Name of the ValidatingWebhookConfiguration that the webhook makes and keeps. */}}
{{- define "headroom.webhook.configuration" -}}
{{ include "headroom.fullname" . }}
{{- end }}

{{/* Secret of the webhook's certificate. */}}
{{- define "headroom.webhook.certificateSecret" -}}
{{- with .Values.webhook.certificates }}
{{- if eq .mode "Given" }}{{ required "webhook.certificates.secretName: needed with mode Given" .secretName }}{{ else }}{{ default (printf "%s-certificate" (include "headroom.webhook.fullname" $)) .secretName }}{{ end }}
{{- end }}
{{- end }}

{{/* The image: by digest where one is given, else by tag. */}}
{{- define "headroom.image" -}}
{{- with .Values.image }}
{{- $name := .repository }}
{{- if .registry }}{{ $name = printf "%s/%s" (trimSuffix "/" .registry) .repository }}{{ end }}
{{- if .digest }}{{ printf "%s@%s" $name .digest }}{{ else }}{{ printf "%s:%s" $name (default $.Chart.AppVersion .tag) }}{{ end }}
{{- end }}
{{- end }}

{{/* Labels and annotations of a component's object. Arguments: root, component, own labels, own annotations. */}}
{{- define "headroom.componentMeta" -}}
{{- $root := index . 0 -}}
labels:
  {{- include "headroom.labels" $root | nindent 2 }}
  app.kubernetes.io/component: {{ index . 1 }}
  {{- with index . 2 }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- include "headroom.annotations" (list $root (index . 3)) }}
{{- end }}

{{/* What selects a component's pods. Arguments: root, component. */}}
{{- define "headroom.componentSelector" -}}
{{ include "headroom.selectorLabels" (index . 0) }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* Of a pod, as the restricted Pod Security Standard wants it. */}}
{{- define "headroom.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "headroom.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Where pods of a component run. Arguments: root, component, its values. */}}
{{- define "headroom.placement" -}}
{{- $root := index . 0 }}
{{- $component := index . 1 }}
{{- $values := index . 2 }}
{{- if $values.priorityClassName }}
priorityClassName: {{ $values.priorityClassName }}
{{- else if $root.Values.priorityClass.create }}
priorityClassName: {{ include "headroom.fullname" $root }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $selector := dict "matchLabels" (include "headroom.componentSelector" (list $root $component) | fromYaml) }}
topologySpreadConstraints:
  {{- if $values.topologySpreadConstraints }}
  {{- range $values.topologySpreadConstraints }}
  - {{- toYaml (merge (dict) . (dict "labelSelector" $selector)) | nindent 4 }}
  {{- end }}
  {{- else }}
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      {{- toYaml $selector | nindent 6 }}
    # Replicas of one version: else a rolling update places by the pods that it is about to end.
    matchLabelKeys: [pod-template-hash]
  {{- end }}
  {{- end }}
{{- end }}

{{/* Probes over the port called health. */}}
{{- define "headroom.probes" -}}
livenessProbe:
  httpGet: {path: /healthz, port: health}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: health}
  periodSeconds: 3
  timeoutSeconds: 3
{{- end }}

{{/* Labels and annotations of an object of neither component. */}}
{{- define "headroom.meta" -}}
labels:
  {{- include "headroom.labels" . | nindent 2 }}
{{- include "headroom.annotations" (list . dict) }}
{{- end }}

{{/* Right to read Secrets: arguments: root, component, ServiceAccount, list of {namespace, names}. */}}
{{- define "headroom.secretRoles" -}}
{{- $root := index . 0 }}
{{- $component := index . 1 }}
{{- $account := index . 2 }}
{{- $name := printf "%s-%s-secrets" (include "headroom.fullname" $root) $component }}
{{- /* Several entries may name one namespace; it has one Role. */}}
{{- $readable := dict }}
{{- range index . 3 }}
{{- $before := get $readable .namespace | default dict }}
{{- $names := concat ($before.names | default list) (.names | default list) | uniq }}
{{- $_ := set $readable .namespace (dict "names" $names "all" (or $before.all (not .names))) }}
{{- end }}
{{- range $namespace, $secrets := $readable }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ $name }}
  namespace: {{ $namespace }}
  {{- include "headroom.componentMeta" (list $root $component dict dict) | nindent 2 }}
rules:
  - apiGroups: [""]
    resources: [secrets]
    {{- if not $secrets.all }}
    resourceNames:
      {{- toYaml $secrets.names | nindent 6 }}
    {{- end }}
    verbs: [get, list, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ $name }}
  namespace: {{ $namespace }}
  {{- include "headroom.componentMeta" (list $root $component dict dict) | nindent 2 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: {{ $name }}}
subjects:
  - {kind: ServiceAccount, namespace: {{ $root.Release.Namespace }}, name: {{ $account }}}
{{- end }}
{{- end }}
