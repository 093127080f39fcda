#!/usr/bin/env bash
# Runs the tests of the stores against a real Garage, on this machine and on no port but loopback's.
#
# The server is built once and kept in GARAGE_ROOT, ~/.cache/snapback-garage unless set. What it
# stores goes with the run. Arguments go to the test binary.
set -eu
cd "$(dirname "$0")/../.."

version=2.5.0
root=${GARAGE_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/snapback-garage}
garage=$root/bin/garage

if ! "$garage" --version 2>/dev/null | grep -qF "$version"; then
    # Elsewhere: this folder's cargo settings are not for Garage. Unoptimised: ten minutes, not forty.
    (cd / && cargo install garage --version "$version" --locked --debug --no-default-features \
        --features bundled-libs,sqlite --root "$root")
fi

hex() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

# A port that nobody listens at now.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 20000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

folder=$(mktemp -d)
s3=$(free_port)
rpc=$(free_port)
cat >"$folder/garage.toml" <<TOML
metadata_dir = "$folder/meta"
data_dir = "$folder/data"
db_engine = "sqlite"
replication_factor = 1
rpc_bind_addr = "127.0.0.1:$rpc"
rpc_public_addr = "127.0.0.1:$rpc"
rpc_secret = "$(hex 32)"

[s3_api]
s3_region = "garage"
api_bind_addr = "127.0.0.1:$s3"
TOML

export SNAPBACK_S3_ENDPOINT="http://127.0.0.1:$s3" SNAPBACK_S3_REGION=garage
export SNAPBACK_S3_BUCKET=snapback SNAPBACK_S3_KEY="GK$(hex 12)" SNAPBACK_S3_SECRET="$(hex 32)"

GARAGE_DEFAULT_ACCESS_KEY=$SNAPBACK_S3_KEY GARAGE_DEFAULT_SECRET_KEY=$SNAPBACK_S3_SECRET \
    GARAGE_DEFAULT_BUCKET=$SNAPBACK_S3_BUCKET RUST_LOG=warn \
    "$garage" -c "$folder/garage.toml" server --single-node --default-bucket \
    >"$folder/log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf "$folder"' EXIT

for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/$s3") 2>/dev/null && break
    kill -0 "$server" 2>/dev/null || { cat "$folder/log" >&2; exit 1; }
    sleep 0.1
done

cargo test --test it -- stores:: "$@" || { tail -50 "$folder/log" >&2; exit 1; }
