{{- define "docfleet.name" -}}
{{- if contains "docfleet" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-docfleet" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "docfleet.selector" -}}
app.kubernetes.io/name: docfleet
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "docfleet.labels" -}}
{{ include "docfleet.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "docfleet.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- define "docfleet.claim" -}}
{{ .Values.state.existingClaim | default (printf "%s-state" (include "docfleet.name" .)) }}
{{- end }}

{{- define "docfleet.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (ternary (include "docfleet.name" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- /* Of containers. What they write to is a volume: /tmp (Ray's sessions and logs), /home/ray (caches of libraries), /dev/shm
(Ray's object store), and /data on the head with local state. tests/faults/test_read_only_root.py shows that it is enough. */ -}}
{{- define "docfleet.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "docfleet.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- /* The Serve config of deploy/serve_config.yaml, with the values' settings. */ -}}
{{- define "docfleet.serveConfig" -}}
proxy_location: HeadOnly
http_options:
  host: 0.0.0.0
  port: 8080
  request_timeout_s: null
logging_config:
  encoding: JSON
  log_level: INFO
  enable_access_log: false
applications:
  - name: docfleet
    route_prefix: /
    import_path: serve_app.app:build
    args:
      {{- if not .Values.state.shared }}
      state_dir: /data
      {{- end }}
      {{- toYaml .Values.settings | nindent 6 }}
    {{- with .Values.deployments }}
    deployments:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end }}

{{- /* Environment of every Ray container: docs/deployment.md, "HTTP mode". */ -}}
{{- define "docfleet.env" -}}
- name: RAY_SERVE_ENABLE_HA_PROXY
  value: "1"
- name: RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH
  value: serve_app.proxies.middlewares
- name: RAY_SERVE_HAPROXY_RETRY_ON
  value: "conn-failure\n    timeout http-request 10s"
- name: RAY_SERVE_HAPROXY_BINARY_PATH
  value: /usr/local/bin/docfleet-haproxy
{{- if .Values.offline }}
- name: HF_HUB_OFFLINE
  value: "1"
- name: RAY_USAGE_STATS_ENABLED
  value: "0"
{{- end }}
{{- if .Values.models.existingClaim }}
- name: DOCLING_ARTIFACTS_PATH
  value: /models
{{- end }}
{{- if and .Values.state.shared (not .Values.settings.database_url) }}
- name: DATABASE_URL  # not optional: without it the journal would be a file in the pod
  valueFrom:
    secretKeyRef: {name: {{ .Values.existingSecret.name }}, key: DATABASE_URL}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Called with the root and a group: what head and workers have in common in a container. */ -}}
{{- define "docfleet.container" -}}
{{- $root := index . 0 }}{{ $group := index . 1 -}}
image: {{ include "docfleet.image" $root }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
env:
  {{- include "docfleet.env" $root | nindent 2 }}
envFrom:
  - secretRef: {{ toJson $root.Values.existingSecret }}
securityContext:
  {{- include "docfleet.containerSecurity" . | nindent 2 }}
resources:
  {{- toYaml $group.resources | nindent 2 }}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  - {name: home, mountPath: /home/ray}
  - {name: shared-memory, mountPath: /dev/shm}
  {{- if $root.Values.models.existingClaim }}
  - {name: models, mountPath: /models, readOnly: true}
  {{- end }}
  {{- with $root.Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- /* Called with the root and a group: what head and workers have in common in a pod. */ -}}
{{- define "docfleet.pod" -}}
{{- $root := index . 0 }}{{ $group := index . 1 -}}
serviceAccountName: {{ include "docfleet.serviceAccount" $root }}
restartPolicy: Never  # Ray's autoscaler and KubeRay replace a pod as a whole
securityContext:
  {{- include "docfleet.podSecurity" . | nindent 2 }}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $group.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $group.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $group.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $group.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- define "docfleet.volumes" -}}
{{- $root := index . 0 }}{{ $group := index . 1 -}}
- {name: tmp, emptyDir: {}}
- {name: home, emptyDir: {}}
- {name: shared-memory, emptyDir: {medium: Memory, sizeLimit: {{ $group.sharedMemoryGiB }}Gi}}
{{- with $root.Values.models.existingClaim }}
- name: models
  persistentVolumeClaim: {claimName: {{ . }}, readOnly: true}
{{- end }}
{{- with $root.Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
