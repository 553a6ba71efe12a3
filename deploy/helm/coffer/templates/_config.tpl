{{/* The options that the chart sets: section -> key -> value. */}}
{{- define "coffer.options" -}}
{{- $v := .Values -}}
listener:
  address: 0.0.0.0
  port: 8200
{{- if or $v.tls.secretName $v.tls.certManager.issuerName }}
  certificate_file: /etc/coffer/tls/tls.crt
  key_file: /etc/coffer/tls/tls.key
{{- end }}
seal:
  type: auto
{{- if or $v.pin.secretName $v.pin.secretProviderClass }}
  pin_file: /etc/coffer/pin/{{ $v.pin.key }}
{{- end }}
hsm:
  module: {{ $v.hsm.module | quote }}
  token_label: {{ $v.hsm.tokenLabel | quote }}
embedded:
  auto_init: {{ $v.autoInit }}
{{- if eq $v.mode "embedded" }}
store:
  engine: rocksdb
{{- else }}
store:
  engine: kafka
kafka:
  bootstrap: {{ $v.kafka.bootstrap | quote }}
  topic_prefix: {{ $v.kafka.topicPrefix | quote }}
{{- with $v.kafka.tls }}
{{- if .secretName }}
  ca_file: /etc/coffer/kafka/ca.crt
{{- if .clientCertificate }}
  certificate_file: /etc/coffer/kafka/tls.crt
  key_file: /etc/coffer/kafka/tls.key
{{- end }}
{{- end }}
{{- end }}
{{- with $v.kafka.sasl }}
{{- if .mechanism }}
  sasl_mechanism: {{ .mechanism | quote }}
  sasl_user: {{ .user | quote }}
  sasl_password_file: /etc/coffer/kafka-sasl/{{ .passwordKey }}
{{- end }}
{{- end }}
cluster:
  nodes: {{ include "coffer.nodes" . | quote }}
  ca_file: /etc/coffer/tls/ca.crt
  certificate_file: /etc/coffer/tls/tls.crt
  key_file: /etc/coffer/tls/tls.key
{{- end }}
{{- end -}}

{{/* One value in TOML. JSON's strings are TOML's; a number of values.yaml may be a float. */}}
{{- define "coffer.toml" -}}
{{- if kindIs "string" . -}}{{ toJson . }}
{{- else if kindIs "bool" . -}}{{ . }}
{{- else if kindIs "float64" . -}}
{{- if ne (float64 (int64 .)) . }}{{ fail (printf "config: %v is not a whole number" .) }}{{ end -}}
{{ int64 . }}
{{- else if has (kindOf .) (list "int" "int64") -}}{{ int64 . }}
{{- else }}{{ fail (printf "config: %v is neither a string, a whole number nor true or false" .) }}
{{- end -}}
{{- end -}}

{{/* cofferd.toml. cluster.node comes from the environment: it is the pod's name. */}}
{{- define "coffer.configFile" -}}
{{- $options := include "coffer.options" . | fromYaml -}}
{{- range $section, $keys := .Values.config -}}
{{- if not (kindIs "map" $keys) }}{{ fail (printf "config.%s must hold options" $section) }}{{ end -}}
{{- range $key, $value := $keys -}}
{{- $own := get $options $section | default dict -}}
{{- if or (hasKey $own $key) (and (eq $section "cluster") (eq $key "node")) -}}
{{- fail (printf "config.%s.%s is set by the chart" $section $key) -}}
{{- end -}}
{{- $_ := set $options $section (set $own $key $value) -}}
{{- end -}}
{{- end -}}
data_dir = "/var/lib/coffer"
{{- range $section, $keys := $options }}

[{{ $section }}]
{{- range $key, $value := $keys }}
{{ $key }} = {{ include "coffer.toml" $value }}
{{- end }}
{{- end }}
{{- end -}}
