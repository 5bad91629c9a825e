{{- define "agentslo.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "agentslo.selector" -}}
app.kubernetes.io/name: agentslo
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}

{{- define "agentslo.labels" -}}
{{ include "agentslo.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end -}}

{{- define "agentslo.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- /* What agentslo.yaml says in both roles. */ -}}
{{- define "agentslo.common" -}}
storage:
  directory: /var/lib/agentslo
agents:
  directory: /etc/agentslo/agents
{{- end -}}

{{- define "agentslo.processor" -}}
listen:
  grpc: {address: "0.0.0.0:4317"}
  http: {address: "0.0.0.0:4318"}
  metrics: {address: "0.0.0.0:9464"}
evaluator:
  endpoint: http://{{ include "agentslo.name" . }}-evaluator:9465
  headers:
    authorization: Bearer ${env:RECORDS_TOKEN}
{{- with .Values.destinations }}
destinations:
{{ toYaml . | indent 2 }}
{{- end }}
{{ include "agentslo.common" . }}
{{- end -}}

{{- define "agentslo.evaluator" -}}
listen:
  metrics: {address: "0.0.0.0:9464"}
  page:
    address: "0.0.0.0:9465"
    tokens:
      {{- range $use := list "page" "api" "feedback" "webhooks" "reload" "records" }}
      {{ $use }}: /etc/agentslo/tokens/{{ $use }}
      {{- end }}
{{ include "agentslo.common" . }}
{{- end -}}

{{- define "agentslo.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "agentslo.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "agentslo.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: metrics}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /healthz, port: metrics}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: metrics}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end -}}

{{- define "agentslo.volumes" -}}
- name: config
  configMap: {name: {{ include "agentslo.name" .root }}-{{ .part }}}
- name: agents
  configMap: {name: {{ include "agentslo.name" .root }}-agents}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- end -}}

{{- define "agentslo.mounts" -}}
- {name: config, mountPath: /etc/agentslo/config, readOnly: true}
- {name: agents, mountPath: /etc/agentslo/agents, readOnly: true}
- {name: data, mountPath: /var/lib/agentslo}
- {name: tmp, mountPath: /tmp}
{{- end -}}

{{- define "agentslo.claim" -}}
- metadata: {name: data}
  spec:
    accessModes: [ReadWriteOnce]
    {{- with .className }}
    storageClassName: {{ . }}
    {{- end }}
    resources: {requests: {storage: {{ .size }}}}
{{- end -}}
