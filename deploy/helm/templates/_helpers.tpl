{{- define "otpmux.name" -}}
{{- if contains "otpmux" .Release.Name }}{{ .Release.Name | trunc 50 }}{{ else }}{{ printf "%s-otpmux" .Release.Name | trunc 50 }}{{ end }}
{{- end }}

{{- define "otpmux.selector" -}}
app.kubernetes.io/name: otpmux
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "otpmux.labels" -}}
{{ include "otpmux.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}
