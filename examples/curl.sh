#!/bin/sh
# The whole way of a job with curl alone:  sh examples/curl.sh [FILE]
set -eu
url=${DOCFLEET_URL:-http://localhost:8080}
file=${1:-examples/documents/report.pdf}

# Submit. The answer is 202, and its Location header is the job's address.
job=$(curl -fsS -D - -o /dev/null -F "files=@$file" "$url/submit" | tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
echo "job: $job"

# Wait. Each look is held until something changes, for ten seconds at most.
while :; do
    status=$(curl -fsS "$url$job?wait=10")
    case $status in
    *'"status":"completed"'*) break ;;
    *'"status":"failed"'*) echo "$status" >&2; exit 1 ;;
    esac
done

# Fetch: nodes as JSON by default, or the document in another format.
curl -fsS "$url$job/results?format=markdown"
