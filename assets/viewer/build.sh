#!/usr/bin/env bash
# Makes viewer.js, the script of fitrun's report pages, of src/ and three.js. Needs node and npm.
set -euo pipefail
cd "$(dirname "$0")"
npm ci --ignore-scripts --no-audit --no-fund
npx esbuild src/main.js --bundle --minify --format=iife --target=es2022 --legal-comments=none --outfile=viewer.js
cp node_modules/three/LICENSE LICENSE.three
rm -rf node_modules
