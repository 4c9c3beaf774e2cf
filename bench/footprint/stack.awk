# Worst stack below the entry functions, from gcc's -fcallgraph-info=su files: the deepest sum of frames
# along the call graph. Calls through pointers are the caller's callbacks and count 0; functions of
# other libraries (memory functions, libgcc) count `external` bytes each. Recursion and frames of
# unknown size are errors.
#   awk -v entries="a b" -v external=16 -f stack.awk *.ci

function field(name,   rest) {
  rest = $0
  if (!sub(".*" name ": \"", "", rest)) return ""
  sub("\".*", "", rest)
  return rest
}

/^node:/ {
  title = field("title")
  label = field("label")
  if (match(label, /[0-9]+ bytes \([a-z,]+\)/)) {
    text = substr(label, RSTART, RLENGTH)
    frame[title] = text + 0
    if (text !~ /\(static\)/ && text !~ /bounded/) fail("stack of unknown size in " title)
  }
}

/^edge:/ { calls[field("sourcename"), ++call_count[field("sourcename")]] = field("targetname") }

function fail(message) {
  print "stack.awk: " message > "/dev/stderr"
  failed = 1
  exit 1
}

function depth(name,   i, deepest, below, callee) {
  if (name == "__indirect_call") return 0
  if (name in known) return known[name]
  if (!(name in frame)) return external
  if (name in active) fail("recursion through " name)
  active[name] = 1
  deepest = 0
  for (i = 1; i <= call_count[name]; i++) {
    callee = calls[name, i]
    below = depth(callee)
    if (below > deepest) deepest = below
  }
  delete active[name]
  known[name] = frame[name] + deepest
  return known[name]
}

END {
  if (failed) exit 1
  count = split(entries, entry, " ")
  worst = 0
  for (e = 1; e <= count; e++) {
    if (!(entry[e] in frame)) fail("no such function: " entry[e])
    if (depth(entry[e]) > worst) worst = depth(entry[e])
  }
  print worst
}
