{{- define "tiktok.image" -}}
{{- required "image.repository is required, e.g. registry.example.com/tiktok" .Values.image.repository }}
{{- with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "tiktok.selector" -}}
app.kubernetes.io/name: tiktok
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "tiktok.labels" -}}
{{ include "tiktok.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "tiktok.secret" -}}
{{ .Values.existingSecret | default .Release.Name }}
{{- end }}

{{- define "tiktok.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "tiktok.container" -}}
image: {{ include "tiktok.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{/* Of each service the servers that it connects to, and who calls it. */}}
{{- define "tiktok.services" -}}
# generated services by go run ./deploy/generate
user: {uses: [db, cache, registry, queue], callers: [social, chat, notice, discovery, api]}
video: {uses: [db, cache, registry, queue, media], callers: [interaction, discovery, api]}
interaction: {uses: [db, cache, registry, queue], callers: [discovery, api]}
social: {uses: [db, cache, registry, queue], callers: [discovery, api]}
chat: {uses: [db, cache, registry, queue], callers: [api]}
notice: {uses: [db, cache, registry, queue, push], callers: [api]}
discovery: {uses: [db, cache, registry, queue, index], callers: [api]}
api: {uses: [cache, registry, media], callers: []}
# end services
{{- end }}

{{/* The servers that a pod connects to, whose secrets it is given and whose ports it may reach. */}}
{{- define "tiktok.uses" -}}
{{- if eq . "migrate" }}db{{ else }}{{ index (include "tiktok.services" . | fromYaml) . "uses" | join " " }}{{ end -}}
{{- end }}

{{/* "yes" when searches are answered by OpenSearch, else nothing: each replica has an index of its own. */}}
{{- define "tiktok.openSearch" -}}
{{- if eq .Values.config.discovery.engine "opensearch" }}yes{{ end -}}
{{- end }}

{{/* Who calls a service. */}}
{{- define "tiktok.callers" -}}
{{ index (include "tiktok.services" . | fromYaml) . "callers" | join " " }}
{{- end }}

{{/* The secrets of one pod, each by its own key: (dict "root" $ "name" service). */}}
{{- define "tiktok.secretEnv" -}}
{{- $uses := splitList " " (include "tiktok.uses" .name) -}}
{{- $secret := include "tiktok.secret" .root -}}
{{- if has "db" $uses }}
{{- $account := ternary "admin" .name (eq .name "migrate") }}
- {name: TIKTOK_DB_USER, value: {{ printf "%s%s" .root.Values.accountPrefix $account | quote }}}
- {name: TIKTOK_DB_PASSWORD, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: TIKTOK_DB_PASSWORD_{{ upper $account }}}}}
{{- end }}
{{- if has "cache" $uses }}
- {name: TIKTOK_CACHE_PASSWORD, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: TIKTOK_CACHE_PASSWORD}}}
{{- end }}
{{- if and (has "registry" $uses) .root.Values.config.rpc.registry_username }}
- {name: TIKTOK_RPC_REGISTRY_PASSWORD, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: TIKTOK_RPC_REGISTRY_PASSWORD}}}
{{- end }}
{{- if has "queue" $uses }}
- {name: TIKTOK_QUEUE_URL, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: TIKTOK_QUEUE_URL}}}
{{- end }}
{{- if has "media" $uses }}
- {name: TIKTOK_BLOB_S3_SECRET_KEY, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: TIKTOK_BLOB_S3_SECRET_KEY}}}
{{- end }}
{{- if and (has "push" $uses) .root.Values.webPush }}
- {name: TIKTOK_PUSH_PRIVATE_KEY, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: TIKTOK_PUSH_PRIVATE_KEY}}}
{{- end }}
{{- if and (has "index" $uses) (include "tiktok.openSearch" .root) .root.Values.config.discovery.opensearch.username }}
- {name: TIKTOK_DISCOVERY_OPENSEARCH_PASSWORD, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: TIKTOK_DISCOVERY_OPENSEARCH_PASSWORD}}}
{{- end }}
{{- if eq .name "api" }}
- {name: TIKTOK_AUTH_SECRET, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: TIKTOK_AUTH_SECRET}}}
{{- if .root.Values.oldSecrets }}
- {name: TIKTOK_AUTH_OLD_SECRETS, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: TIKTOK_AUTH_OLD_SECRETS}}}
{{- end }}
{{- end }}
{{- end }}

{{- define "tiktok.mounts" -}}
- {name: config, mountPath: /etc/tiktok, readOnly: true}
- {name: tmp, mountPath: /tmp}
- {name: data, mountPath: /data}
{{- if .Values.serversCA }}
- {name: servers-ca, mountPath: /etc/tiktok-ca, readOnly: true}
{{- end }}
{{- end }}

{{- define "tiktok.volumes" -}}
- {name: config, configMap: {name: {{ .Release.Name }}}}
- {name: tmp, emptyDir: {sizeLimit: 64Mi}}
{{- with .Values.serversCA }}
- {name: servers-ca, configMap: {name: {{ . }}}}
{{- end }}
{{- end }}

{{/* The certificate of one pod: (dict "root" $ "name" service). The migration has none: servers are proved by their authority. */}}
{{- define "tiktok.tlsSecret" -}}
{{ tpl .root.Values.tls.secretName (dict "Release" .root.Release "Values" .root.Values "Template" .root.Template "service" .name) }}
{{- end }}

{{- define "tiktok.tlsEnv" -}}
- {name: TIKTOK_RPC_TLS_CA, value: /etc/tiktok-tls/ca.crt}
- {name: TIKTOK_RPC_TLS_CERT, value: /etc/tiktok-tls/tls.crt}
- {name: TIKTOK_RPC_TLS_KEY, value: /etc/tiktok-tls/tls.key}
{{- end }}
