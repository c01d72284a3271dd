/** Lua: requests and replies, as `decodeRequest`, `decodeReply` and `describe` take them. */
export const request = `
local SHIFTS = { w = 0, c = 3, h = 2 }

-- The family and the command of a request: family, number, info; each as far as it is known.
local function look(mrq, raw)
  local family = M[mrq]
  if family == nil then return nil end
  if family.p == nil then return family, nil, family[0] end
  if #raw < 4 then return family end
  local shift = SHIFTS[family.p]
  local number = little(raw, shift, 4 - shift)
  return family, number, family[number]
end

-- Whether the parts that give their own length end within the payload.
local function is_whole(plan, raw)
  for _, step in ipairs(plan) do
    if step.k == "S" and not raw:sub(step.o + 1, step.o + step.m):find("%z") then return false end
    if step.k == "L" then
      local length = little(raw, step.c[2], step.c[3])
      if length > step.m or step.o + length * step.e > #raw then return false end
    end
  end
  return true
end

-- The request's line and status; its values become items.
local function read_request(record, tree)
  local family, number, info = look(record.mrq, record.tx)
  local title = family and family.n or ("MRQ " .. whole(record.mrq))
  local size = #record.tx
  if number then title = title .. " " .. (info and info.n or ("command " .. whole(number))) end
  if info == nil then
    if family and family.p and number == nil then
      return title .. string.format(" (malformed: needs 4 bytes for its command, got %d)", size), "malformed"
    end
    return string.format("%s (unknown), %d bytes", title, size), "unknown"
  end
  local at = { tvb = record.tvb, base = record.tx_at, raw = record.tx }
  local words, problem = read_plan(at, info.q, tree)
  table.insert(words, 1, title)
  local line = cut(table.concat(words, " "), 200)
  if size < info.m then
    problem = string.format("needs %d bytes, got %d", info.m, size)
  elseif is_whole(info.q, record.tx) then
    return line, "ok"
  end
  return line .. " (malformed: " .. (problem or "is not whole") .. ")", "malformed"
end

-- The reply's status, and why where it is malformed; its values become items.
local function read_reply(record, tree)
  local _, _, info = look(record.mrq, record.tx)
  if info == nil then return "unknown" end
  if record.ret < 0 then return "ok" end
  local at = { tvb = record.tvb, base = record.rx_at, raw = record.rx }
  local _, problem = read_plan(at, info.r, tree)
  if #record.rx < info.x then
    problem = string.format("needs %d bytes, got %d", info.x, #record.rx)
  end
  if problem then return "malformed", problem end
  return "ok"
end
`;
