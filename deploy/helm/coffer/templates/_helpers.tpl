{{/* The names of everything: the release's, with the chart's unless it is in there already. */}}
{{- define "coffer.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "coffer.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "coffer.labels" -}}
{{ include "coffer.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{/* How many pods there are. */}}
{{- define "coffer.replicas" -}}
{{- if eq .Values.mode "embedded" }}1{{ else }}{{ int .Values.replicas }}{{ end -}}
{{- end -}}

{{/* Below this name each pod has a name of its own. */}}
{{- define "coffer.podDomain" -}}
{{ include "coffer.name" . }}-nodes.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end -}}

{{/* cluster.nodes: ID=API_URL=PEER_HOST:PEER_PORT for each pod. */}}
{{- define "coffer.nodes" -}}
{{- $nodes := list -}}
{{- range $number := until (int .Values.replicas) -}}
{{- $id := printf "%s-%d" (include "coffer.name" $) $number -}}
{{- $host := printf "%s.%s" $id (include "coffer.podDomain" $) -}}
{{- $nodes = append $nodes (printf "%s=https://%s:8200=%s:8201" $id $host $host) -}}
{{- end -}}
{{- join " " $nodes -}}
{{- end -}}

{{/* The names of a node's certificate. The first one is its id, which the other nodes look for. */}}
{{- define "coffer.dnsNames" -}}
{{- $service := include "coffer.name" . -}}
{{- $space := .Release.Namespace -}}
{{- $names := list "${POD_NAME}" (printf "${POD_NAME}.%s" (include "coffer.podDomain" .)) $service
      (printf "%s.%s" $service $space) (printf "%s.%s.svc" $service $space)
      (printf "%s.%s.svc.%s" $service $space .Values.clusterDomain) "localhost" -}}
{{- join "," (concat $names .Values.tls.dnsNames) -}}
{{- end -}}

{{/* Ports of the brokers, as a JSON list. */}}
{{- define "coffer.kafkaPorts" -}}
{{- $ports := list -}}
{{- range .Values.networkPolicy.kafka.ports -}}
{{- $ports = append $ports (int .) -}}
{{- end -}}
{{- if not $ports -}}
{{- range splitList "," .Values.kafka.bootstrap -}}
{{- $ports = append $ports (int (last (splitList ":" .))) -}}
{{- end -}}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end -}}

{{/* Refuses values that cannot work together, with a text that says what to do. */}}
{{- define "coffer.validate" -}}
{{- $v := .Values -}}
{{- $pins := len (compact (list $v.pin.secretName $v.pin.secretProviderClass)) -}}
{{- $certificates := len (compact (list $v.tls.secretName $v.tls.certManager.issuerName)) -}}
{{- if gt $pins 1 }}{{ fail "pin: give secretName or secretProviderClass, not both" }}{{ end -}}
{{- if gt $certificates 1 }}{{ fail "tls: give secretName or certManager.issuerName, not both" }}{{ end -}}
{{- if lt (int $v.terminationGracePeriodSeconds) (add (int $v.preStopSeconds) 30 | int) }}{{ fail "terminationGracePeriodSeconds must be at least preStopSeconds + 30" }}{{ end -}}
{{- if and $v.kafka.sasl.mechanism (not (and $v.kafka.sasl.user $v.kafka.sasl.passwordSecret)) }}{{ fail "kafka.sasl.mechanism needs user and passwordSecret" }}{{ end -}}
{{- if and $v.kafka.tls.clientCertificate (not $v.kafka.tls.secretName) }}{{ fail "kafka.tls.clientCertificate needs kafka.tls.secretName" }}{{ end -}}
{{- $monitor := $v.metrics.serviceMonitor -}}
{{- if $monitor.enabled -}}
{{- $open := dig "telemetry" "unauthenticated_metrics_access" false $v.config -}}
{{- if and (not $monitor.tokenSecret) (not $open) }}{{ fail "metrics.serviceMonitor needs tokenSecret, or config.telemetry.unauthenticated_metrics_access: true" }}{{ end -}}
{{- if not $monitor.caSecret }}{{ fail "metrics.serviceMonitor needs caSecret: the authority of the nodes' certificates" }}{{ end -}}
{{- end -}}
{{- if eq $v.mode "cluster" -}}
{{- if not $v.kafka.bootstrap }}{{ fail "mode cluster needs kafka.bootstrap" }}{{ end -}}
{{- if eq $pins 0 }}{{ fail "mode cluster needs pin.secretName or pin.secretProviderClass: all nodes use one HSM token" }}{{ end -}}
{{- if eq $certificates 0 }}{{ fail "mode cluster needs tls.certManager.issuerName or tls.secretName" }}{{ end -}}
{{- if and (contains "softhsm" $v.hsm.module) (not $v.hsm.softhsmClaim) }}{{ fail "mode cluster needs one HSM token that every node reaches: hsm.module of a shared HSM, or for a demonstration hsm.softhsmClaim" }}{{ end -}}
{{- end -}}
{{- end -}}
