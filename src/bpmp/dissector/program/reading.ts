/**
 * Lua: a struct's bytes as items of the tree, by the tables. What `readPlan` does; for requests also what `describe`
 * says of each value: its text on its own ("plain"), and its text where it speaks for itself ("shown").
 */
export const reading = `
local function little(raw, offset, size)
  local value = 0
  for index = size, 1, -1 do value = value * 256 + raw:byte(offset + index) end
  return value
end

local function small(raw, offset, size, signed)
  local value = little(raw, offset, size)
  if signed and value >= 2 ^ (8 * size - 1) then value = value - 2 ^ (8 * size) end
  return value
end

local read_node

-- 64 bits: Lua's own numbers are too short for them.
local function read_wide(at, node, offset, tree)
  local range = at.tvb(at.base + offset, 8)
  local item = tree:add_le(F[node.f], range)
  local text = tostring(node.g and range:le_int64() or range:le_uint64())
  local number = tonumber(text) + 0.0
  local is_safe = math.abs(number) <= 9007199254740991
  local shown = nil
  if node.u then
    shown = is_safe and quantity(number, node.u) or (text .. " " .. node.u)
    item:append_text(" (" .. shown .. ")")
  end
  return is_safe and text or quote(text), shown
end

local function read_flags(node, value, item, range)
  local rest, names, quoted = value, {}, {}
  for _, entry in ipairs(node.b) do
    item:add_le(F[entry[1]], range)
    if math.floor(value / entry[2]) % 2 == 1 then
      names[#names + 1] = entry[3]
      rest = rest - entry[2]
    end
  end
  if rest ~= 0 then names[#names + 1] = string.format("0x%x", rest) end
  for index, name in ipairs(names) do quoted[index] = quote(name) end
  local shown = #names > 0 and table.concat(names, "|") or "0"
  item:append_text(" (" .. shown .. ")")
  return "[" .. table.concat(quoted, ",") .. "]", shown
end

local function read_number(at, node, offset, tree)
  if node.s == 8 then return read_wide(at, node, offset, tree) end
  local range = at.tvb(at.base + offset, node.s)
  local value = small(at.raw, offset, node.s, node.g)
  local item = tree:add_le(F[node.f], range)
  if node.b then return read_flags(node, value, item, range) end
  local text = whole(value)
  if node.n == nil then
    local shown = node.u and quantity(value, node.u) or nil
    if shown then item:append_text(" (" .. shown .. ")") end
    return text, shown
  end
  local name = node.t[value]
  if name then
    item:append_text(" (" .. name .. ")")
    item:add(F[node.n], range, name):set_generated()
  end
  if node.c then return name and quote(name) or text, name end
  if name == nil then return "{id=" .. text .. "}", "#" .. text end
  return "{id=" .. text .. ",name=" .. quote(name) .. "}", name, text
end

local function until_nul(bytes)
  local stop = bytes:find("%z")
  return stop and bytes:sub(1, stop - 1) or bytes
end

local readers = { n = read_number }

function readers.f(at, node, offset, tree)
  tree:add_le(F[node.f], at.tvb(at.base + offset, 4))
  return ""
end

function readers.t(at, node, offset, tree)
  local text = until_nul(at.raw:sub(offset + 1, offset + node.s))
  tree:add(F[node.f], at.tvb(at.base + offset, node.s), utf8_of(text))
  local quoted = quote(text)
  return quoted, quoted
end

function readers.r(at, node, offset, tree)
  local plain = {}
  for index, part in ipairs(node.p) do
    plain[index] = part[1] .. "=" .. read_node(at, N[part[3]], offset + part[2], tree)
  end
  return "{" .. table.concat(plain, ",") .. "}"
end

-- Entries of an array or a list; those of several values each have a subtree of their own.
local function read_entries(at, node, size, length, offset, tree)
  local plain = {}
  for index = 0, length - 1 do
    local start = offset + index * size
    local under = tree
    if node.k == "r" or node.k == "v" then
      under = tree:add(at.tvb(at.base + start, size), string.format("Entry %d", index))
    end
    plain[index + 1] = (read_node(at, node, start, under))
  end
  return "[" .. table.concat(plain, ",") .. "]"
end

function readers.a(at, node, offset, tree)
  return read_entries(at, N[node.e], node.s, node.l, offset, tree)
end

function readers.v(at, node, offset, tree)
  local member = node.m[small(at.raw, node.o, node.s)] or node.x
  return read_node(at, N[member], offset, tree)
end

function read_node(at, node, offset, tree)
  return readers[node.k](at, node, offset, tree)
end

-- A counted list; a second answer says why it is not whole, and nothing behind it means anything.
local function read_list(at, step, tree)
  local count = step.c
  if count[2] + count[3] > #at.raw then return nil end
  local length = little(at.raw, count[2], count[3])
  tree:add_le(F[count[1]], at.tvb(at.base + count[2], count[3]))
  if length > step.m then
    return nil, string.format("%s %d is more than %d", step.w, length, step.m)
  end
  local stop = step.o + length * step.e
  if stop > #at.raw then
    return nil, string.format("needs %d bytes for %s %d, got %d", stop, step.w, length, #at.raw)
  end
  if step.n then return step.q .. read_entries(at, N[step.n], step.e, length, step.o, tree) end
  local bytes = at.raw:sub(step.o + 1, stop)
  local range = at.tvb(at.base + step.o, length)
  if step.h then
    if length > 0 then tree:add(F[step.f], range) end
    local digits = bytes:gsub(".", function(byte) return string.format("%02x", byte:byte()) end)
    return step.q .. digits:sub(1, 64)
  end
  tree:add(F[step.f], range, utf8_of(bytes))
  return quote(bytes)
end

-- Every value of a struct, as far as its bytes go: the words that describe it, or also why it is not whole.
local function read_plan(at, plan, tree)
  local words, values, id = {}, 0, nil
  for _, step in ipairs(plan) do
    local word = nil
    if step.k == "V" then
      if step.o + step.s > #at.raw then break end
      local plain, shown, number = read_node(at, N[step.n], step.o, tree)
      word = shown and (step.p .. shown) or (step.q .. plain)
      id = number
    elseif step.k == "S" then
      local room = at.raw:sub(step.o + 1, step.o + step.m)
      local stop = room:find("%z")
      if stop == nil then return words, string.format("%s has no NUL within its %d bytes", step.w, #room) end
      tree:add(F[step.f], at.tvb(at.base + step.o, stop), utf8_of(room:sub(1, stop - 1)))
      word = quote(room:sub(1, stop - 1))
    else
      local problem
      word, problem = read_list(at, step, tree)
      if problem then return words, problem end
    end
    if word then
      words[#words + 1] = word
      values = values + 1
    end
  end
  if values == 1 and id then words[#words + 1] = "(" .. id .. ")" end
  return words
end
`;
