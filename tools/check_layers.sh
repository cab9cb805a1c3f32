#!/bin/sh
# check_layers.sh -- every #include of src, dist, serve and cli is allowed by tools/layers.txt. The layer of src/X/... is
# X, of src/api.c it is api, of cli/... it is cli; fovea.h is the layer "include".
# SPDX-License-Identifier: Apache-2.0
cd "$(dirname "$0")/.." || exit 2
find src dist serve cli -name '*.[ch]' -o -name '*.inc' -o -name '*.def' 2>/dev/null | sort | xargs awk '
    BEGIN {
        while ((getline line < "tools/layers.txt") > 0) {
            sub(/#.*/, "", line)
            if (split(line, word, /[: \t]+/) == 0 || word[1] == "") continue
            known[word[1]] = 1
            allowed[word[1], word[1]] = 1
            for (i in word) allowed[word[1], word[i]] = 1
        }
    }
    FNR == 1 {
        split(FILENAME, part, "/")
        from = part[1] == "src" ? part[2] : part[1]
        sub(/\.[a-z]+$/, "", from)
        if (!known[from]) { print FILENAME ": the layer \047" from "\047 is not in tools/layers.txt"; bad = 1 }
    }
    /^[ \t]*#[ \t]*include[ \t]*("|<fovea\.h>)/ {
        file = $0
        gsub(/^[^"<]*["<]|[">].*$/, "", file)
        n = split(file, dir, "/")
        to = n > 1 ? dir[1] : file == "fovea.h" ? "include" : from
        if (known[from] && !((from, to) in allowed)) {
            print FILENAME ":" FNR ": the layer \047" from "\047 may not include \047" to "\047"
            bad = 1
        }
    }
    END { exit bad }'
