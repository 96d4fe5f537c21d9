#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Everything that Teravox does on a GPU, beside PyTorch, on a machine that has a GPU and PyTorch and nothing else.
#   bench/gpu.sh pack FOLDER         on the machine that builds: the programs, .NET's runtime and this script, also as FOLDER.tar.xz
#   FOLDER/gpu.sh run [RESULTS]      on the machine with the GPU: prints the tables, and leaves them and the logs in RESULTS (gpu-results)
# With these in the environment, it also runs:
#   ANCHORS=gpu_anchors.py           what PyTorch does with the same network
#   NERVE_CORD=FOLDER                a training of 20000 iterations on that stack, scored on sections 11 to 13
#   EDGE=1024                        edge of the phantom that is segmented from disk to disk (0: none)
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)

pack() {
  local to=$1 root dotnet
  root=$(dirname "$here")
  dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
  "$root/teravox" build
  mkdir -p "$to/dotnet/shared"
  local part
  for part in cli/Teravox.Cli.csproj bench/Teravox.Bench/Teravox.Bench.csproj; do
    dotnet publish "$root/$part" -c Release --no-restore -v quiet --nologo -o "$to/programs"
  done

  # That machine's PyTorch has the rest of libtorch.
  rm -rf "$to/programs/libtorch" "$to/programs/page"
  mkdir "$to/programs/libtorch"
  cp -L "$root/build/libtorch/libLibTorchSharp.so" "$to/programs/libtorch/"
  find "$to/programs" -name '*.pdb' -delete
  find "$to/programs/runtimes" -mindepth 1 -maxdepth 1 ! -name linux-x64 -exec rm -r {} +
  cp -r "$dotnet/dotnet" "$dotnet/host" "$to/dotnet/"
  cp -r "$dotnet/shared/Microsoft.NETCore.App" "$dotnet/shared/Microsoft.AspNetCore.App" "$to/dotnet/shared/"
  cp "${BASH_SOURCE[0]}" "$to/gpu.sh"
  tar -C "$(dirname "$to")" -cJf "$to.tar.xz" "$(basename "$to")"
  du -sh "$to" "$to.tar.xz"
}

# timed NAME COMMAND...: runs it, keeps its output as NAME.log, and says how long it took.
timed() {
  local name=$1 since=$SECONDS
  shift
  echo "== $name"
  if "$@" >"$results/$name.log" 2>&1; then
    echo "$name: $((SECONDS - since)) s"
  else
    echo "$name: FAILED after $((SECONDS - since)) s"
    tail -n 5 "$results/$name.log"
  fi
}

run_all() {
  results=$(mkdir -p "${1:-gpu-results}" && cd "${1:-gpu-results}" && pwd)
  export DOTNET_ROOT="$here/dotnet" DOTNET_gcServer=0 OMP_WAIT_POLICY=PASSIVE
  export TERAVOX_LIBTORCH=${TERAVOX_LIBTORCH:-$(python3 -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))')}
  local dotnet="$here/dotnet/dotnet" teravox="$here/programs/teravox.dll" bench="$here/programs/teravox-bench.dll" specs="$here/programs/specs"
  date -u +%F
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
  python3 -c 'import torch; print("PyTorch", torch.__version__, "cuDNN", torch.backends.cudnn.version())'

  # 1. A model that has learnt something; its probabilities from the GPU and from the CPU, scored.
  timed train "$dotnet" "$teravox" run "$specs/phantom-quick.json" --out "$results/trained" --device cuda:0
  local model="$results/trained/models/multiclass.safetensors" device
  timed grow-small "$dotnet" "$teravox" phantom --shape 64,256,256 --seed 8 --out "$results/small"
  for device in cuda:0 cpu; do
    timed "segment-small-${device%:0}" "$dotnet" "$teravox" segment "$results/small/raw" --model "$model" --out "$results/small-${device%:0}" --device "$device"
    timed "score-${device%:0}" "$dotnet" "$teravox" score "$results/small-${device%:0}/probabilities.zarr" --labels "$results/small/labels" --classes "$results/small/classes.json" --model "$model"
    cat "$results/score-${device%:0}.log"
  done

  # 2. Tiles, steps, sections.
  timed gpu "$dotnet" "$bench" gpu --model "$model"
  cat "$results/gpu.log"

  # 3. PyTorch on the same card.
  if [ -n "${ANCHORS:-}" ]; then
    timed anchors python3 "$ANCHORS"
    cat "$results/anchors.log"
    awk '/block 256\^3, whole/ && !ours { for (i = 1; i <= NF; i++) if ($(i + 1) ~ /Mvoxel/) ours = $i } /torch.compile/ && /Mvox/ { for (i = 1; i <= NF; i++) if ($(i + 1) ~ /Mvox/) theirs = $i }
      END { if (ours && theirs) printf "block 256^3 beside torch.compile: %.2f (target 1.4)\n", ours / theirs }' "$results/gpu.log" "$results/anchors.log"
  fi

  # 4. From disk to disk.
  local edge=${EDGE:-1024}
  if [ "$edge" -gt 0 ]; then
    timed grow "$dotnet" "$teravox" phantom --shape "$edge,$edge,$edge" --out "$results/grown"
    timed segment "$dotnet" "$teravox" segment "$results/grown/raw" --model "$model" --out "$results/segmented" --device cuda:0
    tail -n 5 "$results/segment.log"
  fi

  # 5. The nerve cord.
  if [ -n "${NERVE_CORD:-}" ]; then
    timed nerve-cord "$dotnet" "$teravox" run "$specs/drosophila-vnc.json" --set "data=$NERVE_CORD" --set network.fMaps=32 \
      --set training.iterations=20000 --set 'training.patch=[11,128,128]' --out "$results/nerve-cord" --device cuda:0
    tail -n 20 "$results/nerve-cord.log"
  fi
}

case "${1:-}" in
  pack) [ $# -eq 2 ] || { echo "gpu.sh: pack needs a folder, as in: bench/gpu.sh pack /tmp/teravox-gpu" >&2; exit 2; }; pack "$2" ;;
  run) shift; run_all "$@" ;;
  *) sed -n '3,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
