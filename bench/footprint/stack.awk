# Worst stack below the entry functions, from gcc's -fcallgraph-info=su files: the deepest sum of frames
# along the call graph. Calls through pointers are the caller's callbacks and count 0, but may also lead to
# the library's own `callbacks`, except from what these are made of: the files in_place.*. Functions of other
# libraries (memory functions, libgcc) count `external` bytes each. Recursion and frames of unknown size are
# errors.
#   awk -v entries="a b" -v callbacks="c" -v external=16 -f stack.awk *.ci

function field(name,   rest) {
  rest = $0
  if (!sub(".*" name ": \"", "", rest)) return ""
  sub("\".*", "", rest)
  return rest
}

/^node:/ {
  title = field("title")
  label = field("label")
  plain = label
  if (sub("^.*::", "", plain) && sub("[(].*", "", plain)) named[plain] = title
  # Static functions of C: "file:name".
  if (title ~ /:[a-z0-9_]+$/) { plain = title; sub(".*:", "", plain); named[plain] = title }
  in_flash[title] = label ~ /\/in_place\.(cc|h):/
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

# Of the deepest of the functions in a list, by their plain names or symbols.
function deepest_of(list,   count, i, item, name, deepest) {
  count = split(list, item, " ")
  deepest = 0
  for (i = 1; i <= count; i++) {
    name = item[i] in frame ? item[i] : named[item[i]]
    if (!(name in frame)) fail("no such function: " item[i])
    if (depth(name) > deepest) deepest = depth(name)
  }
  return deepest
}

function depth(name,   i, deepest, below, callee) {
  if (name in known) return known[name]
  if (!(name in frame)) return external
  if (name in active) fail("recursion through " name)
  active[name] = 1
  deepest = 0
  for (i = 1; i <= call_count[name]; i++) {
    callee = calls[name, i]
    below = callee != "__indirect_call" ? depth(callee) : in_flash[name] ? 0 : depth_of_callbacks
    if (below > deepest) deepest = below
  }
  delete active[name]
  known[name] = frame[name] + deepest
  return known[name]
}

END {
  if (failed) exit 1
  depth_of_callbacks = deepest_of(callbacks)
  print deepest_of(entries)
}
