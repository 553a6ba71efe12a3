#!/bin/sh
# Made once for compose.yaml: an authority, a certificate for each node, the PIN and the folder of the
# SoftHSM token that all nodes share. The authority's key is forgotten.
set -eu
umask 077
OWNER=10001:10001
SHARED="${SHARED:-/shared}"
CERTIFICATES="${CERTIFICATES:-/certificates}"

if [ -e "$SHARED/ca.pem" ]; then exit 0; fi
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
  -subj "/CN=Coffer demonstration CA" -addext keyUsage=critical,keyCertSign \
  -keyout "$work/ca.key" -out "$work/ca.pem"
for node in coffer-1 coffer-2 coffer-3; do
  folder="$CERTIFICATES/$node"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
    -CA "$work/ca.pem" -CAkey "$work/ca.key" -subj "/CN=$node" \
    -addext "subjectAltName=DNS:$node,DNS:localhost,IP:127.0.0.1" \
    -addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=serverAuth,clientAuth \
    -keyout "$folder/node.key" -out "$folder/node.pem"
  cp "$work/ca.pem" "$folder/ca.pem"
  chown -R "$OWNER" "$folder"
  chmod 700 "$folder"
done

mkdir -p "$SHARED/tokens"
openssl rand -hex 32 >"$SHARED/pin"
cat >"$SHARED/softhsm2.conf" <<CONF
directories.tokendir = $SHARED/tokens
objectstore.backend = file
log.level = ERROR
slots.removable = false
CONF
# Last: with it everything is there.
cp "$work/ca.pem" "$SHARED/ca.pem"
chown -R "$OWNER" "$SHARED"
chmod 700 "$SHARED"
