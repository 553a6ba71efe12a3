{{/* Certificates, PIN, what Kafka and the HSM need: the mounts of cofferd. */}}
{{- define "coffer.mounts" -}}
{{- $v := .Values -}}
{{- if or $v.tls.secretName $v.tls.certManager.issuerName }}
- name: tls
  mountPath: /etc/coffer/tls
  readOnly: true
  {{- if and $v.tls.secretName (eq $v.mode "cluster") }}
  # Of the Secret's keys a pod sees its own only.
  subPathExpr: $(POD_NAME)
  {{- end }}
{{- end }}
{{- if or $v.pin.secretName $v.pin.secretProviderClass }}
- name: pin
  mountPath: /etc/coffer/pin
  readOnly: true
{{- end }}
{{- if $v.kafka.tls.secretName }}
- name: kafka-tls
  mountPath: /etc/coffer/kafka
  readOnly: true
{{- end }}
{{- if $v.kafka.sasl.mechanism }}
- name: kafka-sasl
  mountPath: /etc/coffer/kafka-sasl
  readOnly: true
{{- end }}
{{- if $v.hsm.softhsmClaim }}
- name: softhsm
  mountPath: /var/lib/coffer-hsm
{{- end }}
{{- with $v.hsm.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Its volumes besides data and config. */}}
{{- define "coffer.volumes" -}}
{{- $v := .Values -}}
{{- $name := include "coffer.name" . -}}
{{- if $v.tls.certManager.issuerName }}
- name: tls
  csi:
    driver: csi.cert-manager.io
    readOnly: true
    volumeAttributes:
      csi.cert-manager.io/issuer-name: {{ $v.tls.certManager.issuerName }}
      csi.cert-manager.io/issuer-kind: {{ $v.tls.certManager.issuerKind }}
      csi.cert-manager.io/issuer-group: {{ $v.tls.certManager.issuerGroup }}
      csi.cert-manager.io/dns-names: {{ include "coffer.dnsNames" . | quote }}
      csi.cert-manager.io/key-usages: digital signature,server auth,client auth
      csi.cert-manager.io/fs-group: "10001"
{{- else if $v.tls.secretName }}
- name: tls
  secret:
    secretName: {{ $v.tls.secretName }}
    defaultMode: 0440
    {{- if eq $v.mode "cluster" }}
    items:
      {{- range $number := until (int $v.replicas) }}
      {{- $pod := printf "%s-%d" $name $number }}
      - key: ca.crt
        path: {{ $pod }}/ca.crt
      - key: {{ $pod }}.crt
        path: {{ $pod }}/tls.crt
      - key: {{ $pod }}.key
        path: {{ $pod }}/tls.key
      {{- end }}
    {{- end }}
{{- end }}
{{- if $v.pin.secretProviderClass }}
- name: pin
  csi:
    driver: secrets-store.csi.k8s.io
    readOnly: true
    volumeAttributes:
      secretProviderClass: {{ $v.pin.secretProviderClass }}
{{- else if $v.pin.secretName }}
- name: pin
  secret:
    secretName: {{ $v.pin.secretName }}
    defaultMode: 0440
    items:
      - key: {{ $v.pin.key }}
        path: {{ $v.pin.key }}
{{- end }}
{{- if $v.kafka.tls.secretName }}
- name: kafka-tls
  secret:
    secretName: {{ $v.kafka.tls.secretName }}
    defaultMode: 0440
{{- end }}
{{- with $v.kafka.sasl }}
{{- if .mechanism }}
- name: kafka-sasl
  secret:
    secretName: {{ .passwordSecret }}
    defaultMode: 0440
    items:
      - key: {{ .passwordKey }}
        path: {{ .passwordKey }}
{{- end }}
{{- end }}
{{- if $v.hsm.softhsmClaim }}
- name: softhsm
  persistentVolumeClaim:
    claimName: {{ $v.hsm.softhsmClaim }}
{{- end }}
{{- with $v.hsm.volumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
