#!/usr/bin/env bash
# Builds kube-apiserver, kubectl and etcd, as pinned in server/go.mod, and prints the directory they are in. What was
# built once is used again: the directory is named after what went in. `--where` builds nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/server"

pinned() { sed -n "s|^\t$1 \(v[0-9.]*\).*|\1|p" go.mod | head -n 1; }
kubernetes=$(pinned k8s.io/kubernetes)
etcd=$(pinned go.etcd.io/etcd/server/v3)
inputs=$(cat go.mod go.sum ../build.sh | sha256sum | cut -c -8)
out="${XDG_CACHE_HOME:-$HOME/.cache}/inmesh-peers/kubernetes-$kubernetes-etcd-$etcd-$inputs"

# What a release build writes into its binaries, so that the server says what it is.
stamp=
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  stamp+=" -X $package.gitVersion=$kubernetes -X $package.gitTreeState=archive"
done

build() {
  [[ -x $out/$1 ]] && return
  command -v go >/dev/null || {
    echo "There is no go command: apt-get install golang-go; a newer toolchain is fetched where that is too old" >&2
    exit 1
  }
  echo "Building $1 from $2; the first time takes minutes" >&2
  # Whatever is interrupted leaves nothing that looks whole.
  GOTOOLCHAIN=auto CGO_ENABLED=0 nice -n 10 go build -p 2 -trimpath -ldflags "-s -w $stamp" -o "$out/$1.$$" "$2"
  mv "$out/$1.$$" "$out/$1"
}

if [[ ${1-} == --where ]]; then
  echo "$out"
  exit
fi
mkdir -p "$out"
build etcd go.etcd.io/etcd/server/v3
build kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
build kubectl k8s.io/kubernetes/cmd/kubectl
echo "$out"
