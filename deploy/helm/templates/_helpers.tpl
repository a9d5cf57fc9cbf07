{{- define "tiktok.image" -}}
{{- required "image.repository is required, e.g. registry.example.com/tiktok" .Values.image.repository }}
{{- with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/* What the names of all objects begin with: the release, or fullnameOverride. At most 40 characters, as a service's name follows. */}}
{{- define "tiktok.fullname" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "tiktok.selector" -}}
app.kubernetes.io/name: {{ .Values.nameOverride | default .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "tiktok.labels" -}}
{{ include "tiktok.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* The Secret of the processes. The migration runs before it is there, with one of its own. */}}
{{- define "tiktok.secret" -}}
{{- $own := printf "%s-%s" (include "tiktok.fullname" .root) (eq .name "migrate" | ternary "migrate" "secrets") -}}
{{ .root.Values.existingSecret | default $own }}
{{- end }}

{{/* Of the hooks but the Job: they are there before it, and gone when it has succeeded. */}}
{{- define "tiktok.hook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: "-10"
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{- define "tiktok.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "tiktok.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end }}

{{/* Labels and annotations of a pod besides its own. */}}
{{- define "tiktok.podLabels" -}}
{{- with .Values.podLabels }}{{ toYaml . }}{{ end -}}
{{- end }}

{{- define "tiktok.pod" -}}
automountServiceAccountToken: {{ .Values.serviceAccount.automountToken }}
enableServiceLinks: false
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
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
{{- $secret := include "tiktok.secret" . -}}
{{- if has "db" $uses }}
{{- $account := ternary "admin" .name (eq .name "migrate") }}
- {name: TIKTOK_DB_USER, value: {{ printf "%s%s" .root.Values.accountPrefix $account | quote }}}
- {name: TIKTOK_DB_PASSWORD, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: TIKTOK_DB_PASSWORD_{{ upper $account }}}}}
{{- if eq .name "migrate" }}
{{- range .root.Values.migration.ownPasswords }}
- {name: TIKTOK_DB_SERVICES_{{ upper . }}_PASSWORD, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: TIKTOK_DB_PASSWORD_ADMIN_{{ upper . }}}}}
{{- end }}
{{- end }}
{{- end }}
{{- if has "cache" $uses }}
- {name: TIKTOK_CACHE_PASSWORD, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: TIKTOK_CACHE_PASSWORD}}}
{{- end }}
{{- if and (has "registry" $uses) .root.Values.config.rpc.registry_username }}
- {name: TIKTOK_RPC_REGISTRY_PASSWORD, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: TIKTOK_RPC_REGISTRY_PASSWORD}}}
{{- end }}
{{- if has "queue" $uses }}
{{- $url := .root.Values.queueCluster | ternary "TIKTOK_QUEUE_URLS" "TIKTOK_QUEUE_URL" }}
- {name: {{ $url }}, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: {{ $url }}}}}
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
{{- if .Values.serversCertificate }}
- {name: servers-certificate, mountPath: /etc/tiktok-client, readOnly: true}
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Of one pod: (dict "root" $ "name" service). */}}
{{- define "tiktok.volumes" -}}
- {name: config, configMap: {name: {{ include "tiktok.fullname" .root }}-{{ eq .name "migrate" | ternary "migrate" "config" }}}}
- {name: tmp, emptyDir: {sizeLimit: 64Mi}}
{{- with .root.Values.serversCA }}
- {name: servers-ca, configMap: {name: {{ . }}}}
{{- end }}
{{- with .root.Values.serversCertificate }}
- {name: servers-certificate, secret: {secretName: {{ . }}, defaultMode: 0440}}
{{- end }}
{{- with .root.Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The certificate of one pod: (dict "root" $ "name" service). The migration has none: servers are proved by their authority. */}}
{{- define "tiktok.tlsSecret" -}}
{{ tpl .root.Values.tls.secretName (dict "Release" .root.Release "Values" .root.Values "Template" .root.Template "fullname" (include "tiktok.fullname" .root) "service" .name) }}
{{- end }}

{{- define "tiktok.tlsEnv" -}}
- {name: TIKTOK_RPC_TLS_CA, value: /etc/tiktok-tls/ca.crt}
- {name: TIKTOK_RPC_TLS_CERT, value: /etc/tiktok-tls/tls.crt}
- {name: TIKTOK_RPC_TLS_KEY, value: /etc/tiktok-tls/tls.key}
{{- end }}
