#!/usr/bin/env bash
# Builds both images, tries each, and pushes them. For a CI job with Docker; run it in the folder of this repository:
#
#   deploy/build_image.sh registry.example.com/docfleet 0.1.0 [sha256:digest of the base]
#
# Pushed are REPOSITORY:VERSION and REPOSITORY:VERSION-standard; the list of their packages is left in sbom.json and
# sbom-standard.json. At the end it prints the digests, which the chart takes as `image.digest`.
set -euo pipefail
repository=$1 version=$2 base=${3:+--build-arg=BASE=python@$3}

for target in bundled standard; do
  suffix=$([ "$target" = bundled ] || echo "-$target")
  image=$repository:$version$suffix
  docker build --file deploy/Dockerfile --target "$target" --tag "$image" ${base:+"$base"} \
    --build-arg VERSION="$version" --build-arg REVISION="$(git rev-parse HEAD)" .
  container=$(docker run --detach --shm-size 2g "$image")
  trap 'docker logs "$container"; docker rm --force "$container"' ERR
  docker exec "$container" wget --tries=60 --waitretry=5 --retry-connrefused --retry-on-http-error=503 -qO- \
    http://127.0.0.1:8080/readyz
  docker exec "$container" cat /opt/docfleet/sbom.json >"sbom$suffix.json"
  docker rm --force "$container"
  trap - ERR
  docker push "$image"
  docker inspect --format '{{index .RepoDigests 0}}' "$image"
done
