# Sourced: which of a kernel's modules are needed. $tree is its folder of modules, with what depmod made there.

# closure NAME…: the files of these modules and of those that they need, from modules.dep on stdin.
closure() {
  awk -v names="$*" -v builtin="$tree/modules.builtin" '
    BEGIN {
      count = split(names, list, " "); for (i = 1; i <= count; i++) wanted[list[i]] = 1
      while ((getline file < builtin) > 0) { sub(/.*\//, "", file); sub(/\.ko.*/, "", file); found[file] = 1 }
    }
    {
      file = $1; sub(/:$/, "", file)
      name = file; sub(/.*\//, "", name); sub(/\.ko.*/, "", name)
      if (!(name in wanted)) next
      found[name] = 1; files[file] = 1
      for (i = 2; i <= NF; i++) files[$i] = 1
    }
    END {
      for (name in wanted) if (!(name in found)) { print "no such module: " name > "/dev/stderr"; exit 1 }
      for (file in files) print file
    }'
}
