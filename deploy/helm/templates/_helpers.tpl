{{- define "tiktok.image" -}}
{{ required "image.repository is required, e.g. registry.example.com/tiktok" .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
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
envFrom:
  - secretRef: {name: {{ include "tiktok.secret" . }}}
{{- end }}

{{- define "tiktok.mounts" -}}
- {name: config, mountPath: /etc/tiktok, readOnly: true}
- {name: tmp, mountPath: /tmp}
- {name: data, mountPath: /data}
{{- end }}
